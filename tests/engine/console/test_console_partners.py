"""Other agencies in the console: asked from the form of a search, shown as they answer, without a script."""

import re
import threading
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from uuid import UUID

import httpx
import msgspec
import pytest

from platestream.partners import register
from platestream.partners.server import Response, VerifiedRequest
from platestream.schemas.partner import PICTURES, Pictures
from platestream.schemas.registry import RegistryRecord
from platestream.settings import Settings
from tests.support.clock import NOW
from tests.support.console import Pages, Person
from tests.support.database import Database
from tests.support.door import person
from tests.support.hits import put_hit
from tests.support.kafka_broker import free_port
from tests.support.partners import COUNTYS, Canned, agency, own_key, partner
from tests.support.searching import text
from tests.support.served import served

CASE = "26-001234"
READ = {
    "detection_id": str(UUID(int=1)),
    "captured_at": NOW.isoformat(),
    "camera_id": "mill-rd",
    "latitude": 34.5,
    "longitude": -109.4,
    "plate": "AST3087",
    "confidence": 0.9,
    "vehicle_make": "<b>Ford</b>",
}


class Office:
    """A console whose agency has two partners: the county, which answers, and one that is slow."""

    def __init__(self, pages: Pages, county: Canned, slow: Canned) -> None:
        self.pages, self.county, self.slow = pages, county, slow
        county.said = Response(200, "application/json", msgspec.json.encode({"reads": [READ], "found": 1}))


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    file = tmp_path / "partners.toml"
    file.write_text("here = true\n[ask]\ndeadline_s = 15\n")
    data = tmp_path / "data"
    key = register.own_key_store(Settings(data=data)).make(NOW)
    us = RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", keys=(key.public,))
    slows = own_key(4)
    with (
        partner(tmp_path / "county", COUNTYS, us) as (county, address),
        partner(tmp_path / "slow", slows, us) as (slow, other),
    ):
        pages = Pages(database, data, partners_file=file)
        pages.staff(person("ana", "analyst"), person("aud", "auditor"))
        pages.put(agency("county", COUNTYS, address=address), agency("slow", slows, address=other))
        yield Office(pages, county, slow)


@pytest.fixture
def analyst(office: Office) -> Person:
    browser = office.pages.browser("ana")
    browser.get("/search")
    return browser


def kinds(office: Office) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = office.pages.database.rows(
        "SELECT kind, outcome FROM platestream.inquiry_log"
        " WHERE kind != 'account_sign_in' ORDER BY at, kind DESC"
    )
    return rows


def test_a_search_shows_what_another_agency_read_and_whose_it_is(office: Office, analyst: Person) -> None:
    assert 'name="agency" value="county"' in analyst.page
    analyst.send("/search", way="search", plate="AST3087", case_number=CASE, agency="county")
    result = text(analyst.page)
    assert "county Answered with 1 reads." in result
    assert "AST3087 not read" in result
    assert "mill-rd" in result
    assert "<b>Ford</b>" not in analyst.page
    assert "&lt;b&gt;Ford&lt;/b&gt;" in analyst.page
    assert analyst.page.rstrip().endswith("</html>")
    assert kinds(office) == [
        ("search", "allowed"),
        ("partner_search", "allowed"),
        ("partner_answer", "allowed"),
    ]
    assert office.slow.asked == []


def test_nobody_elsewhere_is_asked_unless_the_form_says_so_nor_by_whoever_may_not(
    office: Office, analyst: Person
) -> None:
    analyst.send("/search", way="search", plate="AST3087", case_number=CASE)
    assert 'id="others"' not in analyst.page
    refused = analyst.send("/search", way="search", plate="AST3087", case_number=CASE, agency="nowhere")
    assert refused.status_code == 409
    assert "no agency nowhere" in text(analyst.page)
    auditor = office.pages.browser("aud")
    auditor.get("/search")
    assert (
        auditor.send("/search", way="search", plate="AST3087", case_number=CASE, agency="all").status_code
        == 403
    )
    assert office.county.asked == []


def test_a_picture_is_asked_for_when_its_link_is_followed_and_only_by_this_session(
    office: Office, analyst: Person
) -> None:
    analyst.send("/search", way="search", plate="AST3087", case_number=CASE, agency="county")
    (link,) = re.findall(r'href="(/search/others/[^"]+)"', analyst.page)
    jpeg = Pictures(vehicle=b"\xff\xd8vehicle")
    office.county.said = Response(200, "application/json", msgspec.json.encode(jpeg))
    shown = analyst.client.get(unescape(link))
    assert (shown.status_code, shown.content) == (200, b"\xff\xd8vehicle")
    assert shown.headers["cache-control"] == "no-store"
    assert kinds(office)[-2:] == [("partner_picture", "allowed"), ("partner_answer", "allowed")]
    other = office.pages.browser("ana")
    assert other.client.get(unescape(link)).status_code == 403
    assert (
        analyst.client.get(unescape(link).replace("/search/others/", "/search/others/x")).status_code == 403
    )
    assert len(office.county.asked) == 2


def test_a_read_of_another_agency_is_held_from_the_page_that_showed_it(
    office: Office, analyst: Person
) -> None:
    analyst.send("/search", way="search", plate="AST3087", case_number=CASE, agency="county")
    (chosen,) = re.findall(r'name="pass" value="([^"]+)"', analyst.page)
    reads, jpeg = office.county.said, msgspec.json.encode(Pictures(vehicle=b"\xff\xd8vehicle"))

    def answer(asking: VerifiedRequest, path: str, body: bytes) -> Response:
        return Response(200, "application/json", jpeg) if path == PICTURES else reads

    office.county.answer = answer  # type: ignore[method-assign]
    terms = {"case_number": CASE, "authority": "Det. Begay", "schedule": "felony"}
    held = analyst.send("/evidence/elsewhere", **{"of": "county", "pass": unescape(chosen)}, **terms)
    assert held.status_code == 200
    assert "county, with 2 signed answers" in text(analyst.page)
    assert kinds(office)[-1] == ("evidence_hold", "allowed")
    wrong = analyst.send("/evidence/elsewhere", **{"of": "nowhere", "pass": unescape(chosen)}, **terms)
    assert wrong.status_code == 409
    seen = {"detection_id": UUID(int=1), "camera_id": "county/mill-rd", "plate": "AST3087"}
    hit = put_hit(office.pages.database, 1, agency="county", seen=seen)
    at = office.pages.database.value("SELECT captured_at FROM platestream.alert_hits")
    reads = Response(
        200, "application/json", msgspec.json.encode({"reads": [{**READ, "captured_at": at}], "found": 1})
    )
    analyst.get(f"/hits/{hit}")
    (reported,) = re.findall(r'name="pass" value="([^"]+)"', analyst.page)
    assert (
        analyst.send("/evidence/elsewhere", **{"of": "county", "pass": reported}, **terms).status_code == 200
    )
    assert "county, with 2 signed answers" in text(analyst.page)


def test_answers_come_while_a_slow_agency_is_still_waited_for(office: Office) -> None:
    """As a browser without scripts gets them: byte by byte."""
    waiting, seen_the_first = office.slow.answer, threading.Event()

    def late(asking: VerifiedRequest, path: str, body: bytes) -> Response:
        assert seen_the_first.wait(12)
        return waiting(asking, path, body)

    office.slow.answer = late  # type: ignore[method-assign]
    token, session = office.pages.console.sessions.begin("ana", office.pages.clock())
    from platestream.web.cookies import COOKIE

    form = {"csrf": session.csrf, "way": "search", "plate": "AST3087", "case_number": CASE, "agency": "all"}
    with served(office.pages.console, free_port()) as address:
        headers = {"cookie": f"{COOKIE}={token}", "accept-encoding": "gzip"}
        page, first = "", ""
        with httpx.stream("POST", f"{address}/search", data=form, headers=headers, timeout=30) as answer:
            assert answer.status_code == 200
            for part in answer.iter_text():
                page += part
                if "<h3>county</h3>" in page and not first:
                    first = page
                    seen_the_first.set()
    assert "<h3>slow</h3>" not in first, "which answers once the other was seen"
    assert "<h3>slow</h3>" in page
    assert "Answered" in page.partition("<h3>slow</h3>")[2]
    assert page.rstrip().endswith("</html>")


def test_who_goes_away_meanwhile_leaves_all_that_was_said_on_record(office: Office) -> None:
    from platestream.inquiries.search import SearchRequest
    from platestream.partners import client as asking

    door = office.pages.console.door("ana")
    answers = asking.ask(door, SearchRequest("search", "AST3087"), ["all"], case_number=CASE)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    for _ in range(100):
        if [kind for kind, _outcome in kinds(office)].count("partner_answer") == 2:
            break
        time.sleep(0.05)
    assert [kind for kind, _outcome in kinds(office)].count("partner_answer") == 2


def test_without_a_key_nobody_is_offered(pages: Pages) -> None:
    pages.staff(person("ana", "analyst"))
    pages.put(agency("county", COUNTYS, address="https://alpr.county.example"))
    browser = pages.browser("ana")
    assert 'name="agency"' not in browser.get("/search").text
