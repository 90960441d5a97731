"""Attempts to escape the checks of duty, access, training, evidence and notification (issue 27, row 20)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from hypothesis import given
from hypothesis import strategies as st

from platestream.access import registry, shifts
from platestream.access import roster as rosters
from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.edges.clickhouse_client import DOOR, INGEST, connect
from platestream.evidence import hold as holding
from platestream.policy.checks.duty import _uncovered
from platestream.schemas import tables, topics
from platestream.schemas.delivery import Delivery, delivery_id
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.registry import RegistryRecord
from tests.support.agency import (
    CASE,
    DAY,
    HIT,
    HOUR,
    MATERIAL,
    Agency,
    duty,
    read,
    roster,
    user,
)
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of


def says(agency: Agency, check: str, **changes: Any) -> tuple[str, str]:
    """What a check answers, and in which words."""
    result = agency.results(check, **changes)[check]
    return result.outcome, "; ".join([*result.faults, *(f"{gap.why} ({gap.needs})" for gap in result.gaps)])


def silent_hit(agency: Agency) -> None:
    hit = msgspec.structs.replace(HIT, hit_id=uuid4(), detection=read(HOUR))
    agency.database.put(tables.HIT_FACTS, hit)


def never_notified(agency: Agency) -> None:
    agency.sql("TRUNCATE TABLE platestream.deliveries")


def test_20_without_rules_and_without_a_notification_ever_it_is_not_checked_and_says_how(
    agency: Agency,
) -> None:
    never_notified(agency)
    outcome, words = says(agency, "notified")
    assert outcome == "not_checked"
    assert "PLATESTREAM_NOTIFY_FILE" in words
    assert "the notify flow running" in words


def test_20_with_rules_and_no_flow_that_runs_it_is_not_held(agency: Agency) -> None:
    never_notified(agency)
    outcome, words = says(agency, "notified", notifies=True)
    assert outcome == "not_held"
    assert "does platestream.flows.notify_flow run?" in words


def test_20_a_flow_that_was_stopped_is_found_by_the_hits_since(agency: Agency) -> None:
    silent_hit(agency)
    assert says(agency, "notified")[0] == "not_held"


def test_20_deliveries_erased_from_the_table_alone_are_found_by_their_topic(agency: Agency) -> None:
    more: dict[str, Any] = {"hit_id": HIT.hit_id, "receiver": "shift", "priority": 1, "outcome": "delivered"}
    one = Delivery(delivery_id=delivery_id(HIT.hit_id, "shift"), at=NOW, captured_at=NOW, **more)
    agency.streams.append(topics.DELIVERIES, [topics.DELIVERIES.encode(one)])
    never_notified(agency)
    assert says(agency, "notified")[0] == "not_held"


def test_20_one_silenced_delivery_does_not_cover_the_hits_that_nothing_was_done_about(agency: Agency) -> None:
    never_notified(agency)
    silent_hit(agency)
    hit = msgspec.structs.replace(HIT, hit_id=uuid4(), detection=read(HOUR))
    agency.database.put(tables.HIT_FACTS, hit)
    agency.deliver(hit, "quiet")
    assert says(agency, "notified")[0] == "not_held"


def hours_ago(hours: float) -> datetime:
    return datetime.now(UTC) - hours * HOUR


def csv_of(*rows: str) -> str:
    return "\n".join(["user,since,until,absent", *rows])


def row(user: str, since: float, until: float, absent: str = "") -> str:
    """A line of the roster, in hours ago."""
    return f"{user},{hours_ago(since):%Y-%m-%dT%H:00+00:00},{hours_ago(until):%Y-%m-%dT%H:00+00:00},{absent}"


@pytest.fixture
def chief(agency: Agency) -> Iterator[Door]:
    with door_of(agency.database, "chief", data=agency.data) as door:
        yield door


def imported(door: Door, *rows: str, name: str = "w49") -> RegistryRecord:
    return rosters.record(door, name, f"{name}.csv", csv_of(*rows), UTC, datetime.now(UTC))


def known(agency: Agency, key: str) -> RegistryRecord:
    return next(one for one in registry.records(agency.streams) if one.key == key)


def by_sql(agency: Agency, record: RegistryRecord, act: str, who: str = "chief") -> RegistryRecord:
    """Write a record as a program of one's own: the act that names its hash, then the database by it."""
    at = agency.database.value("SELECT now64(3, 'UTC')")
    stamped = msgspec.structs.replace(record, changed_at=at, changed_by=who)
    about = f"user/{stamped.user}" if stamped.kind == "shift" else stamped.key
    inquiry = agency.enter(act, about, who, effect=sha256(stamped.to_json()).hexdigest())
    connect(agency.database.dsn, DOOR, explain=True).insert(
        "platestream.registry_change",
        [[inquiry, stamped.to_json().decode()]],
        column_names=["inquiry_id", "record"],
    )
    return stamped


def test_20_without_a_roster_it_is_not_checked_and_says_how(database: Database, tmp_path: Path) -> None:
    outcome, words = says(Agency(database, tmp_path / "data"), "on_duty")
    assert outcome == "not_checked"
    assert "platestream registry roster FILE.csv" in words


def test_20_who_is_on_duty_by_the_roster_and_never_logged_in_is_named(agency: Agency, chief: Door) -> None:
    agency.register(user("vale", "officer"))
    imported(chief, row("vale", 9, 1))
    outcome, words = says(agency, "on_duty")
    assert outcome == "not_held"
    assert "on duty by the roster and not logged in: vale" in words
    assert agency.outcomes("recorded", "ruled")["recorded"] == "held"


def test_20_a_roster_is_an_act_of_a_chief_that_names_its_hash(agency: Agency, chief: Door) -> None:
    with (
        door_of(agency.database, "smith", data=agency.data) as smith,
        pytest.raises(RefusedInquiry, match="none of this user's roles"),
    ):
        imported(smith, row("smith", -2, -9))
    written = imported(chief, row("smith", -2, -9))
    ((effect,),) = agency.database.rows(
        "SELECT effect FROM platestream.inquiry_log WHERE kind = 'registry_roster' AND about = 'roster/w49'"
        " AND outcome = 'allowed'"
    )
    assert effect == sha256(written.to_json()).hexdigest()


def test_20_a_duty_time_that_has_begun_cannot_be_taken_out(agency: Agency, chief: Door) -> None:
    agency.register(user("vale", "officer"))
    written = imported(chief, row("vale", 9, 1), row("smith", -2, -9))
    with pytest.raises(RefusedError, match="has begun stays"):
        imported(chief, row("smith", -2, -9))
    with pytest.raises(RefusedError, match="has begun stays"):
        registry.end(chief, "roster", "w49", datetime.now(UTC))
    without = msgspec.structs.replace(written, duties=written.duties[1:])
    for changed in (without, msgspec.structs.replace(written, active=False)):
        with pytest.raises(DatabaseError, match="that has begun stays"):
            by_sql(agency, changed, "registry_roster")
    assert known(agency, "roster/w49") == written
    moved = imported(chief, row("vale", 9, 1).replace("+00:00", "Z"))  # what is to come may be moved
    assert moved.duties == written.duties[:1]


def test_20_a_roster_whose_rows_were_erased_by_raw_writes_is_found(agency: Agency, chief: Door) -> None:
    agency.register(user("vale", "officer"))
    written = imported(chief, row("vale", 9, 1), row("smith", -2, -9))
    bare = msgspec.structs.replace(written, duties=written.duties[1:], changed_at=datetime.now(UTC))
    agency.streams.append(topics.REGISTRY, [topics.REGISTRY.encode(bare)])
    assert says(agency, "recorded")[0] == "not_held"
    agency.streams.append(topics.REGISTRY, [Message(b"roster/w49", None)])
    outcome, words = says(agency, "recorded")
    assert outcome == "not_held"
    assert "roster/w49" in words
    with pytest.raises(DatabaseError):
        agency.database.client(INGEST).command(
            "ALTER TABLE platestream.registry DELETE WHERE kind = 'roster'"
        )


def test_20_the_topic_alone_gives_no_roster_and_no_material(agency: Agency) -> None:
    client = agency.database.client(INGEST)
    for record in (roster(name="forged"), msgspec.structs.replace(MATERIAL, id="forged")):
        rows = tables.REGISTRY.rows(msgspec.structs.replace(record, changed_at=datetime.now(UTC)))
        client.insert("platestream.registry_followed", rows, column_names=list(tables.REGISTRY.columns))
    assert agency.database.value("SELECT count() FROM platestream.registry WHERE id = 'forged'") == 0


@pytest.mark.parametrize(
    ("rows", "says_what"),
    [
        ((row("smith", 9, 1), row("smith", 5, 2)), "overlap"),
        ((row("smith", 9, 1, "sick"), row("smith", 8, 2, "ill")), "overlap"),
        ((row("smith", 300, 292),), "within 7 days"),
        ((row("smith", 300, 292, "sick"),), "within 7 days"),
        ((row("smith", 1, 9), row("smith", 20, 10)), "no time of this roster"),
        ((row("smith", 50, 1),), "more than 24 hours"),
        ((row("ghost", -1, -9),), "not registered: ghost"),
        ((), "no duty time"),
        (("smith,yesterday,today,",), "line 2"),
        (("smith",), "line 2"),
    ],
)
def test_20_overlapping_backdated_and_impossible_times_are_refused_on_record(
    agency: Agency, chief: Door, rows: tuple[str, ...], says_what: str
) -> None:
    with pytest.raises(RefusedError, match=says_what):
        imported(chief, *rows)
    refused = (
        "SELECT count() FROM platestream.inquiry_log WHERE kind = 'registry_roster' AND outcome = 'refused'"
    )
    assert agency.database.value(refused) == 1
    assert "roster/w49" not in {one.key for one in registry.records(agency.streams)}


def test_20_backdated_duty_and_absence_are_refused_by_the_database(agency: Agency) -> None:
    for absent in ("", "sick"):
        late = roster(duty("vale", NOW - 8 * DAY, absent=absent), name="late")
        with pytest.raises(DatabaseError, match="7 days"):
            by_sql(agency, late, "registry_roster")


def test_20_an_absence_excuses_and_is_contradicted_by_a_shift(agency: Agency, chief: Door) -> None:
    agency.register(user("vale", "officer"))
    imported(chief, row("vale", 9, 1), row("vale", 9, 1, "sick"))
    assert says(agency, "on_duty")[0] == "held"
    agency.shift("vale", 8 * HOUR)
    outcome, words = says(agency, "on_duty")
    assert outcome == "not_held"
    assert "absent by the roster and logged in: vale" in words


def test_20_a_shift_cannot_be_logged_afterwards_for_the_time_of_duty(agency: Agency) -> None:
    times: dict[str, Any] = {"since": hours_ago(9), "until": hours_ago(1)}
    late = RegistryRecord(kind="shift", id="vale@late", name="vale", user="vale", **times)
    agency.register(user("vale", "officer"))
    for act in ("shift_login", "shift_logout"):
        with pytest.raises(DatabaseError, match="a shift begins and ends with its acts"):
            by_sql(agency, late, act, "vale")


def test_20_no_clock_and_no_program_makes_a_shift_longer_than_it_was(agency: Agency) -> None:
    agency.register(user("vale", "officer"))
    with door_of(agency.database, "vale", data=agency.data) as vale:
        begun = shifts.log_in(vale, 8 * HOUR, hours_ago(9))  # a false clock, nine hours back
        assert begun.since is not None
        assert begun.since > hours_ago(0.1)
        for fields in (
            {"until": hours_ago(-7), "active": False},
            {"since": hours_ago(9), "until": hours_ago(0), "active": False},
        ):
            longer = msgspec.structs.replace(begun, **fields)
            with pytest.raises(DatabaseError, match="a shift begins and ends with its acts"):
                by_sql(agency, longer, "shift_logout", "vale")
        with pytest.raises(DatabaseError, match="16 hours at most"):
            by_sql(agency, msgspec.structs.replace(begun, until=hours_ago(-20)), "shift_login", "vale")
        ended = shifts.log_out(vale, hours_ago(-5))  # five hours ahead
        assert ended.until is not None
        assert ended.until < hours_ago(-0.1)


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ((row("smith", 9, 1),), "sworn employees whom no roster of 30 days lists: vale"),
        ((row("vale", -2, -9),), "1 shift of vale outside of their duty times"),
    ],
)
def test_20_a_roster_that_leaves_somebody_or_a_shift_out_is_not_checked(
    agency: Agency, chief: Door, rows: tuple[str, ...], named: str
) -> None:
    agency.register(user("vale", "officer"))
    if "shift" in named:
        agency.shift("vale", HOUR)
    imported(chief, *rows)
    outcome, words = says(agency, "on_duty")
    assert outcome == "not_checked"
    assert named in words


def test_20_days_without_a_roster_are_not_checked(agency: Agency) -> None:
    outcome, words = says(agency, "on_duty", now=NOW + 12 * DAY)
    assert outcome == "not_checked"
    assert "no roster of " in words


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (user("vale", "auditor"), "without a role that searches: vale"),
        (user("vale", "officer", trained_at=None), "without training in force: vale"),
        (user("vale", "officer", trained_at=NOW - 400 * DAY), "without training in force: vale"),
        (user("vale", "officer"), "without a sign-in, neither a password nor an act in 30 days: vale"),
        (
            user("vale", "officer", sworn=False),
            "officers by their role and no sworn employees by their record",
        ),
    ],
)
def test_20_a_sworn_employee_without_role_training_or_sign_in_is_named(
    agency: Agency, record: RegistryRecord, named: str
) -> None:
    agency.register(record)
    outcome, words = says(agency, "access", sign_ins=lambda: {"smith", "chief"})
    assert outcome == "not_held"
    assert named in words


def test_20_where_people_sign_in_is_not_known_a_sign_in_is_not_checked(agency: Agency) -> None:
    agency.register(user("vale", "officer"))
    outcome, words = says(agency, "access")
    assert outcome == "not_checked"
    assert "PLATESTREAM_DATA" in words
    agency.register(user("lee", sworn=None))
    assert "sworn or not is not on record: lee" in says(agency, "access")[1]


def test_20_a_person_made_a_civilian_just_before_the_check_still_counts(agency: Agency) -> None:
    with door_of(agency.database, "chief", data=agency.data) as chief:
        more: dict[str, Any] = {"agency": "sjpd", "employee_number": "77", "sworn": True, "name": "V" * 2000}
        vale = RegistryRecord(kind="user", id="vale", approved_by="A" * 2000, **more)
        registry.put_user(chief, vale, datetime.now(UTC), ["auditor"])
        # Long texts, so that what follows would be cut off the act.
        hidden = msgspec.structs.replace(vale, sworn=False, name="W" * 2000, approved_by="B" * 2000)
        registry.put_user(chief, hidden, datetime.now(UTC), ["auditor"])
    outcome, words = says(agency, "access", sign_ins=lambda: {"smith", "chief", "vale"})
    assert outcome == "not_held"
    assert "without a role that searches: vale" in words


def test_20_a_person_no_longer_said_to_be_sworn_still_counts(agency: Agency) -> None:
    with door_of(agency.database, "chief", data=agency.data) as chief:
        vale = registry.put(chief, user("vale", "auditor"), datetime.now(UTC))
        registry.put(chief, msgspec.structs.replace(vale, sworn=None), datetime.now(UTC))
    outcome, words = says(agency, "access", sign_ins=lambda: {"smith", "chief", "vale"})
    assert outcome == "not_held"
    assert "without a role that searches: vale" in words


def test_20_an_erased_file_of_passwords_is_no_sign_in(agency: Agency) -> None:
    agency.register(user("vale", "officer"))
    assert says(agency, "access", sign_ins=lambda: ["vale"])[0] == "held"
    assert says(agency, "access", sign_ins=lambda: [])[0] == "not_held"


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (user("vale", material="ghost"), "not on record or not approved by then: vale"),
        (user("vale", trained_at=NOW - 90 * DAY), "not on record or not approved by then: vale"),
        (
            msgspec.structs.replace(MATERIAL, id="old", approved_at=NOW - 400 * DAY),
            "approved over 1 year ago",
        ),
    ],
)
def test_20_training_with_material_that_nobody_approved_by_then_is_not_held(
    agency: Agency, record: RegistryRecord, named: str
) -> None:
    agency.register(record)
    outcome, words = says(agency, "materials")
    assert outcome == "not_held"
    assert named in words


def test_20_training_names_an_approved_material_or_the_database_refuses_it(
    agency: Agency, chief: Door
) -> None:
    fresh = user("vale", "officer", trained_at=NOW - DAY)
    for wrong in (
        msgspec.structs.replace(fresh, material="ghost"),
        msgspec.structs.replace(fresh, material=""),
        msgspec.structs.replace(fresh, trained_at=NOW - 90 * DAY),
    ):
        with pytest.raises(RefusedError, match="training names a material"):
            registry.put(chief, wrong, datetime.now(UTC))
        with pytest.raises(DatabaseError, match="names no material"):
            by_sql(agency, wrong, "registry_user")
    registry.put_user(chief, fresh, datetime.now(UTC))
    later = registry.put_user(
        chief, msgspec.structs.replace(fresh, trained_at=None, material=""), datetime.now(UTC)
    )
    assert (later.material, later.trained_at) == (fresh.material, fresh.trained_at)


def test_20_a_material_is_not_exchanged_afterwards(agency: Agency, chief: Door) -> None:
    for change in (
        {"sha256": "1" * 64},
        {"version": "4"},
        {"approved_at": NOW - 99 * DAY},
        {"approved_by": "Me"},
    ):
        other = msgspec.structs.replace(MATERIAL, **change)
        with pytest.raises(RefusedError, match="stays as it was approved"):
            registry.put(chief, other, datetime.now(UTC))
        with pytest.raises(DatabaseError, match="stays as it was approved"):
            by_sql(agency, other, "registry_material")
    agency.put(msgspec.structs.replace(MATERIAL, sha256="1" * 64))
    assert says(agency, "recorded")[0] == "not_held"


def test_20_training_after_its_material_was_withdrawn_is_not_held(agency: Agency, chief: Door) -> None:
    registry.end(chief, "material", MATERIAL.id, datetime.now(UTC))
    agency.register(user("vale", trained_at=NOW + DAY))
    outcome, words = says(agency, "materials", now=NOW + 2 * DAY)
    assert outcome == "not_held"
    assert "vale" in words


def test_20_without_material_on_record_it_is_not_checked(database: Database, tmp_path: Path) -> None:
    outcome, words = says(Agency(database, tmp_path / "data"), "materials")
    assert outcome == "not_checked"
    assert "platestream registry material ID" in words


def searched(at: Agency, case: str = "26-007777", **changes: Any) -> UUID:
    inquiry = uuid4()
    at.log(inquiry_id=inquiry, case_number=case, at=datetime.now(UTC), reason="", **changes)
    return inquiry


WEEK = 8 * DAY


def test_20_a_case_that_was_searched_for_needs_evidence_or_a_reason(agency: Agency, chief: Door) -> None:
    searched(agency)
    outcome, words = says(agency, "taken", now=NOW + WEEK)
    assert outcome == "not_held"
    assert "neither evidence nor a reason" in words
    assert "26-007777" in words
    holding.record_not_needed(chief, "26-007777", "The truck was found parked at home")
    assert says(agency, "taken", now=NOW + WEEK)[0] == "held"
    searched(agency)
    assert says(agency, "taken", now=NOW + WEEK)[0] == "not_held", (
        "the reason was of what was searched before"
    )


def test_20_a_case_that_has_evidence_and_a_search_that_showed_nothing_need_no_reason(agency: Agency) -> None:
    searched(agency, CASE)
    empty = searched(agency, "26-008888")
    agency.sql(
        "INSERT INTO platestream.inquiry_shown (inquiry_id, at, counted_for, shown, less) "
        f"VALUES ('{empty}', now(), 'smith', 0, 50)"
    )
    for fields in ({"automatic": True, "set_off_by": "chief"}, {"agency": "county"}, {"partner": "county"}):
        searched(agency, "26-009999", **fields)
    assert says(agency, "taken", now=NOW + WEEK)[0] == "held"


@pytest.mark.parametrize("reason", ["", "x", "case", "qwerty", "12345", ". . . ."])
def test_20_no_evidence_for_no_reason_is_refused(agency: Agency, chief: Door, reason: str) -> None:
    with pytest.raises(RefusedInquiry, match="the reason says nothing"):
        holding.record_not_needed(chief, "26-007777", reason)
    with pytest.raises(RefusedInquiry, match="case number"):
        holding.record_not_needed(chief, "00", "The truck was found parked at home")


def test_20_evidence_that_was_held_on_no_entry_of_the_ledger_covers_no_search(agency: Agency) -> None:
    searched(agency)
    row: dict[str, Any] = {
        "hold_id": uuid4(),
        "case_number": "26-007777",
        "schedule": "felony",
        "detections": 1,
    }
    row |= {"held_at": NOW, "release_at": NOW + 3700 * DAY, "who": "chief"}
    agency.database.client().insert(
        "platestream.evidence_holds", [list(row.values())], column_names=list(row)
    )
    assert says(agency, "taken", now=NOW + WEEK)[0] == "not_held"


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), max_size=6), st.integers(0, 48))
def test_20_time_that_nobody_covered_is_counted_once(spans: list[tuple[int, int]], until: int) -> None:
    begun = datetime(2026, 11, 1, tzinfo=UTC)
    at = duty("smith", begun, 24)
    shifts = [
        RegistryRecord(
            kind="shift",
            id=f"s{number}",
            name="s",
            user="smith",
            since=begun + since * HOUR,
            until=begun + (since + lasts) * HOUR,
        )
        for number, (since, lasts) in enumerate(spans)
    ]
    covered = {hour for since, lasts in spans for hour in range(since, since + lasts)}
    lost = len([hour for hour in range(min(24, until)) if hour not in covered])
    assert _uncovered(at, shifts, [], begun + until * HOUR) == lost * HOUR
