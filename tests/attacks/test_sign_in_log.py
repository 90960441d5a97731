"""Sign-ins and ends of sessions in the inquiry log: what a thief, a flood or a forger leaves."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from platestream.access import accounts
from platestream.access.device_file import known_devices
from platestream.access.refusals import MOST
from platestream.access.sign_in_log import SignInLog
from platestream.edges.clickhouse_client import DatabaseError
from platestream.policy.checks.context import CheckData
from platestream.policy.service import Result, run
from platestream.policy.table import CHECKS
from platestream.schemas import sign_in_event
from platestream.schemas.sign_in_event import SignInEvent
from platestream.web import cookies
from tests.support.authenticator import Device
from tests.support.console import PASSWORD, Pages
from tests.support.database import Database
from tests.support.door import door_of, person
from tests.support.factors import FACTOR, admitted, code_of, enrolled, later, require

SECRET = "correct horse battery staple"

PEOPLE = "/administration/people"


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    made = Pages(database, tmp_path / "data")
    made.staff(
        person("vale", "officer"), person("lee", "administrator"), person("aud", "auditor"), person("ana")
    )
    return made


def events(pages: Pages, kind: str = "") -> list[SignInEvent]:
    """The sealed events, oldest first, once those that wait are written."""
    pages.console.tend()
    rows = pages.database.rows(
        "SELECT change FROM platestream.inquiry_log WHERE kind = 'account_sign_in' ORDER BY at"
    )
    found = [sign_in_event.read(str(change)) for (change,) in rows]
    assert None not in found
    return [one for one in found if one is not None and kind in ("", one.kind)]


def check(pages: Pages) -> Result:
    door = door_of(pages.database, "aud", data=pages.data)
    live = CheckData.of(door, datetime.now(UTC), names=True)
    (result,) = run(live, [one for one in CHECKS if one.name == "sessions"])
    return result


def test_a_sign_in_and_its_end_are_rows_that_name_person_way_browser_and_session(pages: Pages) -> None:
    browser = pages.browser("vale")
    browser.get("/account")
    browser.send("/sign-out")
    begun, ended = events(pages)
    assert (begun.kind, begun.who, begun.way, begun.factor) == ("signed_in", "vale", "password", "")
    (device,) = known_devices(pages.settings).of("vale", pages.clock())
    assert device.id.startswith(begun.browser)
    assert len(begun.browser) == sign_in_event.BROWSER
    assert begun.address == "testclient"
    assert (ended.kind, ended.who, ended.by, ended.why) == ("ended", "vale", "vale", "signed out")
    assert ended.session == begun.session != ""
    row = pages.database.rows(
        "SELECT who, about, automatic, set_off_by, outcome FROM platestream.inquiry_log"
        " WHERE kind = 'account_sign_in' ORDER BY at LIMIT 1"
    )
    assert row == [("console", "user/vale", True, "vale", "allowed")]


def test_each_way_and_factor_is_named(pages: Pages) -> None:
    require(pages, "everybody")
    _browser, secret, codes = enrolled(pages, "vale")
    later(pages)
    pages.browser("vale").send(FACTOR, code=code_of(pages, secret))
    pages.browser("vale").send(FACTOR, code=codes[0])
    require(pages, "nobody")
    door = door_of(pages.database, "lee", data=pages.data)
    accounts.passwords(pages.settings).end("ana")
    text = accounts.sign_in_link(door, "ana", pages.clock(), "in a test")
    linked = pages.browser()
    linked.client.post("/sign-in/link", data={"who": "ana", "code": text})
    assert admitted(linked)
    device, owner = Device(), pages.browser("lee")
    owner.get("/account")
    (proof, *_same) = re.findall(r'name="csrf" value="([^"]+)"', owner.page)
    asked = owner.client.post("/account/passkey/options", data={"csrf": proof}).json()["challenge"]
    owner.send("/account/passkey", credential=device.make(asked), name="Phone", password=PASSWORD)
    fresh = pages.browser()
    asked = fresh.client.post("/sign-in/passkey/options", data={"csrf": ""}).json()["challenge"]
    fresh.client.post("/sign-in/passkey", data={"credential": device.use(asked), "where": "/"})
    assert [(one.who, one.way, one.factor) for one in events(pages, "signed_in")] == [
        ("vale", "password", "authenticator app"),
        ("vale", "password", "authenticator app"),
        ("vale", "password", "recovery code"),
        ("ana", "link", ""),
        ("lee", "password", ""),
        ("lee", "passkey", ""),
    ]


def test_a_password_in_the_field_of_the_name_is_stored_nowhere(
    pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = pages.browser()
    stranger.sign_in(SECRET)
    stranger.client.post("/redeem", data={"who": SECRET, "code": "x", "password": SECRET, "again": SECRET})
    stranger.client.post("/sign-in/link", data={"who": SECRET, "code": SECRET})
    refused = events(pages, "refused")
    assert {one.who for one in refused} == {""}
    rows = pages.database.rows("SELECT * FROM platestream.inquiry_log")
    assert SECRET not in repr(rows)
    assert sign_in_event.UNKNOWN in repr(rows)
    assert SECRET not in caplog.text


def test_refusals_name_the_person_and_nobody_else_and_are_refused_rows(pages: Pages) -> None:
    browser = pages.browser()
    browser.sign_in("vale", "a wrong long password")
    pages.browser().sign_in("Vale")
    first, second = events(pages)
    assert (first.kind, first.who, first.way, first.why) == ("refused", "vale", "password", "wrong")
    assert second.who == ""
    rows = pages.database.rows("SELECT outcome, refusal, set_off_by, change FROM platestream.inquiry_log")
    assert {(outcome, refusal, by) for outcome, refusal, by, _change in rows} == {
        ("refused", "wrong: no session", "console")
    }
    assert "a wrong long password" not in repr(rows)


def test_a_wrong_second_factor_is_a_row_at_sign_in_and_in_a_session(pages: Pages) -> None:
    require(pages, "everybody")
    owner, _secret, _codes = enrolled(pages, "vale")
    later(pages)
    thief = pages.browser("vale")
    thief.send(FACTOR, code="000000")
    owner.get("/account")
    owner.send("/account/factor/codes")
    (held,) = re.findall(r'name="confirmed_form" value="([^"]+)"', owner.page)
    owner.send("/account/factor/codes", confirmed_form=held, code="000000")
    at_sign_in, in_session = events(pages, "refused")
    assert (at_sign_in.way, at_sign_in.factor, at_sign_in.browser) == ("password", "second factor", "")
    assert in_session.way == "confirmation in a session"
    assert in_session.browser, "the owner's own"


def test_a_flood_of_guesses_is_few_rows_with_all_of_them_counted(pages: Pages) -> None:
    thief = pages.browser()
    tries = 3 * MOST
    for number in range(tries):
        thief.sign_in("vale", "a wrong long password")
        if number % 2:
            pages.browser().sign_in(f"name-{number}")
    pages.clock.forward(seconds=61)
    refused = events(pages, "refused")
    assert len(refused) == 4, "the first and a count, of vale and of names that nobody has"
    assert sum(one.times for one in refused) == tries + tries // 2
    assert {one.who for one in refused} == {"vale", ""}


def test_guesses_at_many_people_at_once_are_bounded(pages: Pages) -> None:
    pages.put(*(person(f"p{number}") for number in range(2 * MOST)))
    for number in range(2 * MOST):
        pages.browser().sign_in(f"p{number}", "a wrong long password")
    pages.clock.forward(seconds=61)
    refused = events(pages, "refused")
    assert len(refused) == MOST + 1
    assert sum(one.times for one in refused) == 2 * MOST


def ends(pages: Pages) -> list[tuple[str, str, str]]:
    return [(one.who, one.by, one.why) for one in events(pages, "ended")]


def test_an_end_by_the_administrator_names_the_administrator(pages: Pages) -> None:
    browser, admin = pages.browser("vale"), pages.browser("lee")
    admin.get("/administration/people/vale")
    admin.send("/administration/people/sessions", id="vale")
    assert not admitted(browser)
    assert ends(pages) == [("vale", "lee", "all sessions of the person ended")]
    assert [(one.who, one.by, one.browser) for one in events(pages, "forgotten")] == [
        ("vale", "lee", sign_in_event.EVERY_BROWSER)
    ]


def test_idle_sessions_end_without_a_request_and_a_session_that_waits_is_none(pages: Pages) -> None:
    pages.browser("vale")
    require(pages, "everybody")
    pages.browser("ana")
    pages.clock.forward(minutes=31)
    assert ends(pages) == [("vale", "", "timed out")]
    assert [one.who for one in events(pages, "signed_in")] == ["vale"], "ana gave no second factor"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda pages: accounts.passwords(pages.settings).end("vale"), "the password was changed or revoked"),
        (lambda pages: pages.put(person("vale", active=False)), "deactivated"),
        (lambda pages: require(pages, "everybody"), "the second factor changed, or is required now"),
    ],
)
def test_an_end_that_a_request_notices_says_why(
    pages: Pages, change: Callable[[Pages], object], why: str
) -> None:
    browser = pages.browser("vale")
    change(pages)
    pages.clock.forward(seconds=3)
    assert not admitted(browser)
    assert ends(pages) == [("vale", "", why)]


def fail(*_anything: Any, **_named: Any) -> None:
    raise DatabaseError("writing the inquiry", None, passing=True)


def test_without_the_database_there_is_no_session_and_refusals_and_ends_are_written_later(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = pages.browser("ana")
    browser.get("/account")
    with monkeypatch.context() as away:
        away.setattr(SignInLog, "_enter", fail)
        refused = pages.browser(failing=False)
        assert refused.sign_in("vale").status_code == 503
        assert cookies.COOKIE not in refused.client.cookies
        assert refused.sign_in("vale", "a wrong long password").status_code == 401
        browser.send("/sign-out")
        assert not admitted(browser)
        pages.console.tend()
    assert known_devices(pages.settings).of("vale", pages.clock()) == []
    assert [one.kind for one in events(pages)] == ["signed_in", "refused", "ended"]
    assert admitted(pages.browser("vale"))


def test_a_forged_or_forgotten_browser_in_the_file_is_found(pages: Pages) -> None:
    pages.browser("vale")
    file = pages.data / "accounts" / "devices.json"
    before = file.read_bytes()
    assert check(pages).faults == ()
    assert check(pages).figure == "1 sign-in, 0 refused, 0 ends of sessions in a year"
    known_devices(pages.settings).remember("ana", "", "a thief's", pages.clock())
    assert check(pages).faults == ("browsers that no sign-in on record made known: ana",)
    file.write_bytes(before.replace(b'"vale"', b'"lee"'))
    assert check(pages).faults == ("browsers that no sign-in on record made known: lee",), "copied"
    file.write_bytes(before)
    admin = pages.browser("lee")
    admin.get("/administration/people/vale")
    admin.send("/administration/people/sessions", id="vale")
    pages.console.tend()
    assert check(pages).faults == ()
    file.write_bytes(before)
    assert check(pages).faults == ("browsers that no sign-in on record made known: vale",), "put back"


def test_acts_in_the_console_in_the_name_of_somebody_who_did_not_sign_in_are_found(pages: Pages) -> None:
    pages.browser("vale")
    pages.browser("lee").get(PEOPLE)
    assert check(pages).faults == ()
    token, _session = pages.console.sessions.begin("ana", pages.clock())
    forged = pages.browser()
    forged.client.cookies.set(cookies.COOKIE, token, domain="localhost.local")
    assert admitted(forged, PEOPLE)
    assert check(pages).faults == ("acted in the console without a sign-in on record: ana",)


def test_a_person_cannot_enter_a_sign_in_of_anybody(pages: Pages) -> None:
    forged = SignInEvent(kind="signed_in", at=pages.clock(), who="ana").text
    door = door_of(pages.database, "ana", data=pages.data)
    with pytest.raises(Exception, match="only the machine"):
        door.enter("account_sign_in", "user/ana", change=forged)
    assert [one for one in events(pages, "signed_in") if one.who == "ana"] == [sign_in_event.read(forged)], (
        "as a refused row, which counts as no sign-in"
    )
    token, _session = pages.console.sessions.begin("ana", pages.clock())
    browser = pages.browser("vale")
    browser.client.cookies.set(cookies.COOKIE, token, domain="localhost.local")
    assert admitted(browser, PEOPLE)
    assert "without a sign-in on record: ana" in "; ".join(check(pages).faults)


def test_the_auditor_searches_them_by_person_and_kind_and_nobody_else_does(pages: Pages) -> None:
    pages.browser().sign_in("vale", "a wrong long password")
    pages.browser().sign_in("nobody")
    pages.browser("vale")
    auditor = pages.browser("aud")
    pages.console.tend()
    text = unescape(auditor.get("/audit/sign-ins").text)
    assert {"vale", "aud", "unknown"} <= set(re.findall(r'data-label="Person">([^<]+)<', text))
    text = auditor.get("/audit/sign-ins", params={"who": "vale", "kind": "refused"}).text
    assert re.findall(r'data-label="Event">([^<]+)<', text) == ["sign-in refused"]
    text = auditor.get("/audit/sign-ins", params={"who": "unknown"}).text
    assert re.findall(r'data-label="Person">([^<]+)<', text) == ["unknown"]
    assert auditor.get("/audit/sign-ins", params={"kind": "x"}).status_code == 400
    assert pages.browser("vale").get("/audit/sign-ins").status_code == 403
