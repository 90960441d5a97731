"""Checks of the order: held by an agency that follows it, or not checked for want of data."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from platestream.access import rules_in_force
from platestream.access.door import Permit
from platestream.access.effects import Bulk
from platestream.access.profiles import load
from platestream.edges.kafka import KafkaTopics
from platestream.policy import service as checking
from platestream.policy.checks.context import Answer, Unchecked
from platestream.schemas import tables, topics
from platestream.schemas.hotlist import HotListChange
from platestream.schemas.registry import RegistryRecord
from tests.support.agency import (
    DAY,
    HOLD,
    HOUR,
    MINUTE,
    PROFILE,
    Agency,
    read,
)
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of
from tests.support.flows import LISTED

pytestmark = pytest.mark.slow

LOG_OF_SERVER = "platestream.schema_migrations"  # any table that the auditor may read

TOWN = [(34.4, -109.5), (34.6, -109.5), (34.6, -109.25), (34.4, -109.25)]

BOUNDED = msgspec.structs.replace(PROFILE, agency=msgspec.structs.replace(PROFILE.agency, boundary=TOWN))

SERVER = {"embedded": False, "query_log": LOG_OF_SERVER, "profile": BOUNDED}


def faults(results: dict[str, checking.Result]) -> dict[str, tuple[str, ...]]:
    return {
        name: (*one.faults, *(gap.why for gap in one.gaps))
        for name, one in results.items()
        if one.faults or one.gaps
    }


def test_an_agency_that_follows_the_order_holds_every_check_that_can_be_made(agency: Agency) -> None:
    results = agency.results(**SERVER)
    assert faults(results) == {}
    assert {one.outcome for one in results.values()} == {"held"}
    assert all(one.figure for one in results.values())
    opened = agency.open_log()
    agency.follow()  # seals the acts by which the log was read
    # From now on, because NOW may be longer ago than that in a whole run.
    later = {"now": datetime.now(UTC) + 20 * MINUTE, "open_log": lambda: opened}
    assert faults(agency.results(**later, **SERVER)) == {}


def test_an_agency_that_has_nothing_yet_holds_nothing_that_was_not_looked_at(
    database: Database, tmp_path: Path
) -> None:
    outcomes = Agency(database, tmp_path / "data").outcomes()
    looked_at = {name: outcome for name, outcome in outcomes.items() if outcome != "not_checked"}
    assert looked_at == {
        **{"rules": "held", "ttls": "held", "case_pattern": "held", "confirmed": "held"},
        **{"trained": "not_held", "administrator": "not_held", "job": "not_held"},
    }


# What takes away all that a check looks at, so that it must not say that it is held.
NOTHING: list[tuple[str, Callable[[Agency], object], dict[str, Any], str]] = [
    ("bounded", lambda _one: None, {}, "the rules name no boundary"),
    ("designated", lambda one: _no_list(one), {}, "the hot list is empty"),
    ("listed", lambda one: _no_list(one), {}, "the hot list is empty"),
    ("expiring", lambda one: _no_list(one), {}, "the hot list is empty"),
    ("complete", lambda one: _no_list(one), {}, "no entry is the agency's own"),
    ("patterns", lambda one: _no_list(one), {}, "no partial plate"),
    (
        "sessions",
        lambda one: one.sql("ALTER TABLE platestream.inquiry_log DELETE WHERE kind = 'account_sign_in'"),
        {},
        "nobody has signed in to the console",
    ),
    ("confirmed", lambda one: _no_such_acts(one), {}, "no act that needed the second factor"),
    ("unlogged", lambda _one: None, {}, "in process nothing logs statements"),
    ("unlogged", lambda _one: None, {"embedded": False}, "nothing logged a query yet"),
    ("purposes", lambda one: one.log(), {}, "1 inquiry not yet checked by the audit flow"),
    (
        "purposes",
        lambda one: one.sql("TRUNCATE TABLE platestream.inquiry_seals"),
        {},
        "has checked nothing yet",
    ),
    ("agencies", lambda one: one.log(), {}, "1 inquiry not yet checked by the audit flow"),
    (
        "reads_sent",
        lambda one: one.sql("TRUNCATE TABLE platestream.deliveries"),
        {},
        "no notify flow ever ran",
    ),
    ("verified", lambda one: _no_steps(one), {}, "no hit was acted on"),
    ("marked", lambda one: _no_steps(one), {}, "no hit was acted on"),
    ("mvd", lambda one: _no_steps(one), {}, "no hit was acted on"),
    ("keeper", lambda one: _no_steps(one), {}, "no hit of NCIC or ACIC was verified"),
    ("notified", lambda one: one.sql("TRUNCATE TABLE platestream.hit_facts"), {}, "no fresh hit"),
    (
        "notified",
        lambda one: one.sql("TRUNCATE TABLE platestream.deliveries"),
        {},
        "of 1 hit no notification is on record",
    ),
    ("stores", lambda _one: None, {"data": None}, "in the flows' containers"),
    ("stores", lambda one: (one.data / "recovery" / "recognize").mkdir(), {}, "of unknown age: recognize"),
    ("topics", lambda _one: None, {"data": None}, "neither a broker nor a folder"),
    ("keys", lambda _one: None, {"settings": None}, "are not encrypted"),
    ("keys", lambda one: shutil.rmtree(one.data / "keys"), {}, "no key was made yet"),
    ("deployed", lambda one: one.sql("TRUNCATE TABLE platestream.detections"), {}, "no camera has delivered"),
    (
        "scheduled",
        lambda _one: None,
        {"profile": load("virginia")},
        "of schedules that the profile does not have",
    ),
    ("filed", lambda one: one.sql("TRUNCATE TABLE platestream.ledger"), {}, "no audit was due yet"),
    ("sampled", lambda one: one.sql("TRUNCATE TABLE platestream.ledger"), {}, "no memorandum is filed"),
]


def _no_list(agency: Agency) -> None:
    for path in (agency.data / "topics").glob("hotlist.sqlite3*"):
        path.unlink()


def _no_such_acts(agency: Agency) -> None:
    kinds = "('account_code', 'evidence_export')"
    agency.sql(f"ALTER TABLE platestream.inquiry_log DELETE WHERE kind IN {kinds}")


def _no_steps(agency: Agency) -> None:
    agency.sql("TRUNCATE TABLE platestream.hit_actions")


@pytest.mark.parametrize(("name", "takes_away", "changes", "says"), NOTHING)
def test_where_there_is_nothing_to_look_at_a_check_says_so_and_what_it_needs(
    agency: Agency, name: str, takes_away: Callable[[Agency], object], changes: dict[str, Any], says: str
) -> None:
    takes_away(agency)
    result = agency.results(name, **changes)[name]
    assert (result.outcome, result.faults) == ("not_checked", ())
    assert says in "; ".join(gap.why for gap in result.gaps)
    assert all(gap.needs for gap in result.gaps)


@pytest.mark.nightly
def test_a_broker_that_gives_no_answer_is_asked_once_and_nothing_of_its_topics_is_held(
    agency: Agency,
) -> None:
    broker = {"bootstrap.servers": "127.0.0.1:1"}
    began = datetime.now(UTC)
    far = agency.outcomes(
        *("topics", "designated", "listed", "kept", "records", "recorded", "shifts", "on_duty"),
        **{"topics": KafkaTopics("127.0.0.1:1", {}), "data": None, "broker": broker},
    )
    assert set(far.values()) == {"not_checked"}
    assert datetime.now(UTC) - began < 60 * MINUTE / 60


def test_a_database_that_fails_is_not_checked_and_the_other_checks_go_on(agency: Agency) -> None:
    agency.sql("DROP TABLE platestream.deliveries")
    outcomes = agency.outcomes("notified", "verified")
    assert outcomes == {"notified": "not_checked", "verified": "held"}


def test_a_fault_is_a_fault_however_little_was_looked_at() -> None:
    gap = Unchecked("why", "once it is there")
    assert checking.outcome(Answer("", ("fault",), (gap,))) == "not_held"
    assert checking.outcome(Answer("", (), (gap,))) == "not_checked"
    assert checking.outcome(Answer("", (), ())) == "held"


def _import(agency: Agency, said: str, entries: int = 0, about: str = "ncic: import", **changes: Any) -> None:
    changes = {"source": "ncic", "listed_at": datetime.now(UTC), "expires_at": NOW + 20 * DAY, **changes}
    listed = [msgspec.structs.replace(LISTED, entry_id=f"ncic:i{one}", **changes) for one in range(entries)]
    messages = [HotListChange(one.entry_id, one).to_message() for one in listed]
    bulk = Bulk.of(messages)
    change = f"import of forced.txt: {said}"
    permit = Permit(
        agency.enter("hotlist_import", about, change=change, effect=bulk.effect),
        *("hotlist_import", "chief", bulk.effect),
    )
    proved = [bulk.proved(permit, number, one) for number, one in enumerate(messages)]
    agency.streams.append(topics.HOTLIST, proved)


def test_a_list_that_was_imported_and_removed_from_by_acts_is_on_record(agency: Agency) -> None:
    _import(agency, "40 new or changed, 0 removed, 0 unchanged, 0 doubled, 0 refused", entries=40)
    agency.unlist("ncic:i0", acted=True)
    assert faults(agency.results("listed", "kept")) == {}
    said = "0 new or changed, 39 removed, 0 unchanged, 0 refused; though 39 of 39 entries are gone"
    agency.enter("hotlist_force", "ncic: import", change=said, reason="The state police ended this list")
    for number in range(1, 40):
        agency.unlist(f"ncic:i{number}")
    results = agency.results("listed", "kept")
    assert faults(results) == {}
    assert f"1 forced (ncic on {NOW:%Y-%m-%d}, 39 gone)" in results["kept"].figure


def test_an_import_that_says_no_counts_is_not_checked(agency: Agency) -> None:
    _import(agency, "all of it", entries=2)
    result = agency.results("listed")["listed"]
    assert (result.outcome, [gap.why for gap in result.gaps]) == (
        "not_checked",
        ["the last import of ncic says no counts"],
    )


def test_an_old_list_that_is_gone_may_have_expired_so_it_is_not_checked(agency: Agency) -> None:
    _import(agency, "40 new or changed, 0 removed, 0 unchanged, 0 doubled, 0 refused", entries=3)
    result = agency.results("kept", now=NOW + 3 * DAY)["kept"]
    assert (result.outcome, result.faults) == ("not_checked", ())
    assert "cannot be distinguished from those taken away" in result.gaps[0].why


def test_a_purge_at_the_end_of_the_schedule_is_custody(agency: Agency) -> None:
    agency.sql("TRUNCATE TABLE platestream.evidence_holds")
    agency.write("evidence", "purge", {"hold_id": str(HOLD), "detections": 1}, who="retention")
    assert faults(agency.results("custody")) == {"custody": ("no evidence is held",)}


def test_cameras_of_an_approved_special_detail_are_covered_by_it(agency: Agency) -> None:
    agency.database.put(tables.DETECTIONS, read(HOUR, "van-1"))
    assert agency.outcomes("cameras") == {"cameras": "not_held"}
    times: dict[str, Any] = {"since": NOW - DAY, "until": NOW + DAY}
    agency.register(
        RegistryRecord(
            kind="detail", id="op-7", name="Op 7", cameras=("van-1",), approved_by="Chief", **times
        )
    )
    assert agency.outcomes("cameras", "recorded") == {"cameras": "held", "recorded": "held"}


def test_an_audit_that_was_filed_is_held_and_the_next_years_is_missed_in_turn(agency: Agency) -> None:
    assert agency.outcomes("filed", now=datetime(NOW.year + 1, 1, 2, tzinfo=UTC)) == {"filed": "held"}
    said = agency.results("filed", now=datetime(NOW.year + 2, 1, 2, tzinfo=UTC))["filed"]
    assert said.faults == (f"the audit of {NOW.year + 1} is missing; it was due on {NOW.year + 1}-12-31",)


def test_a_profile_with_more_audits_a_year_misses_each(agency: Agency) -> None:
    months = [f"{month:02}-28" for month in range(1, 13)]
    monthly = msgspec.structs.replace(PROFILE, audit=msgspec.structs.replace(PROFILE.audit, due=months))
    result = agency.results("filed", profile=monthly, now=NOW + 70 * DAY)["filed"]
    assert result.outcome == "not_held"
    assert "is missing; it was due on" in "; ".join(result.faults)


def test_another_agencys_profile_is_checked_by_its_own_rules(agency: Agency) -> None:
    virginia = load("virginia")
    fields: dict[str, Any] = {"profile": virginia, "profile_name": "virginia"}
    with door_of(agency.database, "chief", data=agency.data) as door:
        rules_in_force.put_in_force(door, "virginia", "Chief of Police")
    results = agency.results("rules", "agencies", **fields)
    assert results["rules"].outcome == "held"
    assert "of another state: county" in "; ".join(results["agencies"].faults)
