"""Alert hits in the console, as an officer handles them."""

import json
import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from platestream.access import rules_in_force
from platestream.hits import service as job
from platestream.hits.pages import live_feed
from platestream.schemas import tables
from platestream.schemas.alert_hit import NOTICE
from platestream.schemas.registry import RegistryRecord
from tests.support.console import Pages, Person
from tests.support.database import Database
from tests.support.door import person
from tests.support.hits import FOUND, put_hit


@pytest.fixture
def officer(pages: Pages) -> Person:
    """Vale, on shift."""
    pages.staff(person("vale", "officer"), person("ana", "analyst"), person("aud", "auditor"))
    browser = pages.browser("vale")
    browser.get("/hits")
    browser.send("/shift/begin", hours="8")
    return browser


def looks(pages: Pages, kind: str) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = pages.database.rows(
        f"SELECT who, outcome, reason FROM platestream.inquiry_log WHERE kind = '{kind}' ORDER BY at"
    )
    return rows


def test_a_hit_is_verified_in_the_order_that_the_order_demands(pages: Pages, officer: Person) -> None:
    hit = put_hit(pages.database, 1)
    officer.get("/hits")
    assert f"/hits/{hit}" in officer.page
    officer.get(f"/hits/{hit}")
    assert NOTICE in unescape(officer.page)
    assert FOUND.entry.instructions in unescape(officer.page)
    refused = officer.send(f"/hits/{hit}/steps", kind="action_taken", result="arrest")
    assert refused.status_code == 409
    assert "cannot be recorded yet: compare plate and state" in unescape(officer.page)
    officer.get(f"/hits/{hit}")
    officer.send(f"/hits/{hit}/steps", kind="plate_and_state_confirmed")
    assert "Confirm entry as current" in officer.page
    officer.send(f"/hits/{hit}/steps", kind="confirmed_current", checked_with="ncic", mvd_result="valid")
    officer.send(
        f"/hits/{hit}/steps", kind="action_taken", result="arrest", actionable="yes", case_number="26-001234"
    )
    assert "Actionable ALPR Hit Related" in officer.page
    assert pages.database.rows("SELECT status, result FROM platestream.hit_states") == [("acted", "arrest")]
    assert {who for who, _outcome, _reason in looks(pages, "hit_verify")} == {"vale"}


def test_every_look_of_a_page_is_the_persons_own_and_documented(pages: Pages, officer: Person) -> None:
    hit = put_hit(pages.database, 1)
    officer.get("/hits")
    officer.get(f"/hits/{hit}")
    found = looks(pages, "hits")
    assert [(who, outcome) for who, outcome, _reason in found] == [("vale", "allowed")] * 3
    assert found[1][2] == "Alert hits of my shift, as they come (order, sections F.4 and G.2)"
    assert hit in found[2][2]


def test_pictures_come_by_links_of_this_session_for_some_minutes(pages: Pages, officer: Person) -> None:
    hit = put_hit(pages.database, 1)
    officer.get(f"/hits/{hit}")
    links = [unescape(one) for one in re.findall(r'src="(/pictures/[^"]+)"', officer.page)]
    assert len(links) == 2
    for link in links:
        answer = officer.client.get(link)
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.content[:2] == b"\xff\xd8"
    assert len(looks(pages, "picture")) == 1  # both are of one look
    other = pages.browser("vale")
    assert other.client.get(links[0]).status_code == 403
    changed = (
        links[0].replace("vehicle", "crop") if "vehicle" in links[0] else links[0].replace("crop", "vehicle")
    )
    assert officer.client.get(changed).status_code == 403
    pages.clock.forward(minutes=6)
    assert officer.client.get(links[0]).status_code == 403


def test_who_may_not_see_hits_is_refused_by_the_door_and_on_record(pages: Pages, officer: Person) -> None:
    hit = put_hit(pages.database, 1)
    auditor = pages.browser("aud")
    assert "/hits" not in re.findall(r'<a href="([^"]+)"', auditor.page)
    answer = auditor.get(f"/hits/{hit}")
    assert answer.status_code == 403
    assert "none of this user's roles may do this" in unescape(answer.text)
    assert FOUND.detection.plate not in answer.text
    assert ("aud", "refused") in [(who, outcome) for who, outcome, _reason in looks(pages, "hits")]


def test_off_shift_a_look_needs_its_case_or_reason(pages: Pages, officer: Person) -> None:
    put_hit(pages.database, 1)
    analyst = pages.browser("ana")
    analyst.get("/hits")
    assert "Reason for the inquiry" in analyst.page
    refused = analyst.send("/hits", reason="")
    assert refused.status_code == 403
    assert "neither case number nor reason" in unescape(analyst.page)
    analyst.get("/hits")
    assert analyst.send("/hits", case_number="26-001234").status_code == 200
    assert FOUND.detection.plate in re.sub("<[^>]+>", "", analyst.page)


def test_a_misread_keeps_the_characters_and_not_the_plate(pages: Pages, officer: Person) -> None:
    hit = put_hit(pages.database, 1, seen={"plate": "A8C1234"})
    officer.get(f"/hits/{hit}")
    officer.send(f"/hits/{hit}/steps", kind="misread", actual="ABC1234")
    assert pages.database.rows("SELECT confused FROM platestream.hit_actions") == [
        ([{"actual": "B", "read": "8"}],)
    ]


def test_what_was_typed_is_text_and_never_a_tag(pages: Pages, officer: Person) -> None:
    hit = put_hit(pages.database, 1, listed={"instructions": "<script>alert(1)</script>"})
    officer.get(f"/hits/{hit}")
    officer.send(f"/hits/{hit}/steps", kind="wrong_state", note="<img src=x onerror=alert(1)>")
    assert "<script>alert" not in officer.page
    assert "<img src=x" not in officer.page
    assert "&lt;script&gt;" in officer.page


def test_finds_of_look_backs_are_groups_in_a_list_of_their_own_and_drown_no_alert(
    pages: Pages, officer: Person
) -> None:
    alert = put_hit(pages.database, 1)
    for number in range(2, 60):
        put_hit(
            pages.database, number, historical=True, seen={"plate": "A8C1234" if number % 2 else "ABC1234"}
        )
    officer.get("/hits")
    assert re.findall(r'id="hit-([^"]+)"', officer.page) == [alert]
    officer.get("/hits?list=historical")
    assert re.findall(r'id="hit-([^"]+)"', officer.page) == []
    groups = re.findall(r'<details class="finds" hx-get="([^"]+)"', officer.page)
    assert len(groups) == 2
    assert "29 passes" in officer.page
    shown = set()
    for part in groups:
        officer.get(part)
        shown |= set(re.findall(r'id="hit-([^"]+)"', officer.page))
        groups += re.findall(r'hx-get="(/hits/older/[^"]+)"', officer.page)  # scrolled
    assert len(shown) == 58
    analyst = pages.browser("ana")
    analyst.get("/hits")
    analyst.send("/hits", case_number="26-001234")
    assert re.findall(r'id="hit-([^"]+)"', analyst.page) == [alert]
    assert analyst.page.count('<details class="finds"') == 2


def test_many_groups_of_finds_come_as_the_list_is_scrolled(pages: Pages, officer: Person) -> None:
    now = pages.clock()
    plates = [f"AB{number:04}" for number in range(130)]
    seen = [
        msgspec.structs.replace(FOUND.detection, plate=plate, captured_at=now - timedelta(seconds=number))
        for number, plate in enumerate(plates)
    ]
    hits = [
        msgspec.structs.replace(FOUND, hit_id=UUID(int=n + 1), detection=one, historical=True)
        for n, one in enumerate(seen)
    ]
    pages.database.put(tables.ALERT_HITS, *hits)
    officer.get("/hits?list=historical")
    assert officer.page.count('<details class="finds"') == 100
    (link,) = re.findall(r'hx-get="(/hits/finds/[^"]+)"', officer.page)
    officer.get(link)
    assert "<html" in officer.page
    assert officer.page.count('<details class="finds"') == 30
    officer.get(link, headers={"hx-request": "true"})
    assert "<html" not in officer.page
    groups = re.findall(r'<details class="finds" hx-get="([^"]+)"', officer.page)
    assert len(groups) == 30
    assert "/hits/finds/" not in officer.page
    officer.get(groups[-1])
    assert re.findall(r'id="hit-([^"]+)"', officer.page) == [str(UUID(int=130))]
    assert len(looks(pages, "hits")) == 2  # of the fixture, and this one
    officer.get("/hits")
    assert "This list has expired" in officer.get(link).text, "another list has taken its place"
    alert = msgspec.structs.replace(FOUND, hit_id=UUID(int=999))
    pages.database.put(tables.ALERT_HITS, alert)
    analyst = pages.browser("ana")
    analyst.get("/hits")
    analyst.send("/hits", case_number="26-001234")
    assert analyst.page.count('<details class="finds"') == 10  # below the alert
    (link,) = re.findall(r'hx-get="(/hits/finds/[^"]+)"', analyst.page)
    analyst.get(link, headers={"hx-request": "true"})
    assert analyst.page.count('<details class="finds"') == 100


def words(page: str) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", page)).split())


def test_the_next_hit_of_a_pair_that_was_found_wrong_says_so_first(pages: Pages, officer: Person) -> None:
    wrong: dict[str, Any] = {
        "seen": {"plate": "A8C1234"},
        "listed": {"plate": "ABC1234"},
        "match": "look_alike",
    }
    first, again = (put_hit(pages.database, number, **wrong) for number in (1, 2))
    officer.get(f"/hits/{first}")
    officer.send(f"/hits/{first}/steps", kind="misread", note="a white truck")
    assert "Found wrong" not in officer.page
    officer.get(f"/hits/{again}")
    said = words(officer.page)
    assert "by vale: the vehicle had another plate. Not sent to phones." in said
    assert said.index("Found wrong") < said.index("Stolen vehicle")
    assert f'href="/hits/{first}"' in officer.page
    officer.get("/hits")
    assert words(officer.page).count("Found wrong") == 1
    with pages.console.alerts.page("vale"):
        live_feed.announce(pages.console, standing(pages, again))
    (alert,) = pages.console.alerts.after(0)
    assert 'class="hit p3 unverified fresh withheld"' in alert.line
    assert words(alert.line).startswith("Found wrong")
    officer.get(f"/hits/{first}")
    officer.send(f"/hits/{first}/steps", kind="plate_and_state_confirmed")
    officer.get(f"/hits/{again}")
    assert "Found wrong" not in officer.page


def test_a_hit_that_matches_exactly_alerts_whatever_was_found_before(pages: Pages, officer: Person) -> None:
    true: dict[str, Any] = {
        "seen": {"plate": "ABC1234", "state": "AZ"},
        "listed": {"plate": "ABC1234", "state": "AZ"},
    }
    first, again = (put_hit(pages.database, number, **true) for number in (1, 2))
    officer.get(f"/hits/{first}")
    officer.send(f"/hits/{first}/steps", kind="wrong_state")
    officer.get(f"/hits/{again}")
    assert "the plate was of another state. Plate and state match exactly, so this hit alerts." in words(
        officer.page
    )


@pytest.mark.parametrize(
    ("read", "listed", "said"),
    [
        (None, "AZ", "the state was not read"),
        ("AZ", None, "the entry lists no state"),
        (None, None, "the entry lists no state, and none was read"),
        ("NM", "AZ", "ANOTHER STATE"),
    ],
)
def test_the_page_says_which_side_lacks_the_state(
    pages: Pages, officer: Person, read: str | None, listed: str | None, said: str
) -> None:
    hit = put_hit(pages.database, 1, seen={"state": read}, listed={"state": listed})
    officer.get(f"/hits/{hit}")
    assert f"; {said}." in words(officer.page)


def test_a_listed_o_that_was_read_as_0_is_marked_and_one_figure_says_how_sure_it_is(
    pages: Pages, officer: Person
) -> None:
    hit = put_hit(pages.database, 1, seen={"plate": "0HIO12", "confidence": 0.97}, listed={"plate": "OHIO12"})
    officer.get(f"/hits/{hit}")
    assert "<mark>0</mark>HIO12" in officer.page
    assert "<mark>O</mark>HIO12" in officer.page
    assert "Read as listed, except for O and 0: compare them" in words(officer.page)
    assert re.findall(r"\d+ %", words(officer.page)) == ["97 %"]


def standing(pages: Pages, hit: str) -> job.HitWithHistory:
    return job.one(pages.console.door("vale"), UUID(hit), reason="as the topic has it")


def test_a_new_hit_comes_to_the_page_of_who_is_on_shift_and_is_their_look(
    pages: Pages, officer: Person
) -> None:
    first = pages.console.alerts.newest
    one, two = (standing(pages, put_hit(pages.database, number)) for number in (1, 2))
    live_feed.announce(pages.console, one)  # nobody's page is open yet
    with pages.console.alerts.page("vale"), pages.console.alerts.page("ana"):
        live_feed.announce(pages.console, two)
    before = len(looks(pages, "hits"))
    with officer.client.stream("GET", "/hits/live?after=0") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        seen = ""
        for part in answer.iter_text():
            seen += part
            if f"hit-{two.hit_id}" in seen:
                break
    assert f"/hits/{one.hit_id}" in seen
    older, newer = map(int, re.findall(r"id: (\d+)\nevent: hit", seen))
    assert first < older < newer
    message = json.loads(re.findall("data: ({.*})", seen)[-1])
    assert (message["priority"], message["title"]) == (3, "Priority 3: stolen vehicle")
    assert FOUND.detection.plate not in message["title"] + message["text"], "it may be on a locked screen"
    found = [(who, outcome) for who, outcome, reason in looks(pages, "hits") if "of my shift" in reason]
    assert found.count(("vale", "allowed")) == 3  # the list, and each of the two
    assert ("ana", "allowed") not in found  # off shift
    assert len(looks(pages, "hits")) == before + 1


def test_a_hit_of_a_car_sounds_there_first_if_its_officer_hears_it(pages: Pages, officer: Person) -> None:
    car = RegistryRecord(
        kind="camera", id=FOUND.detection.camera_id, name="Car 12", moves=True, latitude=34.5,
        longitude=-109.36, approved_by="Chief", approved_at=pages.clock(),
    )  # fmt: skip
    pages.put(car)
    pages.staff(person("joe", "officer"))
    other = pages.browser("joe")
    other.get("/hits")
    assert "Cameras of your car" in other.page
    other.send("/shift/begin", hours="8", car=car.id)
    assert car.id in officer.get("/shift").text

    def messages(category: str, number: int) -> dict[str, dict[str, Any]]:
        hit = standing(pages, put_hit(pages.database, number, listed={"category": category}))
        with pages.console.alerts.page("vale"), pages.console.alerts.page("joe"):
            live_feed.announce(pages.console, hit)
            (alert,) = pages.console.alerts.after(pages.console.alerts.newest - 1)
            return {who: live_feed._message(pages.console, alert, who) for who in ("vale", "joe")}

    silent = messages("stolen_vehicle", 1)
    assert (silent["vale"]["wait"], silent["joe"]["wait"]) == (0, 0), "nobody in the car hears it"
    assert other.client.post("/hits/here?sound=on").status_code == 204
    first = messages("stolen_vehicle", 2)
    assert (first["vale"]["wait"], first["joe"]["wait"]) == (live_feed.FIRST_S, 0)
    assert first["joe"]["title"] == "Your car. Priority 3: stolen vehicle"
    assert first["vale"]["title"].startswith("Car of ")
    urgent = messages("amber_alert", 3)
    assert (urgent["vale"]["wait"], urgent["joe"]["wait"]) == (0, 0)
    pages.clock.forward(minutes=2)
    assert messages("stolen_vehicle", 4)["vale"]["wait"] == 0, "its device is not there any more"


def test_a_hit_that_is_on_its_topic_before_its_table_is_waited_for(
    pages: Pages, officer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hit = put_hit(pages.database, 1)
    live_feed.announce(pages.console, standing(pages, hit))
    pages.database.client().command(
        "ALTER TABLE platestream.alert_hits DELETE WHERE 1", settings={"mutations_sync": 2}
    )
    monkeypatch.setattr("time.sleep", lambda _seconds: put_hit(pages.database, 1))
    assert officer.get(f"/hits/{hit}").status_code == 200
    assert officer.get(f"/hits/{UUID(int=2)}").status_code == 409


def test_a_page_is_told_when_hits_may_be_missing(pages: Pages, officer: Person) -> None:
    with officer.client.stream("GET", "/hits/live?after=0") as answer:
        parts = answer.iter_text()
        seen = next(parts)
        pages.console.alerts.mark_gap()
        seen += "".join(parts)
    assert seen.endswith("event: gap\ndata: gap\n\n")
    assert officer.client.get("/hits/live?after=0").status_code == 503


def test_who_may_not_be_shown_a_hit_is_refused_beside_those_who_may(pages: Pages, officer: Person) -> None:
    hit = standing(pages, put_hit(pages.database, 1))
    said = job.log_shown(pages.console.door(""), hit, ["vale", "aud", "nobody"], reason="hits of my shift")
    assert said["vale"] == ""
    assert "none of this user's roles" in said["aud"]
    assert "not a registered user" in said["nobody"]
    assert job.log_shown(pages.console.door(""), hit, [], reason="hits of my shift") == {}


def test_the_stream_is_for_whoever_is_on_shift(pages: Pages, officer: Person) -> None:
    assert pages.browser().client.get("/hits/live").status_code == 401
    assert pages.browser("ana").client.get("/hits/live").status_code == 401


def test_a_session_lasts_as_long_as_the_shift_while_its_device_is_there(
    pages: Pages, officer: Person
) -> None:
    def beat() -> int:
        return int(officer.client.post("/hits/here").status_code)

    for _ in range(23):  # 7 hours and 40 minutes of a shift of 8 hours
        pages.clock.forward(minutes=20)
        assert beat() == 204
    assert officer.get("/hits").url.path == "/hits"
    pages.clock.forward(minutes=21)
    assert beat() == 401, "the shift has ended, and the session with it"
    assert officer.get("/hits").url.path == "/sign-in"


def test_without_device_or_shift_a_session_ends_after_half_an_hour(pages: Pages, officer: Person) -> None:
    pages.clock.forward(minutes=31)
    assert officer.client.post("/hits/here").status_code == 401
    analyst = pages.browser("ana")
    for _ in range(2):
        pages.clock.forward(minutes=20)
        assert analyst.client.post("/hits/here").status_code == 401, "off shift a page does not count"
    assert analyst.get("/hits").url.path == "/sign-in"


def test_a_shift_that_began_late_in_a_session_is_not_cut_off_by_its_longest_time(pages: Pages) -> None:
    pages.staff(person("vale", "officer"))
    pages.clock.forward(hours=-10)
    browser = pages.browser("vale")
    for _ in range(24):
        pages.clock.forward(minutes=25)
        assert browser.get("/hits").url.path == "/hits"
    browser.send("/shift/begin", hours="12")
    for _ in range(28):  # over 21 hours since the sign-in
        pages.clock.forward(minutes=25)
        assert browser.client.post("/hits/here").status_code == 204


def test_where_an_agency_lists_purposes_a_look_at_hits_serves_the_one_of_being_told(
    database: Database, tmp_path: Path
) -> None:
    pages = Pages(database, tmp_path / "data", profile="virginia")
    pages.staff(person("vale", "officer"), person("chief", "administrator"))
    rules_in_force.put_in_force(pages.console.door("chief"), "virginia", "Chief of Police")
    hit = put_hit(database, 1)
    officer = pages.browser("vale")
    officer.get("/hits")
    officer.send("/shift/begin", hours="8")
    assert officer.get(f"/hits/{hit}").status_code == 200
    link = unescape(re.findall(r'src="(/pictures/[^"]+)"', officer.page)[0])
    assert officer.client.get(link).status_code == 200
    purposes = database.rows("SELECT DISTINCT purpose FROM platestream.inquiry_log WHERE kind = 'hits'")
    assert purposes == [("notification of a listed vehicle",)]


def test_a_long_list_comes_as_it_is_scrolled_by_the_look_that_found_it(pages: Pages, officer: Person) -> None:
    now = pages.clock()
    seen = [
        msgspec.structs.replace(FOUND.detection, captured_at=now - timedelta(seconds=n)) for n in range(120)
    ]
    hits = [msgspec.structs.replace(FOUND, hit_id=UUID(int=n), detection=one) for n, one in enumerate(seen)]
    pages.database.put(tables.ALERT_HITS, *hits)
    officer.get("/hits")
    shown = re.findall(r'id="hit-([0-9a-f-]+)"', officer.page)
    while found := re.search(r'hx-get="(/hits/older/[^"]+)"', officer.page):
        officer.get(found[1], headers={"hx-request": "true"})
        assert "<html" not in officer.page
        shown += re.findall(r'id="hit-([0-9a-f-]+)"', officer.page)
    assert shown == [str(one.hit_id) for one in hits]
    assert len(looks(pages, "hits")) == 2  # of the fixture, and this one
    officer.get("/hits")
    (link,) = re.findall(r'href="(/hits/older/[^"]+)"', officer.page)
    pages.clock.forward(minutes=11)
    officer.get(link)
    assert "This list has expired" in officer.page
    assert 'id="hit-' not in officer.page


def test_whoever_is_ended_meanwhile_scrolls_no_further(pages: Pages, officer: Person) -> None:
    seen = msgspec.structs.replace(FOUND.detection, captured_at=pages.clock())
    hits = [msgspec.structs.replace(FOUND, hit_id=UUID(int=n), detection=seen) for n in range(60)]
    pages.database.put(tables.ALERT_HITS, *hits)
    officer.get("/hits")
    (link,) = re.findall(r'href="(/hits/older/[^"]+)"', officer.page)
    pages.put(person("vale", "officer", active=False))
    officer.get(link)
    assert 'id="hit-' not in officer.page
    pages.put(person("vale", "auditor"))
    officer.get(link)
    assert 'id="hit-' not in officer.page
