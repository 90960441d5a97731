"""A supervisor who lists vehicles in the console, and what a test looks at afterwards."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from platestream.edges.changelog import publish
from platestream.hotlist.entry import make_entry
from platestream.hotlist.list_changes import listed
from platestream.schemas import topics
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.console import Pages, Person
from tests.support.door import person

ARIZONA = ZoneInfo("America/Phoenix")


def day(ahead: int) -> str:
    """Return a date by the agency's calendar; as an expiry it means the day's end."""
    return f"{datetime.now(ARIZONA) + timedelta(days=ahead):%Y-%m-%d}"


TOLD = {
    **{"reference": "26-1", "plate": "ast-3087", "state": "AZ", "category": "stolen_vehicle"},
    **{"case_number": "26-001234", "reason": "Stolen from 1st West", "requested_by": "Ofc. Vale"},
    **{"contact": "928-555-0114", "instructions": "P/C for arrest", "expires_at": day(20)},
    **{"make": "Ford", "colour": "red", "marks": "sticker=moose", "other": "Child seat"},
}
HEAD = ",".join(TOLD)
MOU = NOW.astimezone(ARIZONA) - timedelta(days=300)
NEIGHBOUR = RegistryRecord(
    kind="agency",
    id="apache-county-so",
    name="Apache County SO",
    mou_from=NOW.astimezone(ARIZONA) - timedelta(days=300),
)


@pytest.fixture
def lister(pages: Pages) -> Person:
    """Vale, who lists vehicles and imports lists; an officer, an auditor and the administrator are there."""
    pages.staff(
        person("vale", "supervisor"),
        person("ofc", "officer"),
        person("aud", "auditor"),
        person("adm", "administrator"),
    )
    pages.put(NEIGHBOUR)
    return pages.browser("vale")


def now_listed(pages: Pages) -> dict[str, HotListEntry]:
    return listed(pages.console.door("vale").streams)


def put(pages: Pages, *result: dict[str, str], source: str = "sjpd") -> None:
    made = [make_entry(source, {**TOLD, **one}, pages.console.zone) for one in result]
    publish(pages.streams, topics.HOTLIST, [HotListChange(one.entry_id, one) for one in made])


def log(pages: Pages, kind: str) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = pages.database.rows(
        f"SELECT who, outcome, other FROM platestream.inquiry_log WHERE kind = '{kind}' ORDER BY at"
    )
    return rows


def figure(browser: Person, name: str) -> str:
    (found,) = re.findall(rf"<dt>{name}</dt><dd>([\d,]+)", browser.page)
    return str(found)


def file(*references: str, bad: int = 0, **other: str) -> bytes:
    lines = [",".join({**TOLD, "reference": name, **other}.values()) for name in references]
    return "\n".join([HEAD, *lines, *["?"] * bad, ""]).encode()


def look_at(browser: Person, content: bytes, name: str = "list.csv", source: str = "sjpd") -> Any:
    """Choose a file on the import page and send it."""
    browser.get("/hotlist/import")
    (proof, *_same) = re.findall(r'name="csrf" value="([^"]+)"', browser.page)
    fields = {"csrf": proof, "source": source, "layout": "csv", "columns": "", "delimiter": ","}
    answer = browser.client.post("/hotlist/import", data=fields, files={"file": (name, content)})
    browser.page = answer.text
    return answer


def confirm(browser: Person, **fields: str) -> Any:
    (upload,) = re.findall(r'name="upload" value="([^"]+)"', browser.page)
    return browser.send("/hotlist/import/sure", upload=upload, **fields)
