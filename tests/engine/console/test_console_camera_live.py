"""What a camera sees now: for a reason that is on record, to whoever asked, and for two minutes."""

import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from PIL import Image

from benchmarks.camera_scenes import drawn_street, turned
from platestream.cameras import live_picture, state
from platestream.cameras.blackout import Blackout
from platestream.cameras.pages import live as page
from platestream.cameras.picture_files import stored_pictures
from platestream.cameras.picture_keeper import PictureKeeper
from platestream.cameras.state import CameraState
from platestream.operations.up import status
from platestream.operations.up.status import PLAN, StartPlan
from tests.support.console import Pages, Person
from tests.support.door import person
from tests.support.office import camera

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
NORTH = "north #1 / 1st"
WHY = {"reason": "realigned after the storm"}
STREET = (320, 240)


@pytest.fixture
def gateway(pages: Pages) -> live_picture.Live:
    """A gateway of one camera, `north #1 / 1st`, that was started here."""
    spool = pages.data / "cameras"
    spool.mkdir(parents=True)
    result = '[cameras."north #1 / 1st"]\nkind = "folder"\npath = "."\nlatitude = 34.5\nlongitude = -109.4\n'
    (pages.data / "cameras.toml").write_text(result)
    (pages.data / "up").mkdir()
    (pages.data / "up" / PLAN).write_bytes(
        msgspec.json.encode(StartPlan((), str(pages.data / "cameras.toml")))
    )
    one = state.CameraHealth(name=NORTH, kind="folder", up=True)
    health = state.GatewayHealth(at=datetime.now(UTC), waiting=0, waiting_bytes=0, sending="", cameras=(one,))
    state.write(spool, health)
    return live_picture.Live(spool, pages.database.keys)


@pytest.fixture
def lee(pages: Pages, gateway: live_picture.Live, monkeypatch: pytest.MonkeyPatch) -> Person:
    """The ALPR administrator at the page of the camera; a look lasts a second."""
    monkeypatch.setattr(page, "LASTS", timedelta(seconds=1))
    pages.staff(
        person("lee", "administrator"), person("sue", "supervisor"), person("vale", "officer", "auditor")
    )
    pages.put(camera(NORTH, 34.5, approved_by="Chief"))
    browser = pages.browser("lee")
    browser.get(f"/administration/cameras/{quote(NORTH)}")
    return browser


def look(browser: Person, **why: str) -> str:
    answer = browser.send("/administration/cameras/look", id=NORTH, **why)
    assert answer.status_code == 200
    (link,) = re.findall(r'<img src="([^"]+)"', browser.page)
    return unescape(link)


def street(spool: Path, gateway: live_picture.Live) -> None:
    made = io.BytesIO()
    Image.new("RGB", STREET, "white").save(made, "PNG")
    live_picture.ask(spool, NORTH)
    gateway.offer(NORTH, made.getvalue)


def parts(content: bytes) -> list[bytes]:
    """The pictures, as a browser takes an answer apart."""
    first, *rest = content.split(b"--picture\r\n")
    assert first == b""
    assert rest[-1] == b""
    found = []
    for one in rest[:-1]:
        head, body = one.split(b"\r\n\r\n", 1)
        (length,) = re.findall(rb"Content-Length: (\d+)", head)
        assert body[int(length) :] == b"\r\n"
        found.append(body[: int(length)])
    return found


def acts(pages: Pages) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = pages.database.rows(
        "SELECT who, outcome, reason FROM platestream.inquiry_log WHERE kind = 'camera_show' ORDER BY at"
    )
    return rows


def test_the_street_is_shown_and_the_last_picture_says_that_it_is_over(
    pages: Pages, lee: Person, gateway: live_picture.Live
) -> None:
    street(pages.data / "cameras", gateway)
    (handed,) = (pages.data / "cameras" / live_picture.FOLDER).glob("*.picture")
    assert b"PNG" not in handed.read_bytes()
    assert live_picture.newest(pages.data / "cameras", NORTH) is None, "without the keys it is not shown"
    answer = lee.client.get(look(lee, **WHY))
    assert answer.headers["content-type"].startswith("multipart/x-mixed-replace")
    assert answer.headers["cache-control"] == "no-store"
    shown = [Image.open(io.BytesIO(one)) for one in parts(answer.content)]
    assert len(shown) >= 2
    first, last = shown[0], shown[-1]
    assert first.size == (640, STREET[1] + page.STRIP)
    assert first.getpixel((100, 100)) == pytest.approx((255, 255, 255), abs=8)
    strip = (0, STREET[1], 640, STREET[1] + page.STRIP)
    assert first.crop(strip).tobytes() != last.crop(strip).tobytes()
    assert acts(pages) == [("lee", "allowed", WHY["reason"])]


def test_a_camera_that_sends_nothing_is_not_shown_as_a_street(pages: Pages, lee: Person) -> None:
    shown = parts(lee.client.get(look(lee, **WHY)).content)
    assert len(shown) == 2
    assert Image.open(io.BytesIO(shown[0])).getpixel((100, 100)) == pytest.approx((0, 0, 0), abs=8)
    assert list((pages.data / "cameras" / live_picture.FOLDER).glob("*.asked"))


def test_a_look_without_a_reason_is_refused_and_asks_no_camera(pages: Pages, lee: Person) -> None:
    assert lee.send("/administration/cameras/look", id=NORTH).status_code == 403
    assert [(who, outcome) for who, outcome, _why in acts(pages)] == [("lee", "refused")]
    assert not (pages.data / "cameras" / live_picture.FOLDER).exists()


def test_whoever_keeps_no_cameras_sees_none(pages: Pages, lee: Person) -> None:
    officer = pages.browser("vale")
    officer.get(f"/administration/cameras/{quote(NORTH)}")
    assert "Live picture" not in officer.page
    assert officer.send("/administration/cameras/look", id=NORTH, **WHY).status_code == 403
    assert officer.client.get(look(lee, **WHY)).status_code == 403, "another one's link"
    supervisor = pages.browser("sue")
    supervisor.get(f"/administration/cameras/{quote(NORTH)}")
    assert look(supervisor, **WHY)


def test_a_link_ends_with_the_next_look_with_minutes_and_with_the_session(pages: Pages, lee: Person) -> None:
    first = look(lee, **WHY)
    second = look(lee, **WHY)
    assert lee.client.get(first).status_code == 403
    assert lee.client.get(second.replace("north", "south")).status_code == 403
    assert lee.client.get(second).status_code == 200
    pages.clock.forward(minutes=6)
    assert lee.client.get(second).status_code == 403
    third = look(lee, **WHY)
    lee.send("/sign-out")
    assert lee.client.get(third, follow_redirects=False).status_code != 200


def test_a_camera_that_the_gateway_does_not_have_is_refused_with_its_name(pages: Pages, lee: Person) -> None:
    answer = lee.send("/administration/cameras/look", id="south", **WHY)
    assert answer.status_code == 409
    assert "no camera gateway on this machine has a camera south" in lee.page
    assert [outcome for _who, outcome, _why in acts(pages)] == ["refused"]


STREET_PICTURE = drawn_street()


def moved(spool: Path) -> CameraState:
    """The state of a camera that was turned while the gateway ran."""
    one = CameraState(NORTH, "folder", 20, NOW)
    keeper = PictureKeeper(spool, NORTH, Blackout(()), "", one.picture_is)
    for number in range(55):
        picture = STREET_PICTURE if number < 30 else turned(STREET_PICTURE, 5)
        keeper.offer(picture, NOW + timedelta(seconds=20 * number))
    health = state.GatewayHealth(
        at=datetime.now(UTC), waiting=0, waiting_bytes=0, sending="", cameras=(one.health(NOW),)
    )
    state.write(spool, health)
    return one


def test_a_moved_camera_is_named_alike_everywhere_and_shown_before_and_after(
    pages: Pages, lee: Person
) -> None:
    spool = pages.data / "cameras"
    moved(spool)
    words = "it shows another scene than before, as after a turn"
    for path in ("", "/cameras", f"/cameras/{quote(NORTH)}"):
        lee.get(f"/administration{path}")
        assert words in lee.page, path
    found = status.gateway(pages.console.settings)
    assert found is not None
    faults = status.camera_faults(pages.console.settings, found, (), "watch", datetime.now(UTC))
    assert f"picture of camera {NORTH}: {words}" in faults
    lee.get(f"/administration/cameras/{quote(NORTH)}")
    assert lee.send("/administration/cameras/compare", id=NORTH).status_code == 403
    assert acts(pages) == [("lee", "refused", "")]
    lee.get(f"/administration/cameras/{quote(NORTH)}")
    lee.send("/administration/cameras/compare", id=NORTH, **WHY)
    before, after = re.findall(r'<img src="([^"]+)"', lee.page)
    shown = [lee.client.get(one).content for one in (before, after)]
    assert shown == [one.image for one in stored_pictures(spool, NORTH)]
    assert acts(pages)[-1] == ("lee", "allowed", WHY["reason"])


def test_an_accepted_picture_is_learned_again_and_on_record(pages: Pages, lee: Person) -> None:
    spool = pages.data / "cameras"
    one = moved(spool)
    sue = pages.browser("sue")
    sue.get(f"/administration/cameras/{quote(NORTH)}")
    assert "Accept picture" not in sue.page
    assert sue.send("/administration/cameras/accept-picture", id=NORTH).status_code == 403
    lee.get(f"/administration/cameras/{quote(NORTH)}")
    lee.send("/administration/cameras/accept-picture", id=NORTH)
    assert "is learned again" in lee.page
    rows = pages.database.rows(
        "SELECT who, outcome, change FROM platestream.inquiry_log WHERE kind = 'camera_change' ORDER BY at"
    )
    assert [(who, outcome) for who, outcome, _change in rows] == [("sue", "refused"), ("lee", "allowed")]
    lee.get(f"/administration/cameras/{quote(NORTH)}")
    assert lee.send("/administration/cameras/accept-picture", id="south").status_code == 409
    keeper = PictureKeeper(spool, NORTH, Blackout(()), "", one.picture_is)
    assert one.health(NOW).picture == "moved"
    for number in range(12):
        keeper.offer(turned(STREET_PICTURE, 5), NOW + timedelta(hours=1, seconds=20 * number))
    assert one.health(NOW).picture == "good"
    assert stored_pictures(spool, NORTH) == []
