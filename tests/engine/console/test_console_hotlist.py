"""The hot list in the console: vehicles and BOLOs are listed, changed and removed by who may."""

import json
import re
import threading
import time
from datetime import timedelta
from html import unescape
from uuid import uuid4

import msgspec
import pytest
from typer.testing import CliRunner

from platestream.access import tokens
from platestream.cli.main import app as cli
from platestream.hotlist import bolos, entries
from platestream.hotlist.change_log import difference
from platestream.hotlist.lookback import LookBack
from platestream.hotlist.overview import A_PAGE
from platestream.schemas import tables
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.hotlist import OWN_MUST_HAVE
from tests.support.clock import NOW
from tests.support.console import Pages, Person
from tests.support.door import person, signed_in_as
from tests.support.flows import READ
from tests.support.listing import NEIGHBOUR, TOLD, confirm, day, file, log, look_at, now_listed, put


def finished_look_back(browser: Person) -> str:
    """Wait for the look-back that this page shows, and return its end."""
    (part,) = re.findall(r'hx-get="(/hotlist/look-backs/[^"]+)"', browser.page) or [""]
    while part and "hx-trigger" in browser.page:
        time.sleep(0.05)
        browser.get(part)
    return unescape(browser.page)


def test_a_vehicle_is_listed_changed_and_removed_on_record(pages: Pages, lister: Person) -> None:
    lister.get("/hotlist/new")
    answer = lister.send("/hotlist/new", **TOLD)
    assert answer.url.path == "/hotlist"
    assert "26-1" not in str(answer.url)
    assert "found 0 historical hits" in finished_look_back(lister)
    (entry,) = now_listed(pages).values()
    assert (entry.plate, entry.state, entry.vehicle.other) == ("AST3087", "AZ", {"sticker": "moose"})

    lister.send("/hotlist/change", entry="sjpd:26-1")
    shown = dict(re.findall(r'name="(\w+)" value="([^"]*)"', lister.page))
    assert (shown["plate"], shown["marks"], shown["expires_at"]) == ("AST3087", "sticker=moose", day(20))
    lister.send("/hotlist/change/save", **{**TOLD, "entry": "sjpd:26-1", "contact": "928-555-0199"})
    assert "The entry is changed." in lister.page
    assert now_listed(pages)["sjpd:26-1"].contact == "928-555-0199"

    lister.send("/hotlist/remove", entry="sjpd:26-1")
    assert "Remove this entry?" in lister.page
    assert now_listed(pages)
    assert lister.send("/hotlist/remove/sure", entry="sjpd:26-1").url.path == "/hotlist"
    assert now_listed(pages) == {}
    assert log(pages, "hotlist_add") == [("vale", "allowed", "sjpd:26-1")] * 2
    assert log(pages, "hotlist_remove") == [("vale", "allowed", "sjpd:26-1")]


def test_a_listing_answers_at_once_and_its_look_back_shows_progress_and_then_the_finds(
    pages: Pages, lister: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minute in range(4):
        at = NOW - timedelta(days=2, minutes=minute)
        fields = {"captured_at": at, "best_at": at, "detection_id": uuid4()}
        seen = msgspec.structs.replace(READ, **fields, plate="AST3087" if minute else "A5T3087")
        pages.database.put(tables.DETECTIONS, seen)
        pages.database.put(tables.IMAGES, seen)
    reached, go_on = threading.Event(), threading.Event()
    collect = LookBack._with_pictures

    def slowly(self: LookBack, hit: AlertHit) -> AlertHit:
        reached.set()
        assert go_on.wait(30)
        return collect(self, hit)

    monkeypatch.setattr(LookBack, "_with_pictures", slowly)
    lister.get("/hotlist/new")
    answer = lister.send("/hotlist/new", **TOLD)
    assert answer.status_code == 200  # before any picture is read
    assert now_listed(pages)
    assert reached.wait(30)
    (part,) = re.findall(r'hx-get="(/hotlist/look-backs/[^"]+)"', lister.page)
    lister.get(part)
    assert "found 4 passes and collects their pictures: 0 of 4" in lister.page
    other = pages.browser("ofc")
    assert other.get(part).status_code == 404, "it is of the person who set it off"
    go_on.set()
    lister.page = f'hx-trigger hx-get="{part}"'
    page = finished_look_back(lister)
    assert "found 4 historical hits" in page
    rows = re.findall(r'<tr><th scope="row">(\w+)</th><td>(\w+)</td><td>(\d+)</td>', page)
    assert rows == [("A5T3087", "AST3087", "1"), ("AST3087", "AST3087", "3")]
    looks = pages.database.rows(
        "SELECT who, automatic, case_number, count() FROM platestream.inquiry_log"
        " WHERE kind IN ('search', 'picture') GROUP BY who, automatic, case_number"
    )
    assert looks == [("vale", False, "26-001234", 5)]

    lister.send("/hotlist/entry", entry="sjpd:26-1")
    lister.send("/hotlist/look-backs", entry="sjpd:26-1")
    assert "found 0 historical hits" in finished_look_back(lister), "known ones are not reported again"

    lister.get("/hits")
    lister.send("/shift/begin", hours="8")
    lister.get("/hits")
    assert "AST3087" not in re.sub("<[^>]+>", "", lister.page)
    lister.get("/hits?list=historical")
    groups = re.findall(r'<details class="finds" hx-get="([^"]+)"', lister.page)
    assert len(groups) == 2
    assert "3 passes, 1 camera" in lister.page
    lister.get(groups[1])
    assert lister.page.count('id="hit-') == 3


def test_a_look_back_that_a_role_may_not_make_says_so(pages: Pages, lister: Person) -> None:
    pages.staff(person("lst", "administrator"))
    put(pages, {})
    browser = pages.browser("lst")
    browser.get("/hotlist")
    browser.send("/hotlist/look-backs", entry="sjpd:26-1")
    assert "Stored reads were not searched: " in finished_look_back(browser)


def test_a_change_loses_nothing_that_the_entry_said(pages: Pages, lister: Person) -> None:
    limits = {"cameras": "north; south", "areas": "34.5 -109.4 800; 34.6 -109.3 50.5", "valid_from": day(0)}
    put(pages, {**limits, "hours": "mon tue 22:00-06:00", "look_alikes": "1", "again_after_s": "300"})
    before = now_listed(pages)["sjpd:26-1"]
    lister.get("/hotlist")
    lister.send("/hotlist/change", entry="sjpd:26-1")
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', lister.page))
    fields |= dict(re.findall(r'<textarea name="(\w+)"[^>]*>([^<]*)<', lister.page))
    for name, options in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', lister.page):
        chosen = re.findall(r'<option(?: value="(\w+)")? selected>([^<]*)<', options)
        fields[name] = chosen[0][0] or chosen[0][1]
    del fields["csrf"]
    lister.send("/hotlist/change/save", **{name: unescape(value) for name, value in fields.items()})
    after = now_listed(pages)["sjpd:26-1"]
    assert difference(before, after) == "hot list: changed, nothing"


def test_what_section_h_asks_for_must_be_there_and_what_was_typed_stays(pages: Pages, lister: Person) -> None:
    asked_for = [*OWN_MUST_HAVE, "expires_at", "reference"]
    for field in asked_for:
        lister.get("/hotlist/new")
        answer = lister.send("/hotlist/new", **{**TOLD, field: " "})
        assert answer.status_code == 409
        assert field in unescape(lister.page)
        assert 'value="ast-3087"' in lister.page
    assert now_listed(pages) == {}
    assert [row[:2] for row in log(pages, "hotlist_add")] == [("vale", "refused")] * len(asked_for)


def test_a_partial_plate_and_a_description_are_listed_and_one_too_open_is_not(
    pages: Pages, lister: Person
) -> None:
    lister.get("/hotlist/new")
    lister.send("/hotlist/new", **{**TOLD, "plate": "AB?12*"})
    lister.get("/hotlist/new")
    lister.send("/hotlist/new", **{**TOLD, "reference": "26-2", "plate": ""})
    assert [one.plate for one in now_listed(pages).values()] == ["AB?12*", "*"]
    lister.get("/hotlist/new")
    refused = lister.send(
        "/hotlist/new", **{**TOLD, "reference": "26-3", "plate": "A*", "make": "", "marks": ""}
    )
    assert refused.status_code == 409
    assert "too open" in lister.page


def test_a_new_entry_takes_no_others_place_and_one_that_is_gone_is_not_changed(
    pages: Pages, lister: Person
) -> None:
    put(pages, {})
    lister.get("/hotlist/new")
    assert lister.send("/hotlist/new", **{**TOLD, "reason": "Another"}).status_code == 409
    assert "on the list already" in lister.page
    assert now_listed(pages)["sjpd:26-1"].reason == TOLD["reason"]
    assert lister.send("/hotlist/change/save", **{**TOLD, "entry": "sjpd:26-9"}).status_code == 409
    assert lister.send("/hotlist/remove", entry="sjpd:26-9").status_code == 409
    assert list(now_listed(pages)) == ["sjpd:26-1"]


def test_who_may_not_see_the_hot_list_sees_and_does_nothing_and_it_is_on_record(
    pages: Pages, lister: Person
) -> None:
    put(pages, {})
    auditor = pages.browser("aud")
    assert "/hotlist" not in re.findall(r'<a href="([^"]+)"', auditor.page)
    assert auditor.get("/hotlist").status_code == 403
    form = auditor.page
    for path, fields in (
        ("/hotlist/entry", {"entry": "sjpd:26-1"}),
        ("/hotlist/change", {"entry": "sjpd:26-1"}),
        ("/hotlist/remove", {"entry": "sjpd:26-1"}),
        ("/hotlist/remove/sure", {"entry": "sjpd:26-1"}),
        ("/hotlist/new", {**TOLD, "reference": "26-2"}),
    ):
        auditor.page = form
        assert auditor.send(path, **fields).status_code == 403
        assert "AST3087" not in auditor.page
    assert list(now_listed(pages)) == ["sjpd:26-1"]
    for kind in ("hotlist_show", "hotlist_add", "hotlist_remove"):
        assert {row[:2] for row in log(pages, kind)} == {("aud", "refused")}


def test_the_list_shows_what_expires_soon_finds_a_reference_and_counts_each_source(
    pages: Pages, lister: Person
) -> None:
    put(pages, {"reference": "soon", "expires_at": day(2)}, {"reference": "later"})
    put(pages, {"reference": "past", "expires_at": day(-2)}, {"reference": "N-77"}, source="ncic")
    lister.get("/hotlist")
    names = re.findall(r'name="entry" value="([^"]+)"', lister.page)
    assert names == ["sjpd:later", "sjpd:soon", "ncic:N-77", "ncic:past"]
    assert "expired, not alerting" in lister.page
    (row,) = re.findall(r"source=ncic.*?</tr>", lister.page, re.DOTALL)
    assert re.findall(r"<td[^>]*>([^<]*)</td>", row) == ["2", "1 expired", "no file imported yet"]
    lister.get("/hotlist?expiring=yes")
    assert re.findall(r'name="entry" value="([^"]+)"', lister.page) == ["sjpd:soon"]
    lister.send("/hotlist", reference="n-7")
    assert re.findall(r'name="entry" value="([^"]+)"', lister.page) == ["ncic:N-77"]
    lister.send("/hotlist", reference="nothing")
    assert "No entries match your search." in lister.page
    assert {row[:2] for row in log(pages, "hotlist_show")} == {("vale", "allowed")}


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("ast 3o87", ["whole", "partial"]),
        ("AST*", ["whole", "partial", "other"]),
        ("AST4444", ["partial", "other"]),
        ("*87", ["whole"]),
        ("ZZ1", []),
    ],
)
def test_a_plate_is_found_on_the_list_alike_by_page_command_and_program(
    pages: Pages, lister: Person, monkeypatch: pytest.MonkeyPatch, typed: str, found: list[str]
) -> None:
    put(
        pages,
        {"reference": "whole", "plate": "AST3087"},
        {"reference": "partial", "plate": "AST????"},
        {"reference": "other", "plate": "AST4444"},
        {"reference": "described", "plate": "*", "body": "pickup"},
    )
    lister.get("/hotlist")
    lister.send("/hotlist", plate=typed)
    assert sorted(re.findall(r'<span class="ref">(.*?)</span>', lister.page)) == sorted(found)
    _made, token = tokens.stored_tokens(pages.settings).make(
        "vale", "CAD", tokens.PARTS, pages.clock() + timedelta(days=9)
    )
    headers = {"Authorization": f"Bearer {token}"}
    result = lister.client.post("/api/hotlist/look", json={"plate": typed}, headers=headers).json()
    assert sorted(one["entry_id"] for one in result["entries"]) == sorted(f"sjpd:{one}" for one in found)
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", pages.database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(pages.data))
    signed_in_as(monkeypatch, "vale")
    done = CliRunner().invoke(cli, ["hotlist", "list", "--json", "--plate", typed])
    assert done.exit_code == 0, done.output
    printed = [json.loads(line)["entry_id"] for line in done.stdout.splitlines() if line]
    assert printed == sorted(f"sjpd:{one}" for one in found)


def test_a_long_list_comes_by_pages_with_our_own_first(pages: Pages, lister: Person) -> None:
    put(pages, *({"reference": f"N{number:04}"} for number in range(A_PAGE + 5)), source="ncic")
    put(pages, {"reference": "zz"})
    lister.get("/hotlist")
    names = re.findall(r'name="entry" value="([^"]+)"', lister.page)
    assert len(names) == A_PAGE
    assert names[0] == "sjpd:zz"
    assert f"{A_PAGE + 6} entries, page 1 of 2" in lister.page
    lister.send("/hotlist", page="2", source="ncic")
    assert len(re.findall(r'name="entry" value="([^"]+)"', lister.page)) == 5
    assert lister.get("/hotlist?page=99999999999999999999").status_code == 200


def test_sources_are_as_old_as_the_check_says(pages: Pages, lister: Person) -> None:
    look_at(lister, file("1"), source="ncic")
    confirm(lister)
    pages.clock.forward(hours=25)
    said = entries.check(pages.console.door("vale"), pages.clock()).faults
    assert said == ["ncic: imported 25.0 h ago, more than 24 h"]
    lister = pages.browser("vale")
    lister.get("/hotlist")
    assert "25 h ago, more than 24 h" in lister.page


def test_a_bolo_is_shown_with_its_sender_and_since_when(pages: Pages, lister: Person) -> None:
    bolos.take(pages.console.door("vale"), NEIGHBOUR.id, TOLD, pages.clock())
    lister.get("/hotlist?source=bolo")
    assert "BOLO of Apache County SO, listed since <time" in lister.page
    lister.send("/hotlist/entry", entry="bolo:apache-county-so/26-1")
    assert "BOLO of Apache County SO, listed since <time" in lister.page


def test_a_bolo_is_taken_from_its_text_or_says_all_that_lacks(pages: Pages, lister: Person) -> None:
    lister.get("/hotlist/bolo")
    assert "Apache County SO" in lister.page
    lacks = lister.send("/hotlist/bolo", agency=NEIGHBOUR.id, text="BOLO: B-17\nPlate: AST-3087")
    assert lacks.status_code == 409
    assert "lacks category, case number, reason" in lister.page
    assert "BOLO: B-17" in lister.page  # nothing that was typed is lost
    text = "\n".join(
        (
            "BOLO: B-17",
            "Plate: AST-3087",
            "Offense: Stolen Vehicle",
            "Case: 26-77",
            "Reason: Taken at gunpoint",
            "Officer: Dep. Nez",
            "Phone: 928-555-0101",
            "Action: P/C for arrest",
            f"Good until: {day(20)}",
        )
    )
    lister.send("/hotlist/bolo", agency=NEIGHBOUR.id, text=text)
    assert "The entry is on the list." in lister.page
    (entry,) = now_listed(pages).values()
    assert (entry.plate, bolos.sender(entry)) == ("AST3087", NEIGHBOUR.id)
    lister.get("/hotlist/bolo")
    lister.send("/hotlist/bolo", agency=NEIGHBOUR.id, text=text)
    assert "The entry is unchanged." in lister.page
    lister.get("/hotlist/bolo")
    lister.send("/hotlist/bolo", agency=NEIGHBOUR.id, text="BOLO: B-17\nCancel: yes")
    assert now_listed(pages) == {}
    assert [(who, outcome) for who, outcome, _about in log(pages, "bolo")] == [
        ("vale", "refused"),
        ("vale", "allowed"),
        ("vale", "allowed"),
        ("vale", "allowed"),
    ]
    unknown = lister.send("/hotlist/bolo", agency="nowhere", text=text)
    assert unknown.status_code == 409
