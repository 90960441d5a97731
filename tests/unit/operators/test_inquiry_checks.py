from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platestream.access.profiles import load
from platestream.operators.inquiry_checks.logic import (
    ALL_BUCKETS,
    BUCKETS,
    Event,
    InquiryChecks,
    bucket,
    spread_to_buckets,
)
from platestream.operators.inquiry_checks.order import ASKS, RULES, CheckRules, check_order
from platestream.operators.people import People
from platestream.schemas.acts import ACTS, ROLES, Act
from platestream.schemas.finding import Finding
from platestream.schemas.gate_rules import GATE_RULES, RulesInForce, of_profile
from platestream.schemas.inquiry import Inquiry, SealedInquiry, seal_hash
from platestream.schemas.message import EndOfSnapshot
from platestream.schemas.registry import RegistryRecord
from tests.support.flows import ACTION, INQUIRY

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LOADED = EndOfSnapshot("registry", 0, 1)
RULED = RulesInForce(AT - 1000 * DAY, of_profile("st-johns", load("st-johns")))
RULES_READ = EndOfSnapshot(GATE_RULES, 0, 1)
READY = (RULED, RULES_READ, LOADED)


def inquiry(number: int = 0, at: datetime = AT, **more: Any) -> Inquiry:
    fields = {"who": "smith", "kind": "search", "reason": "stolen vehicle", **more}
    return msgspec.structs.replace(INQUIRY, inquiry_id=UUID(int=number), at=at, **fields)


def sealed(one: Inquiry, seal: int = 1) -> SealedInquiry:
    return SealedInquiry(seal=seal, previous="0" * 64, hash=seal_hash("0" * 64, one), inquiry=one)


def user(**more: Any) -> RegistryRecord:
    fields = {"id": "smith", "trained_at": AT - DAY, "agency": "sjpd", **more}
    return RegistryRecord(kind="user", name="Smith", **fields)


def agency(name: str = "sjpd", **more: Any) -> RegistryRecord:
    return RegistryRecord(kind="agency", id=name, name=name, **more)


def checks(now: datetime = AT, resume: bytes | None = None, rules: CheckRules = RULES) -> InquiryChecks:
    return InquiryChecks(resume, lambda: now, rules)


def findings(step: InquiryChecks, *events: Event) -> list[str]:
    """The rules of what is found, in order."""
    out, _discard = step.on_batch(list(events))
    return [one.rule for one in out if isinstance(one, Finding)]


def days(count: int, hour: int = 10, looks: int = 5) -> Iterable[SealedInquiry]:
    """`count` days before AT with some looks each at an hour."""
    for day in range(count, 0, -1):
        at = AT.replace(hour=hour) - day * DAY
        for number in range(looks):
            yield sealed(inquiry(day * 1000 + number, at + timedelta(minutes=number)))


@pytest.mark.parametrize(
    ("asked", "records", "rule"),
    [
        ({"reason": " .", "case_number": ""}, [], "documented"),
        ({"reason": "asdfgh", "case_number": ""}, [], "documented"),
        ({"reason": "police investigation", "case_number": "none"}, [], "documented"),
        ({"kind": "evidence_keep", "case_number": "none"}, [], "documented"),
        ({"kind": "password"}, [], "unknown_act"),
        ({"kind": "hit_verify", "automatic": True}, [], "automatic"),
        ({"kind": "evidence_purge"}, [], "roles"),
        ({"kind": "registry_camera"}, [user(), agency(own=True)], "roles"),
        ({"kind": "retention", "reason": ""}, [user(), agency(own=True)], "roles"),
        ({"kind": "hotlist_add"}, [user(), agency(mou_from=AT - DAY)], "agency"),
        ({"kind": "shift_login", "who": "jones"}, [user(), agency(own=True)], "registered"),
        ({"kind": "export", "who": "jones"}, [user(), agency(own=True)], "registered"),
        ({"kind": "evidence"}, [user(trained_at=None), agency(own=True)], "trained"),
        ({"reason": "Personal use"}, [], "purpose"),
        ({"requester": "Acme Insurance"}, [], "legal_basis"),
        ({"who": "jones"}, [user(), agency(own=True)], "registered"),
        ({}, [user(active=False), agency(own=True)], "registered"),
        ({}, [user(trained_at=None), agency(own=True)], "trained"),
        ({}, [user(trained_at=AT + DAY), agency(own=True)], "trained"),
        ({}, [user(trained_at=AT - 366 * DAY), agency(own=True)], "trained"),
        ({}, [user()], "agency"),
        ({}, [user(), agency(own=True, active=False)], "agency"),
        ({}, [user(), agency()], "agency"),
        ({}, [user(), agency(mou_from=AT + DAY)], "agency"),
        ({}, [user(), agency(mou_from=AT - DAY, mou_until=AT)], "agency"),
        ({}, [user(), agency(mou_from=AT - DAY, shares_cameras=("north",))], "shared"),
        ({"cameras": ("south",)}, [user(), agency(mou_from=AT - DAY, shares_cameras=("north",))], "shared"),
        ({"kind": "hits"}, [user(), agency(mou_from=AT - DAY, shares_kinds=("search",))], "shared"),
        ({}, [user(), agency(mou_from=AT - DAY, law_enforcement=False)], "legal_basis"),
    ],
)
def test_an_inquiry_that_the_gate_should_have_refused_is_a_breach(
    asked: dict[str, Any], records: list[RegistryRecord], rule: str
) -> None:
    registered = People()
    for record in records:
        registered.put(record)
    (found,) = check_order(inquiry(**asked), registered, RULES)
    assert (found.rule, found.grade) == (rule, "breach")
    assert list(check_order(inquiry(outcome="refused", **asked), registered, RULES)) == []


def test_a_documented_inquiry_of_a_trained_user_of_an_agency_with_an_mou_is_no_finding() -> None:
    shares = agency(mou_from=AT - DAY, mou_until=AT + DAY, shares_cameras=("north", "south"))
    records = [user(), shares]
    assert findings(checks(), *records, *READY, sealed(inquiry(cameras=("north",)))) == []


def test_nobody_changes_their_own_roles_or_training() -> None:
    chief = user(role="administrator")
    own = sealed(inquiry(kind="registry_user", other="user/smith"))
    another = sealed(inquiry(1, kind="registry_user", other="user/jones"))
    assert findings(checks(), chief, agency(own=True), *READY, own, another) == ["roles"]


def test_until_there_is_an_administrator_whoever_was_not_ended_registers_people_and_agencies() -> None:
    first = sealed(inquiry(kind="registry_user", who="founder", other="user/chief"))
    ended = sealed(inquiry(1, kind="registry_agency", who="smith", other="agency/sjpd"))
    chief = user(id="chief", role="administrator", changed_at=AT + DAY)
    later = sealed(inquiry(2, AT + 2 * DAY, kind="registry_user", who="founder", other="user/new"))
    records = [user(active=False), chief, agency(own=True)]
    assert findings(checks(), *records, *READY, first) == []
    assert findings(checks(), *records, *READY, ended) == ["registered"]
    assert findings(checks(), *records, *READY, later) == ["registered"]


def test_roles_that_were_given_after_the_act_say_nothing_of_it() -> None:
    demoted = user(role="auditor", changed_at=AT + DAY)
    assert findings(checks(), demoted, agency(own=True), *READY, sealed(inquiry())) == []
    assert findings(checks(), demoted, agency(own=True), *READY, sealed(inquiry(at=AT + 2 * DAY))) == [
        "roles"
    ]


def test_rows_from_before_the_table_of_acts_are_still_understood() -> None:
    kinds = ("hotlist", "export", "evidence", "audit", "retention")
    rows = [sealed(inquiry(n, kind=kind)) for n, kind in enumerate(kinds[:4])]
    job = sealed(inquiry(9, kind="retention", who="retention job", reason="Data past the period are deleted"))
    assert findings(checks(), user(role="detective"), agency(own=True), *READY, *rows, job) == []


def test_where_the_registry_always_holds_it_holds_before_anybody_is_registered() -> None:
    strict = RulesInForce(AT - DAY, replace(RULED.rules, always_registry=True))
    assert findings(checks(), strict, RULES_READ, LOADED, sealed(inquiry())) == ["registered"]


def test_what_the_machine_does_by_itself_is_nobodys_habit_and_no_inquiry_of_a_person() -> None:
    step = checks(now=AT + 8 * DAY, rules=replace(RULES, busy_day=3))
    asked = [sealed(inquiry(n, who="look-back", automatic=True, set_off_by="smith")) for n in range(20)]
    refused = [sealed(inquiry(50 + n, who="look-back", automatic=True, outcome="refused")) for n in range(20)]
    assert findings(step, *READY, *asked, *refused) == []
    assert step.snapshot() == checks().snapshot(), "nobody to remember"
    assert list(step.on_notify()[0]) == []
    assert findings(step, *(sealed(inquiry(n)) for n in range(20))) == ["volume"]


def test_without_any_user_in_the_registry_nobody_asks_who_may_look() -> None:
    assert findings(checks(), agency(), *READY, sealed(inquiry())) == []


def test_purposes_are_checked_where_an_agency_lists_them() -> None:
    step = checks()
    strict = RulesInForce(AT, replace(RULED.rules, purposes=("criminal investigation",), prohibited=()))
    before, after = inquiry(at=AT - DAY), inquiry(at=AT + DAY)
    result = msgspec.structs.replace(after, purpose="criminal investigation", reason="personal use of it")
    assert findings(step, *READY, strict, sealed(before), sealed(after), sealed(result)) == ["purpose"]
    again = checks(resume=step.snapshot())
    assert findings(again, LOADED, sealed(after), sealed(before), strict) == [], "they wait for the rules"
    assert findings(again, RULES_READ) == ["purpose", "purpose"], "the oldest rules hold before them, too"


def test_an_inquiry_that_waited_is_checked_by_the_newest_rules_it_was_made_under() -> None:
    lax = RulesInForce(AT - 2 * DAY, replace(RULED.rules, purposes=()))
    strict = RulesInForce(AT, replace(RULED.rules, purposes=("criminal investigation",)))
    waiting = sealed(inquiry(at=AT + DAY))
    assert findings(checks(), LOADED, waiting, lax, strict, RULES_READ) == ["purpose"]


def test_what_led_somewhere_while_it_waited_for_the_registry_did_not_lead_nowhere() -> None:
    step = checks(now=AT + 8 * DAY)
    acted = msgspec.structs.replace(ACTION, by="smith", at=AT + timedelta(minutes=5))
    findings(step, sealed(inquiry(pattern="ABC1234")), acted, *READY)
    assert list(step.on_notify()[0]) == []
    step = checks(now=AT + 8 * DAY)
    findings(step, sealed(inquiry(pattern="ABC1234")), *READY)
    assert [one.rule for one in step.on_notify()[0] if isinstance(one, Finding)] != []


@pytest.mark.parametrize(
    ("name", "fields", "rule"),
    [
        ("virginia", {"state": "VA"}, []),
        ("virginia", {"state": "MD"}, ["agency"]),
        ("virginia", {}, ["agency"]),
        ("new-jersey", {"declared_at": AT - DAY}, []),
        ("new-jersey", {"declared_at": AT + DAY}, ["agency"]),
        ("new-jersey", {}, ["agency"]),
    ],
)
def test_what_a_profile_demands_of_other_agencies_is_checked(
    name: str, fields: dict[str, Any], rule: list[str]
) -> None:
    ruled = RulesInForce(AT - DAY, of_profile(name, load(name)))
    asked = sealed(inquiry(purpose="missing or endangered person"))
    records = (user(), agency(mou_from=AT - DAY, **fields))
    assert findings(checks(), ruled, RULES_READ, *records, LOADED, asked) == rule


def test_inquiries_wait_for_the_registry_also_across_a_restart() -> None:
    step = checks()
    assert findings(step, sealed(inquiry())) == []
    again = checks(resume=step.snapshot())
    assert findings(again, user(trained_at=None), agency(own=True), *READY) == ["trained"]


def test_an_older_record_that_comes_later_does_not_stand() -> None:
    step = checks()
    gone = user(active=False, changed_at=AT)
    assert findings(step, gone, user(changed_at=AT - DAY), *READY, sealed(inquiry())) == ["registered"]


def test_an_hour_that_nobody_knows_of_a_person_is_unusual_once_a_day() -> None:
    step = checks()
    assert findings(step, *READY, *days(6)) == []
    night = [sealed(inquiry(n, AT.replace(hour=2, minute=n))) for n in (1, 2)]
    assert findings(step, *night) == ["hours"]
    assert findings(step, sealed(inquiry(3, AT.replace(hour=12)))) == []


def test_an_hour_near_midnight_is_near_on_both_sides() -> None:
    step = checks()
    assert findings(step, *READY, *days(6, hour=23), sealed(inquiry(1, AT.replace(hour=1)))) == []


def test_three_times_the_usual_day_is_unusual_and_a_new_person_has_a_busy_day() -> None:
    step = checks()
    findings(step, *READY, *days(6, looks=8))
    today = [sealed(inquiry(n, AT + timedelta(minutes=n))) for n in range(25)]
    assert findings(step, *today[:24]) == []
    assert findings(step, *today[24:]) == ["volume"]
    many = [sealed(inquiry(n, AT + timedelta(seconds=n), who="new")) for n in range(102)]
    assert findings(step, *many[:100]) == []
    assert findings(step, *many[100:]) == ["volume"]


def test_the_first_search_of_everything_and_the_first_refusal_at_the_limit_are_found_at_once() -> None:
    for pattern in ("*", "", "A*", "*?A?*"):
        asked = inquiry(pattern=pattern, cameras=())
        step = checks()
        assert findings(step, *READY, sealed(asked)) == ["volume"]
        assert findings(step, sealed(msgspec.structs.replace(asked, inquiry_id=UUID(int=1)))) == []
    for pattern, cameras in (("AB*", ()), ("*", ("cam",))):
        assert findings(checks(), *READY, sealed(inquiry(pattern=pattern, cameras=cameras))) == []
    elsewhere = inquiry(kind="partner_search", pattern="*", cameras=())
    assert findings(checks(), *READY, sealed(elsewhere)) == ["volume"]
    for vehicles, found in ((1000, []), (1001, ["volume"])):
        asked = inquiry(pattern="AB*", cameras=("cam",), vehicles=vehicles)
        assert findings(checks(), *READY, sealed(asked)) == found
    beyond = "as many vehicles as one person, or all of one other agency, are shown in 24 hours: ask"
    assert findings(checks(), *READY, sealed(inquiry(outcome="refused", refusal=beyond))) == ["volume"]


def test_refused_attempts_that_pile_up_are_found() -> None:
    refused = [sealed(inquiry(n, outcome="refused")) for n in range(7)]
    assert findings(checks(), *READY, *refused) == ["refusals"]


def test_a_look_that_led_to_nothing_in_7_days_is_noted_and_one_that_was_followed_is_not() -> None:
    step = checks(now=AT + 8 * DAY)
    people = ("idle", "exporter", "officer")
    looks = [sealed(inquiry(n, who=who)) for n, who in enumerate(people)]
    export = sealed(inquiry(9, AT + DAY, who="exporter", kind="export"))
    step_on_hit = msgspec.structs.replace(ACTION, by="Officer", at=AT + DAY)
    findings(step, *READY, *looks, export, step_on_hit)
    out, _discard = step.on_notify()
    assert [(one.rule, one.grade, one.who) for one in out if isinstance(one, Finding)] == [
        ("no_action", "note", "idle")
    ]
    assert list(step.on_notify()[0]) == []


def test_people_of_whom_nothing_was_seen_for_30_days_are_forgotten() -> None:
    step = checks(now=AT + 31 * DAY)
    findings(step, *READY, *(sealed(inquiry(n, who=f"user{n}")) for n in range(50)))
    size = len(step.snapshot())
    step.on_notify()
    assert len(step.snapshot()) < size / 100
    assert step.notify_at() is None


def test_state_holds_no_plate_no_reason_and_no_case_number_of_what_was_checked() -> None:
    step = checks()
    findings(step, *READY, sealed(inquiry(pattern="CANARY7", other="CANARY7", case_number="26-77")))
    for secret in (b"CANARY7", b"26-77", b"stolen vehicle"):
        assert secret not in step.snapshot()


def test_what_was_found_goes_with_the_inquiry_to_the_copy_and_its_seal_stays() -> None:
    one = sealed(inquiry(reason="curiosity", case_number=""))
    finding, remark = checks().on_batch([*READY, one])[0]
    assert isinstance(finding, Finding)
    assert isinstance(remark, SealedInquiry)
    assert remark.findings == ("purpose: a prohibited purpose (F.1, I.3)",)
    assert SealedInquiry.from_json(remark.to_json()) == remark
    assert seal_hash(remark.previous, remark.inquiry) == remark.hash


def test_the_same_finding_has_the_same_id_whenever_it_is_found() -> None:
    first = Finding.of(inquiry(), "volume", "unusual", "30 looks")
    assert Finding.of(inquiry(), "volume", "unusual", "31 looks").finding_id == first.finding_id
    assert Finding.of(inquiry(1), "volume", "unusual", "30 looks").finding_id != first.finding_id


@dataclass(frozen=True)
class Person:
    """As the registry has them; `trained` is days ago, negative in the future, None never."""

    registered: bool
    active: bool
    agency: str
    trained: int | None
    roles: tuple[str, ...]


AGENCIES = [
    agency("sjpd", own=True),
    agency("county", mou_from=AT - DAY),
    agency("expired", mou_from=AT - 9 * DAY, mou_until=AT - DAY),
    agency("silent"),
    agency("ended", own=True, active=False),
]
people = st.builds(
    Person,
    registered=st.booleans() | st.just(True),
    active=st.booleans() | st.just(True),
    agency=st.sampled_from(["sjpd", "sjpd", *(one.id for one in AGENCIES), "nowhere"]),
    trained=st.none() | st.integers(-400, 400).filter(lambda days: days not in (0, 365)),
    roles=st.lists(st.sampled_from(sorted(ROLES)), unique=True).map(tuple),
)


def may(person: Person, act: Act, case: bool, reason: bool, machine: bool) -> bool:
    """Worked out from the order, in its own words: F.7 and E.1.e, F.6 and I.2, E.1.a, I.7 and F.8.a."""
    if act.documented == "case" and not case:
        return False
    if act.documented == "inquiry" and not (case or reason):
        return False
    if act.name in ("evidence_hold", "evidence_keep", "evidence_not_needed") and not reason:
        return False  # who ordered it, or why nothing is held
    if machine:
        return act.automatic
    if not (person.registered and person.active) or person.trained is None:
        return False
    lapsed = person.trained > 365 and act.name == "registry_recover"  # nobody else is trained: C.2, E.1.e
    if not (lapsed or 0 <= person.trained <= 365) or not set(person.roles) & set(act.roles):
        return False
    theirs = person.agency == "county" and not act.name.startswith("partner_")
    own = act.name in (
        "account_redeem",
        "account_change",
        "account_factor",
        "account_passkey",
        "account_terminal",
        "account_terminal_end",
    )  # their own password for the console
    return person.agency == "sjpd" or (theirs and (act.browses or own))


@given(
    people,
    st.sampled_from(ACTS),
    st.booleans(),
    st.sampled_from(["", "asdfgh", "Stolen truck"]),
    st.booleans(),
)
@settings(max_examples=400)
def test_any_act_of_anybody_that_was_allowed_is_a_breach_just_where_the_order_does_not_give_it(
    person: Person, act: Act, case: bool, reason: str, machine: bool
) -> None:
    registered = People()
    trained = None if person.trained is None else AT - person.trained * DAY
    role = ",".join(person.roles) or "janitor"
    records = [user(agency=person.agency, active=person.active, trained_at=trained, role=role)]
    chief = user(id="chief", role="administrator")
    for record in [*AGENCIES, chief, *(records if person.registered else [])]:
        registered.put(record)
    fields: dict[str, Any] = {"case_number": "26-001234" if case else "", "reason": reason}
    if act.name in ASKS:
        fields["change"] = "asked: county"
    if machine:
        fields["automatic"] = True
    asked = inquiry(kind=act.name, **fields)
    found = list(check_order(asked, registered, RULES))
    assert (found == []) == may(person, act, case, reason == "Stolen truck", machine), found
    assert all(one.grade == "breach" for one in found)
    refused = msgspec.structs.replace(asked, outcome="refused")
    assert list(check_order(refused, registered, RULES)) == []


def test_a_store_of_the_version_before_is_read() -> None:
    """The state of a bucket as 0.1.0 wrote it: looks by day and hour, and what waits."""
    day = AT.toordinal()
    before = msgspec.msgpack.encode(
        [[], {"smith": [{day: [0] * 9 + [3] + [0] * 14}, [day, 2], {"hours": day}, {day: inquiry()}]}]
    )
    step = checks(now=AT + 8 * DAY, resume=before)
    out, _discard = step.on_notify()
    assert [(one.rule, one.who) for one in out if isinstance(one, Finding)] == [("no_action", "smith")]


@given(st.text())
@settings(max_examples=50)
def test_a_person_has_one_bucket_of_a_bounded_number_however_the_name_is_written(who: str) -> None:
    assert bucket(who) in ALL_BUCKETS
    assert len(ALL_BUCKETS) == BUCKETS
    assert bucket(f"  {who} ") == bucket(who)
    assert [key for key, _ in spread_to_buckets(sealed(inquiry(who=who)))] == [bucket(who)]


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(0, 60))
@settings(max_examples=30, deadline=None)
def test_a_restart_anywhere_finds_the_same(hours: list[int], cut: int) -> None:
    asked = [sealed(inquiry(n, AT + timedelta(hours=h))) for n, h in enumerate(sorted(hours))]
    whole = findings(checks(), *READY, *asked)
    step = checks()
    first = findings(step, *READY, *asked[:cut])
    assert first + findings(checks(resume=step.snapshot()), *READY, *asked[cut:]) == whole
