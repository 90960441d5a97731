"""A camera that is tested, approved and added in the browser, without editing a file."""

import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from platestream.access import registry
from platestream.access.profiles import load
from platestream.access.rules_in_force import put
from platestream.cameras import config, config_checks, live_picture, state
from platestream.cameras.pages import new_camera
from platestream.operations.up.status import PLAN, StartPlan
from platestream.schemas.gate_rules import AgencyRules
from tests.support.console import Pages, Person
from tests.support.door import person
from tests.support.flows import plate_picture

PATH = "/administration/new-camera"


class Snapshot(BaseHTTPRequestHandler):
    """A camera that gives a picture for each request."""

    picture = plate_picture("ABC1234")

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(self.picture)))
        self.end_headers()
        self.wfile.write(self.picture)

    def log_message(self, *_told: Any) -> None:
        pass


@pytest.fixture
def camera() -> Iterator[str]:
    """The address of a snapshot camera."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Snapshot)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/snapshot.jpg"
    server.shutdown()


@pytest.fixture
def file(pages: Pages) -> Path:
    """The configuration of a gateway that `platestream up` started without any camera."""
    made = pages.data / "cameras.toml"
    (pages.data / "up").mkdir(parents=True)
    made.write_text("# Written by hand.\n[cameras]\n")
    (pages.data / "up" / PLAN).write_bytes(msgspec.json.encode(StartPlan((), cameras=str(made))))
    return made


@pytest.fixture
def lee(pages: Pages, file: Path) -> Person:
    pages.staff(person("lee", "administrator", "officer"))
    browser = pages.browser("lee")
    browser.get(PATH)
    return browser


def form(url: str, **more: str) -> dict[str, str]:
    return {
        "kind": "snapshot",
        "url": url,
        "user": "viewer",
        "password": 'ri"ght\\',
        "rate": "2",
        "id": "main-st-n",
        "title": "Main St northbound",
        "latitude": "34.5059",
        "longitude": "-109.361",
        "approved_by": "Chief Yazzie",
        **more,
    }


def test_a_camera_is_added_with_its_account_and_its_approval(pages: Pages, lee: Person, file: Path) -> None:
    sides = {"left": "0", "top": "30", "right": "100", "bottom": "95"}
    lee.send(PATH, **form("http://10.0.5.21/snapshot.jpg", **sides))
    assert "Chief Yazzie" in lee.page
    one = config.load(file).cameras["main-st-n"]
    assert (one.kind, one.url, one.rate) == ("snapshot", "http://10.0.5.21/snapshot.jpg", 2.0)
    assert one.crop == (0.0, 0.3, 1.0, 0.95)
    assert config_checks.credentials(one) == 'viewer:ri"ght\\'
    assert one.credentials_file is not None
    assert stat.S_IMODE(one.credentials_file.stat().st_mode) == 0o600
    assert file.read_text().startswith("# Written by hand.")
    assert registry.records_of(pages.streams, "camera")["main-st-n"].approved_by == "Chief Yazzie"
    lee.get(PATH)
    again = lee.send(PATH, **form("http://10.0.5.22/snapshot.jpg"))
    assert again.status_code == 409
    assert "has a camera main-st-n already" in lee.page


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"url": "ftp://10.0.5.21/"}, "must start with"),
        ({"url": "http://viewer:right@10.0.5.21/"}, "holds a name or password"),
        ({"id": "../../etc"}, "letters, digits"),
        ({"user": "a:b"}, "no colon"),
        ({"left": "80", "top": "0", "right": "20", "bottom": "100"}, "left before right"),
        ({"mask": "0 0 50"}, "not 3 numbers"),
        ({"mask": "0 0 fifty 3"}, "numbers only"),
        ({"area": "0 0 10 10\n5 5 9 9"}, "one shape"),
    ],
)
def test_a_wrong_field_changes_nothing(
    pages: Pages, lee: Person, file: Path, more: dict[str, str], words: str
) -> None:
    before = file.read_text()
    lee.send(PATH, **{**form("http://10.0.5.21/snapshot.jpg"), **more})
    assert words in lee.page
    assert file.read_text() == before
    assert not registry.records_of(pages.streams, "camera")


def test_a_place_outside_of_the_boundary_is_refused_before_the_file_is_written(
    pages: Pages, lee: Person, file: Path
) -> None:
    profile = load("st-johns")
    town = [(34.49, -109.39), (34.49, -109.34), (34.53, -109.34), (34.53, -109.39)]
    agency = msgspec.structs.replace(profile.agency, boundary=town)
    alone = msgspec.structs.replace(profile.sign_in, second_factor="nobody")
    rules = AgencyRules(
        name="st-johns", profile=msgspec.structs.replace(profile, agency=agency, sign_in=alone)
    )
    put(pages.console.door("lee"), rules, "Chief Yazzie")
    pages.clock.forward(seconds=3)  # a page knows rules that another program changed within two
    before = file.read_text()
    where = "/administration/camera-place?longitude=-109.361&latitude="
    assert "boundary" in lee.get(f"{where}35.9").text
    assert "stand within it" in lee.get(f"{where}35.9").text
    assert "A camera may be here" in lee.get(f"{where}35.9&moves=yes").text
    assert "A camera may be here" in lee.get(f"{where}34.5").text
    assert [lee.get(f"{where}{wrong}").text for wrong in ("", "north", "nan", "91")] == [""] * 4
    lee.get(PATH)
    refused = lee.send(PATH, **form("http://10.0.5.21/snapshot.jpg", latitude="35.9"))
    assert refused.status_code == 409
    assert "boundary" in lee.page
    assert file.read_text() == before
    assert not (pages.data / "secrets").exists()


def test_a_test_picture_has_a_frame_around_the_plate_and_advice_and_is_logged(
    pages: Pages, lee: Person, camera: str
) -> None:
    lee.send(f"{PATH}/test", **form(camera))
    assert "it works: a picture of" in lee.page
    assert "pixels wide" in lee.page
    assert 'value="Main St northbound"' in lee.page
    address = lee.page.split('<img src="')[1].split('"')[0]
    shown = lee.client.get(address)
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.content[:3] == b"\xff\xd8\xff"
    rows = pages.database.rows(
        "SELECT who, outcome FROM platestream.inquiry_log "
        "WHERE kind = 'camera_show' AND other = 'camera/main-st-n'"
    )
    assert rows == [("lee", "allowed")]
    lee.send(f"{PATH}/test", **form("http://127.0.0.1:1/snapshot.jpg"))
    assert "refuses connections on port 1" in lee.page


def test_nobody_else_sees_the_test_picture(pages: Pages, lee: Person, camera: str) -> None:
    pages.put(person("vale", "officer"))
    lee.send(f"{PATH}/test", **form(camera))
    address = lee.page.split('<img src="')[1].split('"')[0]
    assert pages.browser().client.get(address, follow_redirects=False).status_code in (303, 302)
    assert (
        lee.client.get(address.rsplit("/", 1)[0] + "/00000000-0000-0000-0000-000000000000").status_code == 404
    )


REGION = "/administration/camera-region"
BY_HAND = """# Written by hand.
spool_hours = 12  # as the chief wishes

[cameras.north]  # by the school
kind = "folder"
path = "frames"
latitude = 34.5
longitude = -109.4
crop = [0.0, 0.5, 1.0, 1.0]

[http]
listen = "127.0.0.1:8089"

[cameras."yard #1"]
kind = "folder"
path = "yard"
latitude = 34.5
longitude = -109.4
"""


def test_masks_and_an_area_are_added_with_the_camera(lee: Person, file: Path) -> None:
    shapes = {"area": "10 20 90 20 50 80", "mask": "0 0 20 35\n70,10 90,12 85,40"}
    lee.send(PATH, **form("http://10.0.5.21/snapshot.jpg", **shapes))
    one = config.load(file).cameras["main-st-n"]
    assert list(one.area) == [10, 20, 90, 20, 50, 80]
    assert [list(shape) for shape in one.mask] == [[0, 0, 20, 35], [70, 10, 90, 12, 85, 40]]
    assert one.crop == (0.1, 0.2, 0.9, 0.8), "around the area"


@pytest.mark.parametrize("name", ["north", "yard #1"])
def test_region_and_masks_of_a_camera_change_in_the_file_and_nothing_else_does(
    pages: Pages, lee: Person, file: Path, name: str
) -> None:
    def parts() -> list[object]:
        one = config.load(file).cameras[name]
        return [one.crop, one.mask]

    file.write_text(BY_HAND)
    lee.get(f"{REGION}/{name.replace(' ', '%20').replace('#', '%23')}")
    lee.send(REGION, id=name, left="0", top="25", right="100", bottom="100", mask="0 0 20 35")
    assert parts() == [(0.0, 0.25, 1.0, 1.0), ((0, 0, 20, 35),)]
    assert "spool_hours = 12  # as the chief wishes" in file.read_text()
    assert "[cameras.north]  # by the school" in file.read_text()
    other = "yard #1" if name == "north" else "north"
    assert config.load(file).cameras[other].mask == ()
    lee.get(f"{REGION}/{name.replace(' ', '%20').replace('#', '%23')}")
    assert "0 0 20 35</textarea>" in lee.page
    lee.send(REGION, id=name)
    assert parts() == [None, ()]
    rows = pages.database.rows(
        "SELECT who, outcome, other, change FROM platestream.inquiry_log "
        "WHERE kind = 'camera_change' ORDER BY at"
    )
    assert [row[:3] for row in rows] == [("lee", "allowed", f"camera/{name}")] * 2
    assert "masks 0 0 20 35" in rows[0][3]


def test_wrong_masks_and_foreign_hands_change_no_file(pages: Pages, lee: Person, file: Path) -> None:
    file.write_text(BY_HAND)
    pages.staff(person("sue", "supervisor"))
    lee.get(f"{REGION}/north")
    assert lee.send(REGION, id="north", mask="0 0 0 0").status_code == 409
    assert lee.send(REGION, id="south", mask="0 0 9 9").status_code == 409
    supervisor = pages.browser("sue")
    supervisor.get(f"{REGION}/north")
    assert supervisor.send(REGION, id="north", mask="0 0 9 9").status_code == 403
    assert file.read_text() == BY_HAND
    assert [one.name for one in file.parent.glob(".*.trial")] == []


def test_a_picture_of_the_gateway_is_drawn_on_and_logged(
    pages: Pages, lee: Person, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_camera, "WAIT_SECONDS", 0.3)
    file.write_text(BY_HAND)
    spool = pages.data / "cameras"
    spool.mkdir()
    one = state.CameraHealth(name="north", kind="folder", up=True)
    health = state.GatewayHealth(at=pages.clock(), waiting=0, waiting_bytes=0, sending="", cameras=(one,))
    state.write(spool, health)
    lee.get(f"{REGION}/north")
    lee.send(f"{REGION}/picture", id="north", mask="1 2 3 4")
    assert "No picture arrived from north" in lee.page
    assert "1 2 3 4</textarea>" in lee.page
    gateway = live_picture.Live(spool)
    live_picture.ask(spool, live_picture.uncropped("north"))
    gateway.offer(live_picture.uncropped("north"), lambda: Snapshot.picture)
    lee.send(f"{REGION}/picture", id="north", mask="1 2 3 4")
    shown = lee.client.get(lee.page.split('<img src="')[1].split('"')[0])
    assert shown.content == Snapshot.picture
    rows = pages.database.rows(
        "SELECT outcome, reason FROM platestream.inquiry_log WHERE kind = 'camera_show' ORDER BY at"
    )
    assert rows == [("allowed", "Region and masks of the camera")] * 2
