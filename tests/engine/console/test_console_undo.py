"""Taking back what was done last: once, on record, and not over what somebody else did meanwhile."""

import re
from datetime import timedelta

import msgspec
import pytest

from platestream.access import accounts
from platestream.access import registry as job
from platestream.hotlist import entries
from platestream.hotlist.entry import make_entry
from platestream.schemas import topics
from platestream.schemas.hotlist import HotListChange
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.console import Pages, Person
from tests.support.door import person
from tests.support.office import line

CAMERA = RegistryRecord(
    kind="camera",
    id="north",
    name="Main St",
    latitude=34.5,
    longitude=-109.4,
    approved_by="Chief of Police",
    approved_at=NOW - timedelta(days=1),
)
PLACE = {"title": "Mill Rd", "latitude": "34.6", "longitude": "-109.3"}
ENTRY = "sjpd:26-1"


@pytest.fixture
def lee(pages: Pages) -> Person:
    """The ALPR administrator, signed in."""
    pages.staff(person("lee", "administrator"), person("kim", "administrator"), person("vale", "officer"))
    pages.put(CAMERA)
    browser = pages.browser("lee")
    browser.get("/administration/cameras/north")
    return browser


def undo(browser: Person) -> int:
    (name,) = re.findall(r'name="undo" value="([^"]+)"', browser.page)
    return int(browser.send("/undo", undo=name).status_code)


def camera(pages: Pages) -> RegistryRecord:
    return job.records_of(pages.streams, "camera")["north"]


def list_vehicle(pages: Pages) -> None:
    made = make_entry("sjpd", line("26-1", 20), pages.console.zone)
    pages.streams.append(topics.HOTLIST, [topics.HOTLIST.encode(HotListChange(ENTRY, made))])


def acts(pages: Pages, kind: str) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = pages.database.rows(
        "SELECT who, outcome FROM platestream.inquiry_log WHERE kind = {kind:String} ORDER BY at", kind=kind
    )
    return rows


def test_a_cameras_new_place_is_taken_back_and_both_changes_stay_on_record(pages: Pages, lee: Person) -> None:
    before = camera(pages)
    lee.send("/administration/cameras", id="north", **PLACE)
    assert camera(pages).name == "Mill Rd"
    assert "Camera north is changed." in lee.page
    assert undo(lee) == 200
    after = camera(pages)
    assert msgspec.structs.replace(after, changed_at=None, changed_by="") == msgspec.structs.replace(
        before, changed_at=None, changed_by=""
    )
    assert acts(pages, "registry_camera") == [("lee", "allowed")] * 2
    assert 'name="undo"' not in lee.page or "Camera north" not in lee.page


def test_an_ended_camera_is_there_again_with_its_approval(pages: Pages, lee: Person) -> None:
    lee.send("/administration/cameras/end", id="north")
    assert not camera(pages).active
    assert undo(lee) == 200
    assert camera(pages).active
    assert camera(pages).approved_by == "Chief of Police"


def test_a_person_is_back_and_their_password_is_not(pages: Pages, lee: Person) -> None:
    lee.send("/administration/people/end", id="vale")
    assert "cannot be undone" in lee.page
    assert undo(lee) == 200
    assert job.records_of(pages.streams, "user")["vale"].active
    assert "vale" not in accounts.list_names(pages.console.door("lee"))


def test_what_another_administrator_changed_since_is_not_overwritten(pages: Pages, lee: Person) -> None:
    lee.send("/administration/cameras", id="north", **PLACE)
    kim = pages.browser("kim")
    kim.get("/administration/cameras/north")
    kim.send("/administration/cameras", id="north", **{**PLACE, "title": "Third place"})
    assert undo(lee) == 409
    assert "changed again, by kim" in lee.page
    assert camera(pages).name == "Third place"


def test_it_is_taken_back_once_by_whom_did_it_and_not_for_ever(pages: Pages, lee: Person) -> None:
    lee.send("/administration/cameras", id="north", **PLACE)
    (name,) = re.findall(r'name="undo" value="([^"]+)"', lee.page)
    kim = pages.browser("kim")
    kim.get("/administration/cameras/north")
    assert kim.send("/undo", undo=name).status_code == 409
    assert lee.send("/undo", undo=name).status_code == 200
    lee.get("/administration/cameras/north")
    assert lee.send("/undo", undo=name).status_code == 409
    lee.send("/administration/cameras", id="north", **PLACE)
    pages.clock.forward(minutes=6)
    lee.get("/administration/cameras/north")
    assert 'name="undo"' not in lee.page


def test_a_role_that_was_taken_away_meanwhile_takes_nothing_back(pages: Pages, lee: Person) -> None:
    lee.send("/administration/cameras", id="north", **PLACE)
    pages.put(person("lee", "officer"))
    assert undo(lee) == 403
    assert camera(pages).name == "Mill Rd"
    assert ("lee", "refused") in acts(pages, "registry_camera")


def test_a_removed_entry_is_on_the_list_as_it_was(pages: Pages, lee: Person) -> None:
    list_vehicle(pages)
    was = entries.find(pages.streams, ENTRY)
    lee.send("/hotlist/remove/sure", entry=ENTRY)
    assert entries.find(pages.streams, ENTRY) is None
    assert undo(lee) == 200
    assert "The entry is restored" in lee.page
    assert entries.find(pages.streams, ENTRY) == was
    assert acts(pages, "hotlist_add") == [("lee", "allowed")]


def test_an_entry_that_was_put_on_the_list_anew_meanwhile_stays(pages: Pages, lee: Person) -> None:
    list_vehicle(pages)
    lee.send("/hotlist/remove/sure", entry=ENTRY)
    list_vehicle(pages)
    assert undo(lee) == 409
    assert "somebody has changed this entry" in lee.page


def test_a_changed_entry_is_again_what_it_was(pages: Pages, lee: Person) -> None:
    list_vehicle(pages)
    was = entries.find(pages.streams, ENTRY)
    lee.send("/hotlist/change/save", **{**line("26-1", 20), "entry": ENTRY, "contact": "928-555-0199"})
    assert entries.find(pages.streams, ENTRY) != was
    assert undo(lee) == 200
    assert entries.find(pages.streams, ENTRY) == was
