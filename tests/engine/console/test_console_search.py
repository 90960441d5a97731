"""Looking for plates in the console, as an investigator does it."""

import json
import re
from datetime import timedelta
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner

from platestream.access import rules_in_force, tokens
from platestream.access.door import Door
from platestream.access.gate import Row
from platestream.cli.main import app as cli
from platestream.inquiries import search as inquiries
from platestream.inquiries.search import SearchKind
from platestream.maps.service import install
from platestream.schemas.fields import Vehicle
from tests.support.clock import NOW
from tests.support.console import Pages, Person
from tests.support.door import door_of, person, signed_in_as
from tests.support.flows import READ
from tests.support.searching import CASE, OF_PEOPLE, looks, put, shown, text
from tests.support.street_maps import write_geojson


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
    rules_in_force.put_in_force(
        door_of(pages.database, "chief", data=pages.settings.data), "virginia", "the Chief"
    )
    analyst.get("/search")
    assert "<option>missing or endangered person</option>" in analyst.page


def test_a_list_that_is_too_long_says_so(
    pages: Pages, analyst: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platestream.inquiries.pages.search.A_PAGE", 2)
    for number in range(3):
        put(pages, "AST3087", minutes=number)
    analyst.send("/search", way="search", plate="AST3087", case_number=CASE)
    assert len(shown(analyst.page)) == 2
    assert "Passes 1 to 2 of 3" in text(analyst.page)


def test_every_page_of_a_result_belongs_to_one_inquiry(
    pages: Pages, analyst: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platestream.inquiries.pages.search.A_PAGE", 3)
    wanted = [f"AST30{number:02}" for number in range(8)]
    for number, plate in enumerate(wanted):
        put(pages, plate, minutes=number, vehicle=Vehicle(colour="gray"))
        put(pages, f"AST31{number:02}", minutes=number, vehicle=Vehicle(colour="red"))
    analyst.send("/search", way="search", plate="AST*", colour="gray", case_number=CASE)
    seen = shown(analyst.page)
    while following := re.search(r'href="(/search/[^"]+)" rel="next"', analyst.page):
        put(pages, "AST3099", minutes=60, vehicle=Vehicle(colour="gray"))  # came later: not of this inquiry
        assert analyst.get(following[1]).status_code == 200
        seen += shown(analyst.page)
    assert seen == wanted[::-1]
    assert "Page 3 of 3" in text(analyst.page)
    assert 'name="colour" value="gray"' in analyst.page
    assert looks(pages) == [("ana", "search", "allowed", CASE, "AST*")]


@pytest.mark.parametrize("way", ["search", "companions", "cotravel"])
def test_a_further_page_reads_its_own_rows_and_none_is_repeated_or_skipped(
    pages: Pages, analyst: Person, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """All are of one instant, so that only their ids put them in order."""
    monkeypatch.setattr("platestream.inquiries.pages.search.A_PAGE", 3)
    read: list[tuple[int, int]] = []
    read_page = inquiries.read_page

    def counting(door: Door, inquiry: UUID, kind: SearchKind, skip: int, most: int) -> list[Row]:
        found = read_page(door, inquiry, kind, skip, most)
        read.append((skip, len(found)))
        return found

    monkeypatch.setattr(inquiries, "read_page", counting)
    monkeypatch.setattr(inquiries, "search_again", None)
    for where in ("north", "south"):
        put(pages, "AST3087", where)
        for number in range(8):
            put(pages, "MATE456" if way == "cotravel" else f"AST31{number:02}", where)
    other = {"other_plate": "MATE456"} if way == "cotravel" else {}
    plate = "AST31*" if way == "search" else "AST3087"
    analyst.send("/search", way=way, plate=plate, case_number=CASE, **other)
    parts = [analyst.page]
    while following := re.search(r'href="(/search/[^"]+)" rel="next"', analyst.page):
        assert analyst.get(following[1]).status_code == 200
        parts.append(analyst.page)
    total = 8 if way == "companions" else 16
    assert read == [(skip, min(3, total - skip)) for skip in range(3, total, 3)]
    if way == "companions":
        found = [one for part in parts for one in re.findall(r'aria-label="Search for (AST\w+)"', part)]
    elif way == "search":
        found = [one for part in parts for one in re.findall(r'name="pass" value="([^ ]+) ', part)]
    else:
        return
    assert len(found) == len(set(found)) == total
    assert f"of {total}" in text(parts[-1])


def test_a_street_map_draws_the_newest_passes_and_says_how_many_it_leaves_out(
    pages: Pages, analyst: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("platestream.maps.pages.MOST_PASSES", 2)
    here = READ.longitude, READ.latitude
    streets = [[(here[0] - 0.01, here[1]), (here[0] + 0.01, here[1])]]
    install(pages.settings.data, write_geojson(tmp_path / "streets.json", streets), "Apache County GIS")
    for number in range(5):
        put(pages, f"AST308{number}", minutes=number)
    analyst.send("/search", way="search", plate="AST*", case_number=CASE)
    (drawn,) = re.findall(r'<script type="application/json">(.+?)</script>', analyst.page)
    assert [one["plate"] for one in json.loads(drawn)["passes"]] == ["AST3083", "AST3084"]
    assert "The newest 2 passes are drawn; 3 older ones are not" in text(analyst.page)


def test_a_result_is_paged_by_the_session_that_searched_only(pages: Pages, analyst: Person) -> None:
    put(pages, "AST3087")
    analyst.send("/search", way="search", plate="AST*", case_number=CASE)
    (inquiry,) = [
        str(one)
        for (one,) in pages.database.rows(f"SELECT inquiry_id FROM platestream.inquiry_log WHERE {OF_PEOPLE}")
    ]
    assert shown(analyst.get(f"/search/{inquiry}").text) == ["AST3087"]
    pages.staff(person("bob", "analyst"))
    other = pages.browser("bob")
    for path in (f"/search/{inquiry}", f"/search/{uuid4()}"):
        assert other.get(path).status_code == 410
        assert "AST3087" not in other.page


DESCRIPTIONS = (
    {"colour": "gray"},
    {"body": "pickup"},
    {"state": "NM"},
    {"direction": "north"},
    {"colour": "gray", "direction": "south", "untold": "yes"},
)


@pytest.mark.parametrize("wanted", DESCRIPTIONS, ids=lambda one: " ".join(one.values()))
def test_page_command_and_api_find_the_same(
    pages: Pages, analyst: Person, wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = (
        ("gray", "pickup", "AZ", "northbound"),
        ("Dark Gray", None, "NM", None),
        ("red", "pickup", None, "southbound"),
    )
    for number, (colour, body, state, direction) in enumerate(seen):
        other = {"direction": direction} if direction else {}
        result = Vehicle(colour=colour, body=body, other=other)
        put(pages, f"AST308{number}", vehicle=result, state=state)
    analyst.send("/search", way="search", plate="AST*", case_number=CASE, **wanted)

    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", pages.database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(pages.data))
    signed_in_as(monkeypatch, "ana")
    names = {"colour": "--color", "untold": "--include-unknown"}
    words = [
        word
        for name, value in wanted.items()
        for word in ((names[name],) if name == "untold" else (names.get(name, f"--{name}"), value))
    ]
    done = CliRunner().invoke(cli, ["search", "AST*", "--case", CASE, "--json", *words])
    assert done.exit_code == 0, done.output
    printed = [json.loads(line)["plate"] for line in done.stdout.splitlines() if line.startswith("{")]

    _made, token = tokens.stored_tokens(pages.settings).make(
        "ana", "RMS", tokens.PARTS, pages.clock() + timedelta(days=9)
    )
    analyst.client.headers["Authorization"] = f"Bearer {token}"
    asked: dict[str, Any] = {
        **wanted,
        "untold": wanted.get("untold") == "yes",
        "plate": "AST*",
        "case_number": CASE,
    }
    answer = analyst.client.post("/api/inquiries/search", json=asked).json()
    assert shown(analyst.page) == printed == [one["plate"] for one in answer["detections"]]
    assert printed


def test_a_program_pages_through_everything_by_one_inquiry(pages: Pages, analyst: Person) -> None:
    for number in range(5):
        put(pages, f"AST308{number}", minutes=number)
    client = analyst.client
    for who in ("bob", "ana"):
        pages.staff(person(who, "analyst"))
    post = {}
    for who in ("bob", "ana"):
        _made, token = tokens.stored_tokens(pages.settings).make(
            who, "RMS", tokens.PARTS, pages.clock() + timedelta(days=9)
        )
        post[who] = partial(client.post, headers={"Authorization": f"Bearer {token}"})
    first = post["ana"](
        "/api/inquiries/search", json={"plate": "AST*", "case_number": CASE, "most": 2}
    ).json()
    found, asked = first["detections"], {"inquiry_id": first["inquiry_id"], "most": 2}
    while len(found) < first["found"]:
        found += post["ana"]("/api/inquiries/page", json={**asked, "skip": len(found)}).json()["detections"]
    assert [one["plate"] for one in found] == [f"AST308{number}" for number in (4, 3, 2, 1, 0)]
    assert pages.database.value(f"SELECT count() FROM platestream.inquiry_log WHERE {OF_PEOPLE}") == 1
    assert post["bob"]("/api/inquiries/page", json=asked).status_code == 404
