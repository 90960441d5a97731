"""A thief of a password, a cookie, a code or a phone, and an administrator who wants to be somebody else."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import msgspec
import pyotp
import pytest
from starlette.routing import Mount, Route

from platestream.access import accounts, gate_rules, second_factor
from platestream.access.factor_file import CODES, STEP_S, Factor, StoredFactor
from platestream.access.profiles import load
from platestream.access.rules_reader import check, in_force
from platestream.policy.checks.context import CheckData
from platestream.policy.service import run
from platestream.policy.table import CHECKS
from platestream.runtime.login_attempts import FREE
from platestream.schemas.gate_rules import AgencyRules
from platestream.settings import Settings
from platestream.web import cookies
from platestream.web.app import ROUTES, app
from tests.support.console import PASSWORD, Pages
from tests.support.database import Database
from tests.support.door import door_of, person
from tests.support.factors import (
    FACTOR,
    admitted,
    code_of,
    confirm,
    enrolled,
    later,
    proven,
    recovery_codes,
    require,
    secret_of,
)


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    """An agency whose rules require a second factor of everybody."""
    made = Pages(database, tmp_path / "data")
    made.staff(person("vale", "officer"), person("lee", "administrator"), person("ana", "analyst"))
    require(made, "everybody")
    return made


def log_of(pages: Pages, kind: str = "account_factor") -> list[tuple[str, str, str]]:
    rows = pages.database.rows(
        f"SELECT who, outcome, change FROM platestream.inquiry_log WHERE kind = '{kind}' ORDER BY at"
    )
    return [(str(who), str(outcome), str(change)) for who, outcome, change in rows]


def test_a_person_without_a_factor_sets_one_up_at_sign_in_and_sees_nothing_before(pages: Pages) -> None:
    browser = pages.browser("vale")
    assert "Set it up now, vale" in browser.page
    assert not admitted(browser)
    secret = secret_of(browser.page)
    browser.send(FACTOR, code=code_of(pages, secret))
    codes = recovery_codes(browser.page)
    assert len(set(codes)) == CODES
    assert admitted(browser)
    ((who, outcome, change),) = log_of(pages)
    assert (who, outcome) == ("vale", "allowed")
    assert "10 recovery codes" in change
    later(pages)
    again = pages.browser("vale")
    assert "the code that your authenticator app shows" in again.page
    again.send(FACTOR, code=code_of(pages, secret))
    assert admitted(again)


def paths() -> Iterator[str]:
    for method, path in ROUTES:
        if method == "GET" and "{" not in path:
            yield path


def test_a_password_alone_opens_no_page_no_stream_and_no_form(pages: Pages) -> None:
    _owner, _secret, _codes = enrolled(pages, "vale")
    thief = pages.browser("vale")
    for path in (*paths(), "/hits/live"):
        assert thief.get(path).url.path == FACTOR or thief.client.get(path).status_code == 401, path
    pending = pages.console.pending_session(thief.client.cookies[cookies.COOKIE])
    assert pending is not None
    for method, path in ROUTES:
        if method == "POST" and "{" not in path:
            sent = thief.client.post(path, data={"csrf": pending.csrf}, follow_redirects=False)
            assert (sent.status_code, sent.headers.get("location")) == (303, FACTOR), path
    assert thief.client.post("/hits/here", data={"csrf": pending.csrf}).status_code in (401, 403)
    assert log_of(pages, "hits") == []


def test_every_route_outside_of_the_sign_in_is_known_here(pages: Pages) -> None:
    """A new route without a session is a decision: somebody who has only a password reaches it."""
    free = {
        one.path
        for one in app(pages.console).routes
        if isinstance(one, Route | Mount) and not any(one.path == path for _method, path in ROUTES)
    }
    assert free == {
        *("/sign-in", "/sign-in/link", "/sign-in/factor", "/sign-in/passkey", "/sign-in/passkey/options"),
        *("/sign-in/factor/passkey", "/sign-in/factor/passkey/options"),
        *("/sign-in/device", "/sign-in/device/token", "/sign-out/device"),
        *("/sign-out", "/redeem", "/health", "/offline"),
        *("/hits/live", "/hits/here", "/manifest.webmanifest", "/sw.js", "/static", "/api"),
        *("/help", "/help/", "/help/{page:path}"),
    }


def test_a_code_that_was_seen_over_the_shoulder_is_worth_nothing_once_it_was_used(pages: Pages) -> None:
    _owner, secret, _codes = enrolled(pages, "vale")
    later(pages)
    seen = code_of(pages, secret)
    owner, thief = pages.browser("vale"), pages.browser("vale")
    owner.send(FACTOR, code=seen)
    assert admitted(owner)
    assert thief.send(FACTOR, code=seen).status_code == 401
    assert not admitted(thief)
    thief = pages.browser("vale")
    assert thief.send(FACTOR, code=code_of(pages, secret, steps=-1)).status_code == 401, "one before it"


def test_the_code_of_the_set_up_signs_nobody_in_again(pages: Pages) -> None:
    browser = pages.browser("vale")
    code = code_of(pages, secret_of(browser.page))
    browser.send(FACTOR, code=code)
    thief = pages.browser("vale")
    assert thief.send(FACTOR, code=code).status_code == 401


def test_a_code_is_worth_nothing_after_its_time_and_with_another_persons_password(pages: Pages) -> None:
    _vale, secret, codes = enrolled(pages, "vale")
    _ana, _others, _codes = enrolled(pages, "ana")
    later(pages)
    old = code_of(pages, secret)
    pages.clock.forward(seconds=2 * STEP_S)
    assert pages.browser("vale").send(FACTOR, code=old).status_code == 401
    ana = pages.browser("ana")
    assert ana.send(FACTOR, code=code_of(pages, secret)).status_code == 401
    assert ana.send(FACTOR, code=codes[0]).status_code == 401


@pytest.mark.parametrize("typed", ["", "0", "٠١٢٣٤٥", "000000 OR 1", "-" * 24, "x" * 5000, "\x00\x01"])
def test_what_is_no_code_is_refused(pages: Pages, typed: str) -> None:
    enrolled(pages, "vale")
    thief = pages.browser("vale")
    assert thief.send(FACTOR, code=typed).status_code == 401
    assert not admitted(thief)


def test_guesses_are_limited_and_do_not_lock_the_person_out_of_a_known_browser(pages: Pages) -> None:
    owner, secret, _codes = enrolled(pages, "vale")
    later(pages)
    thief = pages.browser("vale")
    for _guess in range(FREE):
        assert thief.send(FACTOR, code="000000").status_code == 401
    assert thief.send(FACTOR, code=code_of(pages, secret)).status_code == 429
    owner.sign_in("vale")
    owner.send(FACTOR, code=code_of(pages, secret))
    assert admitted(owner)


def test_wrong_passwords_from_elsewhere_do_not_lock_the_person_out_of_a_known_browser(pages: Pages) -> None:
    owner, secret, _codes = enrolled(pages, "vale")
    thief = pages.browser()
    for _guess in range(60):
        thief.sign_in("vale", "a wrong long password")
    assert thief.sign_in("vale").status_code == 429
    later(pages)
    owner.sign_in("vale")
    owner.send(FACTOR, code=code_of(pages, secret))
    assert admitted(owner)


def test_the_mark_of_a_known_browser_admits_nobody_and_is_limited_for_itself(pages: Pages) -> None:
    owner, _secret, _codes = enrolled(pages, "vale")
    thief = pages.browser()
    mark = owner.client.cookies[cookies.DEVICE]
    thief.client.cookies.set(cookies.DEVICE, mark, domain="localhost.local")
    assert not admitted(thief)
    answers = [thief.sign_in("vale", "a wrong long password").status_code for _guess in range(FREE + 1)]
    assert answers[0] == 401
    assert answers[-1] == 429
    other = pages.browser()
    other.client.cookies.set(cookies.DEVICE, mark, domain="localhost.local")
    for _guess in range(FREE):
        other.sign_in("ana", "a wrong long password")
    assert other.sign_in("ana", "a wrong long password").status_code == 429, "it is nobody else's"


def test_a_recovery_code_works_once_and_its_use_is_on_record_and_shown(pages: Pages) -> None:
    _owner, _secret, codes = enrolled(pages, "vale")
    found = pages.browser("vale")
    found.send(FACTOR, code=codes[3].upper().replace("-", " "))
    assert admitted(found)
    assert "See by whom, and where" in found.page
    assert "a recovery code was used" in found.get("/account").text
    assert "9 of 10 recovery codes are left" in found.page
    assert [change.split(" on the ")[0] for _who, _outcome, change in log_of(pages)][1:] == [
        "a recovery code was used"
    ]
    thief = pages.browser("vale")
    assert thief.send(FACTOR, code=codes[3]).status_code == 401


def test_a_cookie_from_before_the_factor_opens_nothing_after_it(pages: Pages) -> None:
    require(pages, "nobody")
    owner, thief = pages.browser("vale"), pages.browser()
    thief.client.cookies.update(owner.client.cookies)
    assert admitted(owner)
    assert admitted(thief)
    require(pages, "everybody")
    assert not admitted(thief)
    assert "Sign in again" in unescape(thief.page)
    owner.sign_in("vale")
    owner.send(FACTOR, code=code_of(pages, secret_of(owner.page)))
    assert admitted(owner)
    assert not admitted(thief)


def test_the_session_of_a_stolen_cookie_ends_when_its_person_sets_up_a_factor_of_their_own(
    pages: Pages,
) -> None:
    require(pages, "nobody")
    owner, thief = pages.browser("vale"), pages.browser()
    thief.client.cookies.update(owner.client.cookies)
    other = pages.browser("vale")
    other.get("/account/factor")
    other.send("/account/factor", code=code_of(pages, secret_of(other.page)), password=PASSWORD)
    assert len(recovery_codes(other.page)) == CODES
    assert admitted(other)
    assert not admitted(thief)
    assert "the code that your authenticator app shows" in pages.browser("vale").page, "though nobody has to"


def test_the_pending_cookie_is_no_session_afterwards(pages: Pages) -> None:
    browser = pages.browser("vale")
    before = browser.client.cookies[cookies.COOKIE]
    browser.send(FACTOR, code=code_of(pages, secret_of(browser.page)))
    assert browser.client.cookies[cookies.COOKIE] != before
    thief = pages.browser()
    thief.client.cookies.set(cookies.COOKIE, before, domain="localhost.local")
    assert not admitted(thief)


def test_a_sign_in_that_waits_ends_with_time_deactivation_and_a_new_password(pages: Pages) -> None:
    _owner, secret, _codes = enrolled(pages, "vale")
    slow = pages.browser("vale")
    pages.clock.forward(minutes=11)
    slow.send(FACTOR, code=code_of(pages, secret))
    assert not admitted(slow)
    reset = pages.browser("vale")
    accounts.invite(proven(pages, "lee"), "vale", pages.clock())
    reset.send(FACTOR, code=code_of(pages, secret))
    assert not admitted(reset)


def test_a_thief_of_the_session_does_not_replace_the_factor(pages: Pages) -> None:
    owner, secret, codes = enrolled(pages, "vale")
    later(pages)
    thief = pages.browser()
    thief.client.cookies.update(owner.client.cookies)
    thief.get("/account/factor")
    mine = secret_of(thief.page)
    for fields in ({}, {"current": code_of(pages, mine)}, {"password": PASSWORD}):
        thief.get("/account/factor")
        thief.send("/account/factor", code=code_of(pages, mine), **fields)
        assert "Confirm with your second factor" in thief.page
    for path in ("/account/factor", "/account/factor/codes"):
        thief.get("/account")
        thief.send(path, code=code_of(pages, mine))
        assert confirm(thief, path, code_of(pages, mine)).status_code == 401
    owner.get("/account/factor")
    owner.send("/account/factor", code=code_of(pages, secret_of(owner.page)))
    confirm(owner, "/account/factor", code_of(pages, secret))
    assert len(recovery_codes(owner.page)) == CODES
    assert not set(recovery_codes(owner.page)) & set(codes)


def test_other_recovery_codes_end_those_before(pages: Pages) -> None:
    owner, secret, codes = enrolled(pages, "vale")
    later(pages)
    owner.get("/account")
    owner.send("/account/factor/codes")
    confirm(owner, "/account/factor/codes", code_of(pages, secret))
    fresh = recovery_codes(owner.page)
    assert len(fresh) == CODES
    assert pages.browser("vale").send(FACTOR, code=codes[0]).status_code == 401
    new = pages.browser("vale")
    new.send(FACTOR, code=fresh[0])
    assert admitted(new)


def test_an_administrator_who_redeems_a_code_themselves_lacks_the_factor(pages: Pages) -> None:
    enrolled(pages, "vale")
    text, _code = accounts.invite(proven(pages, "lee"), "vale", pages.clock())
    thief = pages.browser()
    thief.client.post("/redeem", data={"who": "vale", "code": text, "password": PASSWORD, "again": PASSWORD})
    thief.sign_in("vale")
    assert "the code that your authenticator app shows" in thief.page
    assert not admitted(thief)


def test_a_lost_phone_is_removed_by_a_reset_that_is_on_record_and_told_to_the_person(pages: Pages) -> None:
    owner, _secret, _codes = enrolled(pages, "vale")
    lee, _lees, _codes = enrolled(pages, "lee")
    lee.get("/administration/people/vale")
    assert "Remove the second factor, too" in lee.page
    lee.send("/administration/people/code", id="vale", factor="yes")
    (text,) = re.findall(r"(?:[0-9a-f]{4}-){7}[0-9a-f]{4}", lee.page)[:1]
    assert not admitted(owner)
    assert ("lee", "allowed", "no second factor any more") in log_of(pages, "registry_account")
    owner.client.post("/redeem", data={"who": "vale", "code": text, "password": PASSWORD, "again": PASSWORD})
    owner.sign_in("vale")
    owner.send(FACTOR, code=code_of(pages, secret_of(owner.page)))
    assert admitted(owner)
    assert "the second factor was removed" in owner.get("/account").text


def test_nobody_else_is_shown_the_secret_and_only_the_service_account_can_read_it(pages: Pages) -> None:
    _owner, secret, codes = enrolled(pages, "vale")
    lee, _secret, _codes = enrolled(pages, "lee")
    lee.get("/administration/people/vale")
    assert "<dt>Second factor</dt><dd>yes</dd>" in lee.page
    file = pages.data / "accounts" / "factors.json"
    assert file.stat().st_mode & 0o077 == 0
    assert all(one not in file.read_text() for one in codes)
    table = pages.database.rows("SELECT * FROM platestream.inquiry_log")
    state = "".join(map(repr, pages.console.shared._database.iterdump()))
    assert "vale" in state
    for shown in (lee.page, repr(table), state):
        assert secret not in shown
        assert all(one not in shown for one in codes)


def test_a_factor_of_before_a_reset_or_of_anothers_making_that_is_put_into_the_file_is_found(
    pages: Pages,
) -> None:
    _owner, _secret, _codes = enrolled(pages, "vale")
    file = pages.data / "accounts" / "factors.json"
    before = file.read_bytes()
    assert found_by_check(pages) == []
    accounts.invite(proven(pages, "lee"), "vale", pages.clock(), factor=True)
    file.write_bytes(before)
    assert found_by_check(pages) != []
    invented = StoredFactor(Factor(pyotp.random_base32(), pages.clock(), ()))
    file.write_bytes(msgspec.json.encode({"ana": invented}))
    assert found_by_check(pages) != []


def found_by_check(pages: Pages) -> list[str]:
    """Kinds of stored items that no act on record stored; passwords of `staff` are none."""
    door = door_of(pages.database, "lee", data=pages.data)
    (result,) = run(CheckData.of(door, datetime.now(UTC)), [one for one in CHECKS if one.name == "sign_ins"])
    return [one for one in result.faults if "second factor" in one]


def test_only_the_roles_of_the_rule_have_to_and_a_role_that_is_added_counts(pages: Pages) -> None:
    require(pages, ("administrator",))  # type: ignore[arg-type]
    assert admitted(browser := pages.browser("vale"))
    assert not admitted(pages.browser("lee"))
    pages.put(person("vale"))
    pages.clock.forward(seconds=3)
    assert not admitted(browser)


def test_rules_of_an_earlier_release_require_nothing_and_contradict_no_profile(pages: Pages) -> None:
    profile = load("st-johns")
    assert profile.sign_in.requires_second_factor(["officer"])
    old = msgspec.structs.replace(profile, sign_in=type(profile.sign_in)())
    text = msgspec.json.decode(AgencyRules(name="st-johns", profile=old).text)
    del text["profile"]["sign_in"]
    rules = AgencyRules.parse(msgspec.json.encode(text).decode())
    assert not rules.profile.sign_in.requires_second_factor(["officer"])
    check(Settings(profile="st-johns"), rules)


def test_a_changed_rule_is_an_act_that_names_it(pages: Pages) -> None:
    rules = in_force(pages.database.client())
    assert rules.profile.sign_in.second_factor == "everybody"
    assert [change for _who, _outcome, change in log_of(pages, "rules")] == [
        "sign_in.second_factor: nobody -> everybody"
    ]
    assert gate_rules.in_force(pages.database.client()) == rules.gate


def test_a_provider_that_vouches_for_one_factor_does_not_replace_the_second(pages: Pages) -> None:
    _owner, _secret, _codes = enrolled(pages, "vale")
    token, session = pages.console.sessions.begin("vale", pages.clock())
    assert session.password is None
    browser = pages.browser()
    browser.client.cookies.set(cookies.COOKIE, token, domain="localhost.local")
    assert not admitted(browser)


def test_a_factor_counts_once_however_many_ask_at_once(pages: Pages) -> None:
    from concurrent.futures import ThreadPoolExecutor

    _owner, secret, codes = enrolled(pages, "vale")
    later(pages)
    stored, now = second_factor.factors(pages.settings), pages.clock()
    code = code_of(pages, secret)
    with ThreadPoolExecutor(8) as pool:
        used = list(pool.map(lambda _one: stored.use_code("vale", code, now), range(8)))
        recovered = list(pool.map(lambda _one: stored.use_recovery_code("vale", codes[0]), range(8)))
    assert (sum(used), sum(recovered)) == (1, 1)
    assert not stored.use_code("vale", code, now + timedelta(seconds=STEP_S))
