"""A thief of an open session: what cannot be undone asks for the second factor again."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from platestream.access import accounts, profiles, registry, rules_in_force, tokens
from platestream.access.door import UnconfirmedError
from platestream.access.inquire import RefusedInquiry
from platestream.access.registry import records_of
from platestream.policy.checks.context import CheckData
from platestream.policy.service import Result, run
from platestream.policy.table import CHECKS
from platestream.runtime.login_attempts import FREE
from platestream.schemas.acts import BY_NAME, CONFIRMED
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.sign_in_event import ACT, SignInEvent
from platestream.web import cookies
from platestream.web.app import app
from platestream.web.confirm import CONFIRMED_FOR
from tests.support.console import PASSWORD, Pages, Person
from tests.support.database import Database
from tests.support.door import door_of, person, shift
from tests.support.factors import age, code_of, confirm, enrolled, give, later, require
from tests.support.hits import put_hit
from tests.support.office import csv, line

ROE = {
    "new": "yes",
    "id": "roe",
    "title": "Det. Roe",
    "agency": "sjpd",
    "employee_number": "77",
    "trained": "2026-11-01",
    "approved_by": "Chief",
}


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    made = Pages(database, tmp_path / "data")
    made.staff(person("lee", "administrator"), person("kim", "administrator"), person("vale", "officer"))
    require(made, "everybody")
    return made


def registered(pages: Pages) -> set[str]:
    return set(records_of(pages.streams, "user"))


def acts(pages: Pages, kind: str) -> list[tuple[Any, ...]]:
    sql = f"SELECT who, outcome FROM platestream.inquiry_log WHERE kind = '{kind}'"
    return list(pages.database.rows(sql))


def idle(pages: Pages) -> None:
    pages.clock.forward(seconds=CONFIRMED_FOR.total_seconds())


def send_roe(browser: Person) -> Any:
    browser.get("/administration/people")
    return browser.send("/administration/people", role=["officer", "auditor"], **ROE)


def test_a_form_waits_for_the_factor_and_is_then_carried_out_as_it_was_typed(pages: Pages) -> None:
    lee, secret, _codes = enrolled(pages, "lee")
    idle(pages)
    assert send_roe(lee).status_code == 403
    assert "Nothing was done yet" in lee.page
    assert "roe" not in registered(pages)
    assert acts(pages, "registry_user") == []
    confirm(lee, "/administration/people", code_of(pages, secret))
    assert "Det. Roe" in lee.page
    assert records_of(pages.streams, "user")["roe"].roles == ("officer", "auditor")
    assert acts(pages, "registry_user") == [("lee", "allowed")]
    lee.get("/administration/people/roe")
    lee.send("/administration/people/end", id="roe", confirmed="yes")
    assert "Confirm with your second factor" not in lee.page, "it was given a moment ago"


def test_a_factor_that_was_just_given_is_not_asked_for_again(pages: Pages) -> None:
    lee, _secret, _codes = enrolled(pages, "lee")
    send_roe(lee)
    assert "roe" in registered(pages)


def test_a_thief_of_the_session_does_nothing_with_it_and_guesses_are_limited(pages: Pages) -> None:
    lee, secret, _codes = enrolled(pages, "lee")
    thief = pages.browser()
    thief.client.cookies.update(lee.client.cookies)
    spent = code_of(pages, secret)
    idle(pages)
    send_roe(thief)
    answers = [
        confirm(thief, "/administration/people", one).status_code for one in (spent, *["000000"] * FREE)
    ]
    assert answers[0] == 401
    assert answers[-1] == 429
    assert "roe" not in registered(pages)
    assert acts(pages, "registry_user") == []


def test_a_confirmation_is_for_its_form_its_address_and_its_session_and_for_minutes(pages: Pages) -> None:
    lee, secret, _codes = enrolled(pages, "lee")
    kim, others, _codes = enrolled(pages, "kim")
    idle(pages)
    send_roe(lee)
    (held,) = re.findall(r'name="confirmed_form" value="([^"]+)"', lee.page)
    kim.get("/account")
    stolen = kim.send("/administration/people", confirmed_form=held, code=code_of(pages, others))
    assert stolen.status_code == 409
    elsewhere = lee.send("/administration/people/end", confirmed_form=held, code=code_of(pages, secret))
    assert elsewhere.status_code == 409
    pages.clock.forward(minutes=11)
    lee.get("/account")
    late = lee.send("/administration/people", confirmed_form=held, code=code_of(pages, secret))
    assert late.status_code == 409
    assert "roe" not in registered(pages)


def test_a_code_of_the_sign_in_confirms_nothing(pages: Pages) -> None:
    browser, secret, _codes = enrolled(pages, "lee")
    later(pages)
    code = code_of(pages, secret)
    browser.sign_in("lee")
    browser.send("/sign-in/factor", code=code)
    session = pages.console.session(browser.client.cookies[cookies.COOKIE])
    assert session is not None
    session.change(proved_at=None)
    send_roe(browser)
    assert confirm(browser, "/administration/people", code).status_code == 401


def test_a_disposition_asks_and_the_steps_before_it_do_not(pages: Pages) -> None:
    vale, secret, _codes = enrolled(pages, "vale")
    pages.put(shift("vale"))
    hit = put_hit(pages.database, 1)
    idle(pages)
    vale.get(f"/hits/{hit}")
    vale.send(f"/hits/{hit}/steps", kind="plate_and_state_confirmed")
    assert "Confirm with your second factor" not in vale.page
    vale.send(f"/hits/{hit}/steps", kind="confirmed_current", checked_with="ncic")
    vale.send(f"/hits/{hit}/steps", kind="no_action", note="out of town", case_number="26-001234")
    assert "Confirm with your second factor" in vale.page
    assert acts(pages, "hit_dispose") == []
    confirm(vale, f"/hits/{hit}/steps", code_of(pages, secret))
    assert acts(pages, "hit_dispose") == [("vale", "allowed")]


def test_where_nobody_needs_a_factor_nobody_is_asked(pages: Pages) -> None:
    require(pages, "nobody")
    lee = pages.browser("lee")
    idle(pages)
    send_roe(lee)
    assert "roe" in registered(pages)


@pytest.mark.parametrize("act", CONFIRMED)
def test_each_such_act_is_stopped_at_the_door_before_it_is_logged(pages: Pages, act: str) -> None:
    assert BY_NAME[act].has_effect
    door = replace(door_of(pages.database, "lee", data=pages.data), to_confirm=frozenset(CONFIRMED))
    with pytest.raises(UnconfirmedError):
        door.enter(act, "x")
    with pytest.raises(UnconfirmedError):
        door.enter_several(act, [("x", "y")])
    assert acts(pages, act) == [one for one in acts(pages, act) if act == "rules"]


def dispose_by_token(pages: Pages) -> Any:
    pages.put(shift("vale"))
    hit = put_hit(pages.database, 1)
    _token, text = tokens.stored_tokens(pages.settings).make(
        "vale", "CAD", tokens.PARTS, pages.clock() + timedelta(days=9)
    )
    client = TestClient(app(pages.console), "https://localhost")
    client.headers["Authorization"] = f"Bearer {text}"
    path, case = f"/api/hits/{hit}/steps", {"case_number": "26-001234"}
    assert client.post(path, json={"kind": "plate_and_state_confirmed"}).status_code == 201
    client.post(path, json={"kind": "confirmed_current", "checked_with": "ncic"})
    return client.post(path, json={"kind": "action_taken", "result": "arrest", "actionable": True, **case})


def test_a_token_does_no_such_act_in_place_of_its_person(pages: Pages) -> None:
    refused = dispose_by_token(pages)
    assert refused.status_code == 403
    assert "second factor of a person" in refused.json()["detail"]
    assert acts(pages, "hit_dispose") == []


def test_a_token_does_what_the_rule_lets_programs_do(pages: Pages, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    order = (Path(profiles.__file__).parent / "st-johns.toml").read_text()
    own.write_text(order.replace("[sign_in]\n", '[sign_in]\nprograms = ["hit_dispose"]\n'))
    lee = door_of(pages.database, "lee", data=pages.data)
    give(lee)
    rules_in_force.put_in_force(lee, str(own), "Chief of Police")
    pages.console.forget()
    assert dispose_by_token(pages).status_code == 201
    assert acts(pages, "hit_dispose") == [("vale", "allowed")]


def test_a_list_that_waits_is_imported_with_the_file_that_was_previewed(pages: Pages) -> None:
    lee, secret, _codes = enrolled(pages, "lee")
    registry.designate(
        door_of(pages.database, "lee", data=pages.data),
        RegistryRecord(kind="hotlist_source", id="sjpd", name="SJPD", approved_by="Chief"),
        pages.clock(),
    )
    lee.get("/hotlist/import")
    (csrf, *_same) = re.findall(r'name="csrf" value="([^"]+)"', lee.page)
    content = csv(line("26-1", 20))
    answer = lee.client.post(
        "/hotlist/import",
        data={"csrf": csrf, "source": "sjpd", "layout": "csv", "columns": "", "delimiter": ","},
        files={"file": ("list.csv", content)},
    )
    lee.page = answer.text
    (upload,) = re.findall(r'name="upload" value="([^"]+)"', lee.page)
    idle(pages)
    lee.send("/hotlist/import/sure", upload=upload)
    assert "Confirm with your second factor" in lee.page
    assert acts(pages, "hotlist_import") == []
    confirm(lee, "/hotlist/import/sure", code_of(pages, secret))
    assert acts(pages, "hotlist_import") == [("lee", "allowed")]


def checked(pages: Pages) -> Result:
    door = door_of(pages.database, "vale", data=pages.data)
    live = replace(CheckData.of(door, datetime.now(UTC)), names=True)
    (result,) = run(live, [one for one in CHECKS if one.name == "confirmed"])
    return result


def test_what_was_confirmed_in_the_console_has_its_proof_in_the_log(pages: Pages) -> None:
    lee, secret, _codes = enrolled(pages, "lee")
    send_roe(lee)
    assert (checked(pages).outcome, checked(pages).figure) == ("held", "1 act that needed the second factor")
    age(pages)
    idle(pages)
    lee.get("/administration/people")
    poe = ROE | {"id": "poe", "title": "Det. Poe", "employee_number": "78"}
    lee.send("/administration/people", role=["officer"], **poe)
    confirm(lee, "/administration/people", code_of(pages, secret))
    assert len(acts(pages, "registry_user")) == 2
    assert checked(pages).outcome == "held"
    given = "SELECT who, set_off_by FROM platestream.inquiry_log WHERE factor_given ORDER BY at"
    assert pages.database.rows(given) == [("console", "lee")] * 2


TOOLS = ("console", "api/CAD", "a tool that does not ask", "platestream registry user")


@pytest.mark.parametrize("tool", TOOLS)
def test_the_database_refuses_a_program_that_does_not_ask(pages: Pages, tool: str) -> None:
    enrolled(pages, "lee")
    age(pages)
    door = replace(door_of(pages.database, "lee", data=pages.data), tool=tool)
    for act, about in (("registry_user", "user/roe"), ("rules", "nj"), ("registry_recovery_code", "code")):
        with pytest.raises(RefusedInquiry, match="your second factor is needed"):
            door.enter(act, about, change="without it")
        assert ("lee", "refused") in acts(pages, act)
    assert checked(pages).faults == ()
    give(door_of(pages.database, "kim", data=pages.data))
    with pytest.raises(RefusedInquiry, match="your second factor is needed"):
        door.enter("registry_user", "user/roe", change="with a colleague's")
    give(door)
    door.enter("registry_user", "user/roe", change="an officer")
    assert checked(pages).outcome == "held"


@pytest.mark.parametrize("act", sorted(CONFIRMED))
def test_each_such_act_is_refused_without_the_factor(pages: Pages, act: str) -> None:
    everybody = person("all")
    pages.put(everybody)
    pages.put(shift("all"))
    door = replace(door_of(pages.database, "all", data=pages.data), tool="platestream sql")
    with pytest.raises(RefusedInquiry, match="your second factor is needed"):
        door.enter(act, "x", effect="a" * 64, case_number="26-001234", reason="stolen vehicle of a neighbor")


def test_a_name_that_begins_alike_lends_nobody_its_factor(pages: Pages) -> None:
    """The subject of an act is cut off after 64 characters, and the two names differ only beyond that."""
    alike = ["x" * 62 + end for end in ("one", "two")]
    pages.put(person(alike[0][:64], "administrator"), person(alike[1][:63], "administrator"))
    one, two = (door_of(pages.database, who, data=pages.data) for who in (alike[0][:64], alike[1][:63]))
    give(one)
    with pytest.raises(RefusedInquiry, match="your second factor is needed"):
        two.enter("registry_user", "user/roe", change="with another's")
    one.enter("registry_user", "user/roe", change="an officer")
    assert checked(pages).faults == ()


def test_a_feed_that_imports_by_itself_is_registered_with_the_factor(pages: Pages) -> None:
    """Else its place and key would let a list in without one."""
    feed = RegistryRecord(
        kind="hotlist_source", id="mine", name="Mine", feed_place="/tmp/x", feed_layout="csv"
    )
    lee = door_of(pages.database, "lee", data=pages.data)
    with pytest.raises(RefusedInquiry, match="your second factor is needed"):
        registry.designate(lee, feed, pages.clock())
    give(lee)
    registry.designate(lee, feed, pages.clock())


def test_an_own_password_is_set_before_there_is_a_factor_and_opens_nothing_alone(pages: Pages) -> None:
    enrolled(pages, "lee")
    age(pages)
    door = replace(door_of(pages.database, "lee", data=pages.data), tool="platestream account set")
    with pytest.raises(RefusedInquiry, match="your second factor is needed"):
        accounts.set_own(door, f"{PASSWORD} of a thief", pages.clock(), "in a test", factor=True)
    accounts.set_own(door, f"{PASSWORD} of a thief", pages.clock(), "in a test")
    with pytest.raises(RefusedInquiry, match="your second factor is needed"):
        accounts.invite(door, "vale", pages.clock())
    thief = pages.browser()
    thief.sign_in("lee", f"{PASSWORD} of a thief")
    assert "the code that your authenticator app shows" in thief.page
    assert checked(pages).faults == ()


def test_sql_on_the_gate_s_own_table_is_judged_alike(pages: Pages) -> None:
    enrolled(pages, "lee")
    age(pages)
    put = "INSERT INTO platestream.inquire (inquiry_id, on_behalf_of, tool, kind, other) VALUES"
    pages.database.client().command(f"{put} (generateUUIDv4(), 'lee', 'sql', 'registry_user', 'user/roe')")
    assert acts(pages, "registry_user") == [("lee", "refused")]


@pytest.mark.parametrize("tool", TOOLS)
def test_an_act_that_a_changed_gate_let_through_is_found(pages: Pages, tool: str) -> None:
    enrolled(pages, "lee")
    age(pages)
    put = "INSERT INTO platestream.inquiry_log (entry, inquiry_id, at, who, tool, kind, outcome) VALUES"
    pages.database.client().command(
        f"{put} (generateUUIDv4(), generateUUIDv4(), now64(6), 'lee', '{tool}', 'registry_user', 'allowed')"
    )
    found = checked(pages)
    assert found.outcome == "not_held"
    assert found.faults == ("1 act without it, by: lee",)


def test_a_list_is_imported_by_a_command_without_the_factor_only_where_the_rules_say_so(
    pages: Pages, tmp_path: Path
) -> None:
    lee = replace(door_of(pages.database, "lee", data=pages.data), tool="platestream hotlist import")
    with pytest.raises(RefusedInquiry, match="your second factor is needed"):
        lee.enter("hotlist_import", "sjpd: import", effect="a" * 64)
    own = tmp_path / "own.toml"
    order = (Path(profiles.__file__).parent / "st-johns.toml").read_text()
    own.write_text(order.replace("[sign_in]\n", '[sign_in]\nprograms = ["hotlist_import"]\n'))
    give(lee)
    rules_in_force.put_in_force(lee, str(own), "Chief of Police")
    age(pages)
    lee.enter("hotlist_import", "sjpd: import", effect="a" * 64)
    assert checked(pages).faults == ()
    with pytest.raises(RefusedInquiry, match="your second factor is needed"):
        replace(lee, tool="console").enter("hotlist_import", "sjpd: import", effect="a" * 64)


def test_a_wrong_code_is_no_proof(pages: Pages) -> None:
    lee, _secret, _codes = enrolled(pages, "lee")
    age(pages)
    idle(pages)
    send_roe(lee)
    assert confirm(lee, "/administration/people", "000000").status_code == 401
    pages.console.sign_in_log.write(everything=True)
    door = replace(door_of(pages.database, "lee", data=pages.data), tool="console")
    with pytest.raises(RefusedInquiry, match="your second factor is needed"):
        door.enter("registry_user", "user/roe", change="an officer")


def test_nobody_but_the_console_logs_that_a_factor_was_given(pages: Pages) -> None:
    enrolled(pages, "lee")
    event = SignInEvent(kind="confirmed", at=datetime.now(UTC), who="lee", factor="authenticator app")
    with pytest.raises(RefusedInquiry):
        door_of(pages.database, "lee", data=pages.data).enter(ACT, event.about, change=event.text)


def test_the_rule_is_not_lifted_without_the_factor(pages: Pages) -> None:
    enrolled(pages, "lee")
    age(pages)
    door = door_of(pages.database, "lee", data=pages.data)
    with pytest.raises(RefusedInquiry, match="your second factor is needed"):
        rules_in_force.change(door, rules_in_force.Change(second_factor="nobody"), "Chief")
    require(pages, "nobody")
    age(pages)
    door.enter("registry_user", "user/roe", change="an officer")
    assert checked(pages).faults == ()
