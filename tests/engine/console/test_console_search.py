"""Looking for plates in the console, as an investigator does it."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from schemas import tables
from schemas.fields import Vehicle
from schemas.registry import RegistryRecord
from services.rules import in_force
from tests.support.clock import NOW
from tests.support.console import Pages, Person
from tests.support.door import door_of, person
from tests.support.flows import READ

CASE = "26-001234"


def put(pages: Pages, plate: str, camera: str = "north", minutes: float = 0, **told: Any) -> str:
    at = NOW - timedelta(hours=2) + timedelta(minutes=minutes)
    one = msgspec.structs.replace(
        READ, detection_id=uuid4(), plate=plate, camera_id=camera, captured_at=at, best_at=at, **told
    )
    pages.database.put(tables.DETECTIONS, one)
    pages.database.put(tables.IMAGES, one)
    return str(one.detection_id)


def camera(name: str, latitude: float) -> RegistryRecord:
    return RegistryRecord(kind="camera", id=name, name=name, latitude=latitude, longitude=-109.37)


@pytest.fixture
def analyst(pages: Pages) -> Person:
    """Ana, with two cameras."""
    pages.staff(person("ana", "analyst"), person("cust", "custodian"), person("aud", "auditor"))
    pages.put(camera("north", 34.51), camera("south", 34.49))
    browser = pages.browser("ana")
    browser.get("/search")
    return browser


def looks(pages: Pages) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = pages.database.rows(
        "SELECT who, kind, outcome, case_number, pattern FROM platestream.inquiry_log"
        " WHERE tool = 'console' ORDER BY at"
    )
    return rows


def text(page: str) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", page)).split())


def shown(page: str) -> list[str]:
    """Plates of the list."""
    return [
        re.sub("<[^>]+>", "", one) for one in re.findall(r'<span class="plate"><b>(.*?)</b>', page, re.DOTALL)
    ]


def test_a_plate_is_found_and_the_look_is_on_record(pages: Pages, analyst: Person) -> None:
    put(pages, "AST3087")
    put(pages, "OTHER01")
    assert analyst.send("/search", way="search", plate="ast 3087", case_number=CASE).status_code == 200
    assert shown(analyst.page) == ["AST3087"]
    assert "1 pass found" in text(analyst.page)
    assert looks(pages) == [("ana", "search", "allowed", CASE, "AST3087")]


def test_without_case_or_reason_the_form_comes_back_as_it_was(pages: Pages, analyst: Person) -> None:
    answer = analyst.send("/search", way="fuzzy", plate="AST3087", since="2026-01-05T10:00", camera="north")
    assert answer.status_code == 403
    page = unescape(analyst.page)
    assert "neither case number nor reason" in page
    assert 'value="AST3087"' in page
    assert 'value="2026-01-05T10:00"' in page
    assert re.search(r'value="fuzzy" checked', page)
    assert re.search(r'name="camera" value="north" checked', page)
    assert looks(pages) == [("ana", "fuzzy", "refused", "", "AST3087")]


def test_a_wrong_number_or_way_is_told_in_the_form(pages: Pages, analyst: Person) -> None:
    sent = analyst.send("/search", way="companions", plate="AST3087", within="soon", case_number=CASE)
    assert sent.status_code == 400
    assert "a whole number from 1 to 3600" in text(analyst.page)
    assert analyst.send("/search", way="all", case_number=CASE).status_code == 400
    assert looks(pages) == []


def test_look_alikes_say_how_they_are_alike(pages: Pages, analyst: Person) -> None:
    for plate in ("AST3087", "A5T3087", "AST3086", "OTHER01"):
        put(pages, plate)
    analyst.send("/search", way="fuzzy", plate="AST3087", reason="Hit and run on Main Street")
    assert shown(analyst.page) == ["AST3087", "A5T3087", "AST3086"]
    assert "A<mark>5</mark>T3087" in analyst.page
    for words in ("this plate", "looks alike", "differs in one character"):
        assert words in text(analyst.page)


def test_all_that_passed_a_camera(pages: Pages, analyst: Person) -> None:
    put(pages, "AST3087", "north")
    put(pages, "MATE456", "south")
    analyst.send(
        "/search",
        way="sightings",
        camera=["south"],
        since=f"{NOW - timedelta(days=2):%Y-%m-%dT%H:%M}",
        case_number=CASE,
    )
    assert shown(analyst.page) == ["MATE456"]


def test_what_is_found_is_narrowed_by_what_the_vehicle_looks_like(pages: Pages, analyst: Person) -> None:
    put(pages, "AST3081", vehicle=Vehicle(colour="gray", make="Ford"))
    put(pages, "AST3082", vehicle=Vehicle(colour="red"))
    put(pages, "AST3083", vehicle=Vehicle())
    asked = {"way": "search", "plate": "AST*", "case_number": CASE, "colour": "Gray"}
    analyst.send("/search", **asked)
    assert shown(analyst.page) == ["AST3081"]
    assert "1 more is not shown" in text(analyst.page)
    analyst.send("/search", **asked, untold="yes")
    assert sorted(shown(analyst.page)) == ["AST3081", "AST3083"]


def test_pictures_are_loaded_when_asked_for_alone_and_each_is_a_documented_look(
    pages: Pages, analyst: Person
) -> None:
    put(pages, "AST3087")
    analyst.send("/search", way="search", plate="AST3087", case_number=CASE)
    assert "<img" not in analyst.page
    analyst.send("/search", way="search", plate="AST3087", case_number=CASE, pictures="yes")
    (link,) = re.findall(r'<img src="([^"]+)"[^>]*loading="lazy"', analyst.page)
    answer = analyst.client.get(unescape(link))
    assert answer.headers["content-type"] == "image/jpeg"
    assert looks(pages)[-1] == ("ana", "picture", "allowed", CASE, "")
    assert "AST3087" not in link


def test_time_line_and_map_count_where_and_when(pages: Pages, analyst: Person) -> None:
    for number in range(3):
        put(pages, "AST3087", "north", minutes=number / 10)
    put(pages, "AST3087", "south", minutes=-60 * 24)
    analyst.send("/search", way="search", plate="AST3087", case_number=CASE)
    page = text(analyst.page)
    assert len(re.findall(r"\d\d:00 to \d\d:59", page)) >= 2
    assert 'aria-label="Map of cameras; marked: north: 3, south: 1"' in analyst.page
    at = (NOW - timedelta(hours=26)).astimezone(pages.console.zone)
    assert f"{at:%A, %Y-%m-%d}: 1 pass" in page


def test_companions_and_a_button_that_looks_for_one_of_them(pages: Pages, analyst: Person) -> None:
    for minutes, where in ((0, "north"), (30, "south")):
        put(pages, "AST3087", where, minutes)
        put(pages, "MATE456", where, minutes + 0.2)
    analyst.send("/search", way="companions", plate="AST3087", case_number=CASE, within="30")
    assert "1 companion found" in text(analyst.page)
    assert 'name="plate" value="MATE456"' in analyst.page
    assert re.search(r'type="hidden" name="case_number" value="26-001234"', analyst.page)


def test_where_two_plates_met(pages: Pages, analyst: Person) -> None:
    put(pages, "AST3087", "north")
    put(pages, "MATE456", "north", 0.2)
    analyst.send(
        "/search", way="cotravel", plate="AST3087", other_plate="mate-456", within="30", case_number=CASE
    )
    page = text(analyst.page)
    assert "1 meeting found" in page
    assert "+12.0" in page
    assert "marked: north: 1" in analyst.page


def test_who_may_not_search_is_refused_and_on_record(pages: Pages, analyst: Person) -> None:
    put(pages, "AST3087")
    auditor = pages.browser("aud")
    assert 'href="/search"' not in auditor.page
    auditor.get("/search")
    answer = auditor.send("/search", way="search", plate="AST*", case_number=CASE)
    assert answer.status_code == 403
    assert "none of this user's roles may do this" in unescape(auditor.page)
    assert "AST3087" not in auditor.page
    assert looks(pages)[-1][:3] == ("aud", "search", "refused")


def test_what_was_typed_is_text_and_never_a_tag(pages: Pages, analyst: Person) -> None:
    put(pages, "AST3087")
    evil = '"><script>alert(1)</script>'
    for plate, reason in (("AST*", f"Hit and run {evil}"), ("AST*", evil), (evil, "")):
        analyst.send("/search", way="search", plate=plate, reason=reason, colour=evil, camera=evil)
        assert "<script>alert" not in analyst.page
    assert "&lt;script&gt;" in analyst.page


def test_a_request_from_outside_needs_its_legal_basis(pages: Pages, analyst: Person) -> None:
    asked = {"way": "search", "plate": "AST3087", "case_number": CASE, "requester": "Insurance Co."}
    assert analyst.send("/search", **asked).status_code == 403
    assert "without its legal basis" in text(analyst.page)
    assert analyst.send("/search", **asked, legal_basis="Subpoena 26-118").status_code == 200


def test_purposes_are_asked_for_where_the_agency_lists_them(pages: Pages, analyst: Person) -> None:
    assert 'name="purpose"' not in analyst.page
    pages.put(person("chief", "administrator"))
    in_force.put_in_force(door_of(pages.database, "chief", data=pages.settings.data), "virginia", "the Chief")
    analyst.get("/search")
    assert "<option>missing or endangered person</option>" in analyst.page


def test_a_list_that_is_too_long_says_so(
    pages: Pages, analyst: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platestream.console.search.A_PAGE", 2)
    for number in range(3):
        put(pages, "AST3087", minutes=number)
    analyst.send("/search", way="search", plate="AST3087", case_number=CASE)
    assert len(shown(analyst.page)) == 2
    assert "The latest 2 of 3 are listed" in text(analyst.page)
