"""Sessions and tokens that outlive what allowed them (issue 27, row 9)."""

import asyncio
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from platestream.access import accounts, registry, shifts, tokens
from platestream.access.inquire import RefusedInquiry
from platestream.access.password_file import Passwords
from platestream.cameras.pages import live as camera_live
from platestream.hits.pages import live_feed
from platestream.schemas.tables import REGISTRY
from platestream.web import console as web_console
from platestream.web import signin
from platestream.web.app import app
from platestream.web.console import REGISTRY_MAX_AGE
from platestream.web.page_request import PageRequest
from tests.support.console import PASSWORD, QUICK, Pages, Person
from tests.support.database import Database
from tests.support.door import door_of, person, shift
from tests.support.hits import put_hit

HOURS = timedelta(hours=8)
LATE = REGISTRY_MAX_AGE.total_seconds() + 0.1


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    made = Pages(database, tmp_path / "data")
    made.staff(
        person("vale", "officer"),
        person("maier", "supervisor"),
        person("lee", "administrator"),
        person("ana", "analyst"),
    )
    return made


def by_command(pages: Pages, who: str) -> Any:
    """The door of a command in another process, of which the console hears nothing."""
    return door_of(pages.database, who, data=pages.data)


def other_password(pages: Pages, who: str) -> None:
    """Another process writes the file of passwords."""
    Passwords(accounts.password_path(pages.settings), QUICK).put(who, "another long password")


def signed_out(browser: Person, said: str, path: str = "/hits") -> None:
    answer = browser.get(path)
    assert answer.url.path == "/sign-in", browser.page
    assert said in unescape(browser.page)


def listening(pages: Pages, browser: Person) -> Request:
    """The request of a live page that this browser has open."""
    cookie = "; ".join(f"{one.name}={one.value}" for one in browser.client.cookies.jar)
    scope = {"type": "http", "headers": [(b"cookie", cookie.encode())], "query_string": b"", "method": "GET"}
    return Request({**scope, "path": "/hits/live"})


def on_shift(pages: Pages, who: str) -> Person:
    browser = pages.browser(who)
    browser.get("/hits")
    browser.send("/shift/begin", hours="8")
    assert "On shift until" in browser.page
    return browser


def test_a_session_ends_at_its_next_request_after_the_password_changed(pages: Pages) -> None:
    browser = pages.browser("vale")
    assert browser.get("/hits").url.path == "/hits"
    other_password(pages, "vale")
    signed_out(browser, "the password of this account was changed")
    assert PASSWORD not in browser.page


def test_a_cookie_that_was_stolen_before_the_reset_is_worth_nothing_after_it(pages: Pages) -> None:
    browser = pages.browser("vale")
    thief = pages.browser()
    thief.client.cookies.update(browser.client.cookies)
    assert thief.get("/hits").url.path == "/hits"
    other_password(pages, "vale")
    signed_out(thief, "the password of this account was changed")
    assert browser.sign_in("vale", "another long password").status_code == 200
    signed_out(thief, "")


def test_the_same_password_set_again_ends_sessions_too(pages: Pages) -> None:
    browser = pages.browser("vale")
    Passwords(accounts.password_path(pages.settings), QUICK).put("vale", PASSWORD)
    signed_out(browser, "the password of this account was changed")


def test_a_password_that_was_taken_away_by_command_ends_sessions(pages: Pages) -> None:
    browser = pages.browser("vale")
    accounts.remove(by_command(pages, "lee"), "vale")
    signed_out(browser, "was changed or revoked")


def test_a_form_of_an_ended_session_does_nothing(pages: Pages) -> None:
    browser = on_shift(pages, "vale")
    hit = put_hit(pages.database, 1)
    assert browser.get(f"/hits/{hit}").status_code == 200
    other_password(pages, "vale")
    browser.send(f"/hits/{hit}/steps", kind="plate_and_state_confirmed")
    assert "the password of this account was changed" in unescape(browser.page)
    assert pages.database.rows("SELECT 1 FROM platestream.inquiry_log WHERE kind = 'hit_verify'") == []


def test_a_person_deactivated_by_command_is_signed_out_within_the_stated_time_and_cannot_sign_in(
    pages: Pages,
) -> None:
    browser = pages.browser("ana")
    assert browser.get("/search").status_code == 200
    registry.end(by_command(pages, "lee"), "user", "ana", pages.clock())
    pages.clock.forward(seconds=LATE)
    signed_out(browser, "this account is deactivated", "/search")
    other_password(pages, "ana")
    assert pages.browser().sign_in("ana", "another long password").status_code == 403


def test_a_search_of_a_deactivated_person_is_refused_even_before_the_session_has_ended(pages: Pages) -> None:
    browser = pages.browser("ana")
    browser.get("/search")
    registry.end(by_command(pages, "lee"), "user", "ana", pages.clock())
    answer = browser.send("/search", way="search", plate="ABC*", reason="Stolen truck of last night")
    assert answer.status_code == 403 or answer.url.path == "/sign-in"
    outcomes = pages.database.rows("SELECT outcome FROM platestream.inquiry_log WHERE kind = 'search'")
    assert ("allowed",) not in outcomes


def test_a_provider_vouches_for_nobody_who_is_deactivated(pages: Pages) -> None:
    """A session by OpenID Connect has no password that could change; the registry ends it."""
    token, _session = pages.console.sessions.begin("ana", pages.clock())
    browser = pages.browser()
    browser.client.cookies.set("__Host-platestream", token, domain="localhost.local")
    assert browser.get("/search").url.path == "/search"
    registry.end(by_command(pages, "lee"), "user", "ana", pages.clock())
    pages.clock.forward(seconds=LATE)
    signed_out(browser, "this account is deactivated", "/search")


def test_a_token_of_a_deactivated_person_is_refused_and_does_not_come_back(pages: Pages) -> None:
    _made, text = tokens.stored_tokens(pages.settings).make(
        "ana", "CAD", tokens.PARTS, pages.clock() + timedelta(days=90)
    )
    program = TestClient(app(pages.console), "https://localhost")
    program.headers["Authorization"] = f"Bearer {text}"
    asked = {"plate": "ABC123", "case_number": "26-001234"}
    assert program.post("/api/inquiries/search", json=asked).status_code == 200
    registry.end(by_command(pages, "lee"), "user", "ana", pages.clock())
    pages.clock.forward(seconds=LATE)
    assert program.post("/api/inquiries/search", json=asked).status_code == 401
    was = registry.records_of(pages.streams, "user")["ana"]
    pages.put(person("ana"))
    assert not was.active
    assert program.post("/api/inquiries/search", json=asked).status_code == 401, "reactivated, not its token"


def test_a_shift_that_a_command_ends_ends_all_its_sessions(pages: Pages) -> None:
    first, second = on_shift(pages, "vale"), pages.browser("vale")
    assert "On shift until" in second.get("/hits").text
    shifts.log_out(by_command(pages, "maier"), pages.clock(), "vale")
    pages.clock.forward(seconds=LATE)
    signed_out(first, "your shift has ended")
    signed_out(second, "your shift has ended")


def test_a_browser_that_was_open_before_the_shift_began_elsewhere_ends_with_it(pages: Pages) -> None:
    early = pages.browser("vale")
    early.get("/hits")
    late = on_shift(pages, "vale")
    early.get("/hits/look")
    late.get("/hits")
    late.send("/shift/end")
    signed_out(early, "your shift has ended", "/hits/look")


@pytest.mark.parametrize("by", ["service", "console", "api", "sql"])
def test_off_shift_nobody_works_an_alert_hit_by_any_way(
    pages: Pages, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_console, "REGISTRY_MAX_AGE", HOURS)
    hit = put_hit(pages.database, 1)
    browser = on_shift(pages, "vale")
    browser.get(f"/hits/{hit}")
    shifts.log_out(by_command(pages, "vale"), pages.clock())
    if by == "console":  # which does not know it yet
        browser.send(f"/hits/{hit}/steps", kind="plate_and_state_confirmed")
    elif by == "api":
        _made, text = tokens.stored_tokens(pages.settings).make(
            "vale", "CAD", ["hits"], pages.clock() + HOURS
        )
        program = TestClient(app(pages.console), "https://localhost")
        sent = {"kind": "plate_and_state_confirmed"}
        program.headers["Authorization"] = f"Bearer {text}"
        answer = program.post(f"/api/hits/{hit}/steps", json=sent)
        assert answer.status_code == 403
        assert "not on shift" in answer.text
    else:
        act = "hit_dispose" if by == "sql" else "hit_verify"
        with pytest.raises(RefusedInquiry, match=r"not on shift.*F\.4"):
            by_command(pages, "vale").enter(act, str(hit))
    assert pages.database.rows("SELECT 1 FROM platestream.hit_actions") == []
    done = "SELECT outcome FROM platestream.inquiry_log WHERE kind IN ('hit_verify', 'hit_dispose')"
    assert set(pages.database.rows(done)) == {("refused",)}


def test_a_shift_that_is_over_or_has_not_begun_counts_for_nothing(pages: Pages) -> None:
    for who, hours in (("vale", -9), ("maier", 1)):
        one = shift(who)
        assert one.since is not None
        moved = one.since + timedelta(hours=hours)
        pages.database.put(REGISTRY, msgspec.structs.replace(one, since=moved, until=moved + HOURS))
    for who in ("vale", "maier"):
        with pytest.raises(RefusedInquiry, match="not on shift"):
            by_command(pages, who).enter("hit_verify", "x")


def test_a_colleagues_shift_lets_nobody_else_work_a_hit(pages: Pages) -> None:
    shifts.log_in(by_command(pages, "maier"), HOURS, pages.clock(), "vale")
    by_command(pages, "vale").enter("hit_verify", "x")
    with pytest.raises(RefusedInquiry, match="not on shift"):
        by_command(pages, "maier").enter("hit_verify", "x")


@pytest.mark.parametrize("how", ["password", "deactivated", "shift"])
def test_a_live_page_that_was_left_open_is_sent_nothing_more(pages: Pages, how: str) -> None:
    browser = on_shift(pages, "vale")
    request = listening(pages, browser)

    async def open_page() -> list[str]:
        events = live_feed._events(pages.console, request, "vale", 0)
        sent = [await anext(events)]
        if how == "password":
            other_password(pages, "vale")
        elif how == "shift":
            shifts.log_out(by_command(pages, "maier"), pages.clock(), "vale")
        else:
            registry.end(by_command(pages, "lee"), "user", "vale", pages.clock())
        pages.clock.forward(seconds=LATE)
        return sent + [one async for one in events]

    assert asyncio.run(open_page())[-1] == "event: ended\ndata: ended\n\n"


def test_a_live_picture_of_a_camera_ends_with_the_password(pages: Pages) -> None:
    browser = pages.browser("maier")
    request = listening(pages, browser)
    session = pages.console.session(request.cookies["__Host-platestream"])
    assert session is not None
    session.change(live_picture="look")
    page_request = PageRequest(pages.console, request, session, pages.console.door("maier"), pages.clock())
    assert camera_live._continues(page_request, "look")
    other_password(pages, "maier")
    assert not camera_live._continues(page_request, "look")


def test_an_open_live_page_keeps_no_session_alive(pages: Pages) -> None:
    browser = on_shift(pages, "vale")
    request = listening(pages, browser)
    for _ in range(3):
        pages.clock.forward(minutes=11)
        listener = live_feed._listener(pages.console, request)
    assert listener == ""


def vouched_for(pages: Pages, who: str) -> Person:
    """A browser whose person an OpenID provider vouched for."""
    request = Request({"type": "http", "headers": [], "client": ("testclient", 50000)})
    answer = signin.begin_session(pages.console, request, who, "/")
    token = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    browser = pages.browser()
    browser.client.cookies.set("__Host-platestream", token, domain="localhost.local")
    return browser


def program(pages: Pages, who: str) -> TestClient:
    """A program with a token of this person."""
    _made, text = tokens.stored_tokens(pages.settings).make(
        who, "CAD", ["inquiries"], pages.clock() + 90 * HOURS
    )
    client = TestClient(app(pages.console), "https://localhost")
    client.headers["Authorization"] = f"Bearer {text}"
    return client


def asks(client: TestClient) -> int:
    return client.post(
        "/api/inquiries/search", json={"plate": "ABC1", "case_number": "26-001234"}
    ).status_code


def invited(pages: Pages, who: str, at: Any = None) -> str:
    return accounts.invite(by_command(pages, "lee"), who, at or pages.clock())[0]


def redeemed(pages: Pages, who: str, code: str) -> None:
    accounts.redeem(pages.console.door(who), code, "another long password", pages.clock(), "here")


@pytest.mark.parametrize("way", ["reset", "end, then a code", "a false clock", "redeemed already"])
def test_a_reset_ends_tokens_and_sessions_that_a_provider_vouched_for(pages: Pages, way: str) -> None:
    browser, cad = vouched_for(pages, "ana"), program(pages, "ana")
    assert browser.get("/search").url.path == "/search"
    assert asks(cad) == 200
    if way == "end, then a code":
        accounts.remove(by_command(pages, "lee"), "ana")
    code = invited(pages, "ana", pages.clock() - timedelta(days=400) if way == "a false clock" else None)
    if way == "redeemed already":
        redeemed(pages, "ana", code)
    signed_out(browser, "the password of this account was changed", "/search")
    assert asks(cad) == 401
    assert vouched_for(pages, "ana").get("/search").url.path == "/search", "a later sign-in counts"


def test_a_reset_names_the_tokens_that_it_ended_and_leaves_those_of_others(pages: Pages) -> None:
    program(pages, "ana")
    others = program(pages, "vale")
    tokens.stored_tokens(pages.settings).permit("ana", "RMS", ["hits"], pages.clock() + 90 * HOURS)
    held = {one.id for one in tokens.stored_tokens(pages.settings).all() if one.who == "ana"}
    invited(pages, "ana")
    assert [one.who for one in tokens.stored_tokens(pages.settings).all()] == ["vale"]
    assert asks(others) == 200
    change = pages.database.value("SELECT change FROM platestream.inquiry_log WHERE kind = 'account_code'")
    assert all(one in change for one in held)


def test_a_code_for_somebody_who_had_no_password_ends_sessions_of_the_provider_too(pages: Pages) -> None:
    accounts.remove(by_command(pages, "lee"), "ana")
    browser = vouched_for(pages, "ana")
    invited(pages, "ana")
    invited(pages, "ana")
    signed_out(browser, "the password of this account was changed", "/search")


def test_an_administrator_who_sets_their_own_password_without_it_ends_their_tokens_and_sessions(
    pages: Pages,
) -> None:
    browser, cad = vouched_for(pages, "lee"), program(pages, "lee")
    accounts.set_own(by_command(pages, "lee"), "another long password", pages.clock(), "here")
    signed_out(browser, "the password of this account was changed", "/")
    assert asks(cad) == 401


def test_a_live_page_of_a_provider_s_session_ends_with_a_reset(pages: Pages) -> None:
    browser = vouched_for(pages, "vale")
    browser.get("/hits")
    browser.send("/shift/begin", hours="8")
    request = listening(pages, browser)
    assert live_feed._listener(pages.console, request) == "vale"
    invited(pages, "vale")
    assert live_feed._listener(pages.console, request) == ""


def test_a_reset_that_was_refused_ends_nothing(pages: Pages) -> None:
    browser, cad = vouched_for(pages, "ana"), program(pages, "ana")
    with pytest.raises(RefusedInquiry):
        accounts.invite(by_command(pages, "maier"), "ana", pages.clock())
    assert browser.get("/search").url.path == "/search"
    assert asks(cad) == 200
