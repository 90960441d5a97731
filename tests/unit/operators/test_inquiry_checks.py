from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.profiles import load
from operators.inquiry_checks.logic import BUCKETS, EVERY, Event, InquiryChecks, bucket, spread
from operators.inquiry_checks.order import RULES, CheckRules, against_the_order
from operators.people import People
from schemas.finding import Finding
from schemas.gate_rules import Ruled, of_profile
from schemas.inquiry import Inquiry, SealedInquiry, seal_hash
from schemas.message import Loaded
from schemas.registry import RegistryRecord
from tests.support.flows import ACTION, INQUIRY

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LOADED = Loaded(0, 1)
RULED = Ruled(AT - 1000 * DAY, of_profile("st-johns", load("st-johns")))
READY = (RULED, LOADED)


def inquiry(number: int = 0, at: datetime = AT, **more: Any) -> Inquiry:
    told = {"who": "smith", "kind": "search", "reason": "stolen vehicle", **more}
    return msgspec.structs.replace(INQUIRY, inquiry_id=UUID(int=number), at=at, **told)


def sealed(one: Inquiry, seal: int = 1) -> SealedInquiry:
    return SealedInquiry(seal=seal, previous="0" * 64, hash=seal_hash("0" * 64, one), inquiry=one)


def user(**more: Any) -> RegistryRecord:
    told = {"id": "smith", "trained_at": AT - DAY, "agency": "sjpd", **more}
    return RegistryRecord(kind="user", name="Smith", **told)


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
    (found,) = against_the_order(inquiry(**asked), registered, RULES)
    assert (found.rule, found.grade) == (rule, "breach")
    assert list(against_the_order(inquiry(outcome="refused", **asked), registered, RULES)) == []


def test_a_documented_inquiry_of_a_trained_user_of_an_agency_with_an_mou_is_no_finding() -> None:
    shares = agency(mou_from=AT - DAY, mou_until=AT + DAY, shares_cameras=("north", "south"))
    records = [user(), shares]
    assert findings(checks(), *records, *READY, sealed(inquiry(cameras=("north",)))) == []


def test_without_any_user_in_the_registry_nobody_asks_who_may_look() -> None:
    assert findings(checks(), agency(), *READY, sealed(inquiry())) == []


def test_purposes_are_checked_where_an_agency_lists_them() -> None:
    step = checks()
    strict = Ruled(AT, replace(RULED.rules, purposes=("criminal investigation",), prohibited=()))
    before, after = inquiry(at=AT - DAY), inquiry(at=AT + DAY)
    told = msgspec.structs.replace(after, purpose="criminal investigation", reason="personal use of it")
    assert findings(step, *READY, strict, sealed(before), sealed(after), sealed(told)) == ["purpose"]
    again = checks(resume=step.snapshot())
    assert findings(again, LOADED, sealed(after), sealed(before)) == [], "they wait for the rules"
    assert findings(again, strict) == ["purpose", "purpose"], "the oldest rules hold before them, too"


@pytest.mark.parametrize(
    ("name", "told", "rule"),
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
    name: str, told: dict[str, Any], rule: list[str]
) -> None:
    ruled = Ruled(AT - DAY, of_profile(name, load(name)))
    asked = sealed(inquiry(purpose="missing or endangered person"))
    assert findings(checks(), ruled, user(), agency(mou_from=AT - DAY, **told), LOADED, asked) == rule


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


@given(st.text())
@settings(max_examples=50)
def test_a_person_has_one_bucket_of_a_bounded_number_however_the_name_is_written(who: str) -> None:
    assert bucket(who) in EVERY
    assert len(EVERY) == BUCKETS
    assert bucket(f"  {who} ") == bucket(who)
    assert [key for key, _ in spread(sealed(inquiry(who=who)))] == [bucket(who)]


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(0, 60))
@settings(max_examples=30, deadline=None)
def test_a_restart_anywhere_finds_the_same(hours: list[int], cut: int) -> None:
    asked = [sealed(inquiry(n, AT + timedelta(hours=h))) for n, h in enumerate(sorted(hours))]
    whole = findings(checks(), *READY, *asked)
    step = checks()
    first = findings(step, *READY, *asked[:cut])
    assert first + findings(checks(resume=step.snapshot()), *READY, *asked[cut:]) == whole
