"""Pictures of the console for docs/images: `python -m tests.support.console_pictures docs/images`.

What they show was drawn and invented, and then read by the demo: its street, its hot list, and people of an
agency who work with them.
"""

import csv
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple
from unittest.mock import patch

from PIL import Image
from playwright.sync_api import Browser, Page

from platestream.demo import job
from platestream.demo.files import sample_hot_list
from platestream.edges.changelog import publish
from platestream.hotlist.entry import make_entry
from platestream.hotlist.files.formats import COLUMNS
from platestream.schemas import topics
from platestream.schemas.acts import Role
from platestream.schemas.hotlist import HotListChange
from platestream.schemas.registry import RegistryRecord
from platestream.settings import Settings, embedded_dsn
from platestream.web.cookies import COOKIE
from tests.support.browser import chromium
from tests.support.console import Pages
from tests.support.database import Database
from tests.support.door import person
from tests.support.kafka_broker import free_port
from tests.support.served import served

CASE = "SJ26-004417"
CAMERAS = {"stj-01": (34.50586, -109.36094), "stj-02": (34.5124, -109.3702), "stj-03": (34.4987, -109.3791)}
PEOPLE: dict[str, Role] = {"vale": "officer", "roe": "analyst", "lane": "supervisor", "moss": "auditor"}
LOOKS = (
    ("vale", "GHN5162", "Three burglaries of parked cars"),
    ("roe", "BOK*", "Plate taken at the fairground"),
    ("lane", "KRB5829", "Asked for by Apache County SO"),
)


class Picture(NamedTuple):
    """What somebody sees, and at which size."""

    who: str
    take: Callable[[Page], object]
    width: int = 1120
    height: int = 900
    scheme: Literal["light", "dark"] = "light"


def main(into: Path) -> None:
    with TemporaryDirectory() as folder:
        data = Path(folder)
        with patch("platestream.access.door.system_account", return_value="lee"):
            job.run(Settings(clickhouse=embedded_dsn(data), data=data), None, job.today(), print)
        with agency(data) as (pages, address), chromium() as browser:
            for name, picture in PICTURES.items():
                keep(taken(browser, pages, address, picture), into / f"console-{name}.png")


@contextmanager
def agency(data: Path) -> Iterator[tuple[Pages, str]]:
    """A console over what the demo left, with people at work; and its address."""
    database = Database(data / "clickhouse" / "platestream")
    try:
        pages = Pages(database, data)
        pages.staff(*(person(who, role) for who, role in PEOPLE.items()))
        pages.put(*(camera(name, *place) for name, place in CAMERAS.items()))
        at_work(pages)
        with served(pages.console, free_port()) as address:
            yield pages, address
    finally:
        database.close()


def camera(name: str, latitude: float, longitude: float) -> RegistryRecord:
    return RegistryRecord(
        kind="camera",
        id=name,
        name=name,
        latitude=latitude,
        longitude=longitude,
        approved_by="Chief of Police",
    )


def at_work(pages: Pages) -> None:
    """Vale is on shift and compared a plate, several people looked for plates, the agency has a list of its
    own, and Moss judged the first inquiry of a draw.
    """
    officer = pages.browser("vale")
    officer.get("/hits")
    officer.send("/shift/begin", hours="10")
    hit = re.findall(r'href="(/hits/[^"]+)"(?:(?!</li>).)*stolen vehicle', officer.page, re.DOTALL)[0]
    officer.get(hit)
    officer.send(f"{hit}/steps", kind="plate_and_state_confirmed")
    entries = [make_entry("sjpd", one, pages.console.zone) for one in own_list(range(140))]
    publish(pages.streams, topics.HOTLIST, [HotListChange(one.entry_id, one) for one in entries])
    for who, plate, reason in LOOKS:
        browser = pages.browser(who)
        browser.get("/search")
        browser.send("/search", way="search", plate=plate, case_number=CASE, reason=reason)
    auditor = pages.browser("moss")
    auditor.get("/audit/draws")
    drawn = auditor.send("/audit/draws", year=str(datetime.now(UTC).year)).url.path
    first = auditor.page.partition('name="inquiry" value="')[2].partition('"')[0]
    auditor.send(drawn, inquiry=first, verdict="meets", note="The case file names the vehicle")


def taken(browser: Browser, pages: Pages, address: str, picture: Picture) -> bytes:
    size: Any = {"width": picture.width, "height": picture.height}
    with browser.new_context(viewport=size, color_scheme=picture.scheme) as context:
        token, _session = pages.console.sessions.begin(picture.who, pages.clock())
        context.add_cookies([{"name": COOKIE, "value": token, "url": "https://localhost/", "secure": True}])
        page = context.new_page()
        page.goto(address)
        picture.take(page)
        page.wait_for_load_state("networkidle") if picture.who != "vale" else page.wait_for_timeout(500)
        return page.screenshot()


def keep(png: bytes, file: Path) -> None:
    """With as many colours as such a picture needs: a fourth of the bytes."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(200, dither=Image.Dither.NONE).save(
        file, optimize=True
    )
    print(file, file.stat().st_size)


def one_hit(page: Page) -> None:
    page.goto(page.url.replace("/hits", "") + "/hits")
    page.locator("li.hit", has_text="amber alert").get_by_role("link").click()
    page.wait_for_function("() => [...document.images].every((one) => one.naturalWidth > 10)")


def search(page: Page) -> None:
    page.get_by_role("link", name="Search").click()
    page.get_by_label("Case number").fill(CASE)
    page.get_by_label("Plate", exact=True).fill("CKR4572")
    page.get_by_label("With pictures").check()
    page.get_by_role("button", name="Search", exact=True).click()
    page.wait_for_function("() => [...document.images].every((one) => one.naturalWidth > 10)")


def own_list(numbers: Iterable[int], **changes: str) -> list[dict[str, str]]:
    """Lines of the agency's own list: vehicles of a case each, as the demo's first one."""
    line = sample_hot_list(datetime.now(UTC))[0]
    return [
        {**line, "reference": f"SJ-26-{200 + one}", "plate": f"ZZ{one:03}Q", "case_number": CASE, **changes}
        for one in numbers
    ]


def new_list() -> bytes:
    """The own list a day later: some entries are gone, some new, some changed, and a line is damaged."""
    changed = own_list(range(9), contact="928-555-0190")
    lines = [*changed, *own_list(range(9, 133)), *own_list(range(140, 152))]
    lines += own_list([152], expires_at="soon")
    written = io.StringIO()
    result = csv.DictWriter(written, [one for one in COLUMNS if one in lines[0]], extrasaction="ignore")
    result.writeheader()
    result.writerows(lines)
    return written.getvalue().encode()


def preview(page: Page) -> None:
    page.get_by_role("link", name="Hot list").click()
    page.get_by_role("link", name="Import list").click()
    page.set_input_files(
        "[name=file]", {"name": "own-list.csv", "mimeType": "text/csv", "buffer": new_list()}
    )
    page.get_by_label("Source").select_option("sjpd")
    page.get_by_role("button", name="Preview changes").click()


def draw(page: Page) -> None:
    page.get_by_role("link", name="Audit", exact=True).click()
    page.get_by_role("link", name="draw 1").click()


PICTURES = {
    "hit": Picture("vale", one_hit, 390, 844, "dark"),
    "hits": Picture("vale", lambda page: None, scheme="dark", height=760),
    "search": Picture("roe", search, height=1330),
    "import": Picture("lane", preview, height=850),
    "draw": Picture("moss", draw, height=1290),
}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
