"""Entries between agencies in the console: ours on their own page, other agencies' on another."""

from pathlib import Path
from uuid import UUID

import pytest

from platestream.hotlist import entries
from platestream.hotlist.list_changes import listed
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.console import Pages
from tests.support.database import Database
from tests.support.door import person
from tests.support.hits import put_hit
from tests.support.listing import TOLD, log
from tests.support.partner_lists import offer_waits, short
from tests.support.partners import COUNTYS, agency
from tests.support.searching import text

SERVE = 'here = true\n[serve]\naddress = "https://alpr.sjpd.example:8444"\n'
ONE = UUID("3f9c0a71-be02-4000-8000-000000000001")


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    file = tmp_path / "partners.toml"
    file.write_text(SERVE)
    made = Pages(database, tmp_path / "data", partners_file=file)
    made.staff(person("ofc", "officer"), person("aud", "auditor"))
    source = RegistryRecord(kind="hotlist_source", id="partner", name="Other agencies")
    made.put(agency("county", COUNTYS, address="https://alpr.county.example"), source)
    return made


def test_an_entry_is_offered_and_withdrawn_on_its_page_which_says_what_was_not_told_yet(pages: Pages) -> None:
    entries.add(pages.console.door("ofc"), "sjpd", TOLD, NOW, back=False)
    officer = pages.browser("ofc")
    officer.get("/hotlist")
    officer.send("/hotlist/entry", entry="sjpd:26-1")
    assert 'name="agency" value="county"' in officer.page
    officer.send("/hotlist/offer", entry="sjpd:26-1", agency="county")
    assert "not notified since" in text(officer.page)
    refused = officer.send("/hotlist/offer", entry="sjpd:26-1", agency="nowhere")
    assert (refused.status_code, "not registered" in text(officer.page)) == (409, True)
    officer.get("/hotlist")
    officer.send("/hotlist/withdraw", entry="sjpd:26-1", agency="county")
    assert "County no: withdrawn" in text(officer.page)
    said = [row[:2] for row in log(pages, "hotlist_offer")]
    assert said == [("ofc", "allowed"), ("ofc", "refused"), ("ofc", "allowed")]


def test_without_the_file_that_is_named_an_entrys_page_is_there_and_offers_nothing(pages: Pages) -> None:
    assert pages.settings.partners_file is not None
    pages.settings.partners_file.unlink()
    entries.add(pages.console.door("ofc"), "sjpd", TOLD, NOW, back=False)
    officer = pages.browser("ofc")
    officer.get("/hotlist")
    assert officer.send("/hotlist/entry", entry="sjpd:26-1").status_code == 200
    assert 'name="agency"' not in officer.page
    refused = officer.send("/hotlist/offer", entry="sjpd:26-1", agency="county")
    assert (refused.status_code, "names no file" in text(officer.page)) == (409, True)


def test_an_offered_entry_is_taken_and_dropped_by_whoever_may_and_shown_as_what_it_is(pages: Pages) -> None:
    door = pages.console.door("ofc")
    offer_waits(door, ONE, reason="<b>gun</b>")
    officer = pages.browser("ofc")
    officer.get("/hotlist/offers")
    assert "Stolen vehicle, of County" in text(officer.page)
    assert ("&lt;b&gt;gun" in officer.page, "<b>gun" in officer.page) == (True, False)
    auditor = pages.browser("aud")
    assert auditor.get("/hotlist/offers").status_code == 403
    officer.get("/hotlist/offers")
    officer.send("/hotlist/offers/take", entry=short(ONE))
    assert "The entry is on the hot list." in text(officer.page)
    assert list(listed(door.streams)) == [short(ONE)]
    officer.get("/hotlist")
    officer.send("/hotlist/entry", entry=short(ONE))
    assert "Offered by County" in text(officer.page)
    assert (">Change<" in officer.page, ">Remove<" in officer.page) == (False, True)
    officer.get("/hotlist/offers")
    officer.send("/hotlist/offers/decline", entry=short(ONE))
    assert "is dropped" in text(officer.page)
    assert listed(door.streams) == {}
    assert [row[:2] for row in log(pages, "hotlist_take")] == [("ofc", "allowed")] * 2


def test_a_hit_of_another_agency_says_whose_it_is_and_its_picture_is_asked_of_that_agency(
    pages: Pages,
) -> None:
    hit = put_hit(pages.database, 1, agency="county")
    officer = pages.browser("ofc")
    officer.get(f"/hits/{hit}")
    assert "Read by county, to which this entry is offered" in text(officer.page)
    assert f"/{b'county'.hex()}/" in officer.page
    assert "/pictures/" not in officer.page
    assert "Hold the read of county as evidence" in text(officer.page)
    officer.get(f"/hits/{put_hit(pages.database, 2)}")
    assert "as evidence" not in officer.page
