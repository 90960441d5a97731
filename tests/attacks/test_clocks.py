"""False clocks: what somebody who can set a clock, or write a receipt, tries to have deleted or cut short."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.edges.clickhouse_client import DOOR, RETENTION
from platestream.ledger import records
from platestream.ledger import store as ledger
from platestream.retention import clock_guard
from platestream.retention import service as retention
from platestream.retention.clock_guard import Boot, ClockMeasurements, Reading, judge
from platestream.schemas import tables
from platestream.schemas.detection import Detection
from platestream.schemas.ledger import LedgerEntry
from platestream.settings import system_account
from tests.support.agency import Agency
from tests.support.database import Database, Prepared
from tests.support.door import door_of, person, staffed
from tests.support.flows import READ

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
PERIOD = 30 * DAY
T = datetime(2026, 3, 1, 12, tzinfo=UTC)


def job(database: Database) -> Door:
    return Door.for_system_job(door_of(database).settings, "retention", "chief")


def now() -> datetime:
    return datetime.now(UTC)


def read(age: timedelta) -> Detection:
    return msgspec.structs.replace(READ, detection_id=uuid4(), captured_at=now() - age)


def count(database: Database) -> int:
    return int(database.value("SELECT count() FROM platestream.detections"))


def pretend(monkeypatch: pytest.MonkeyPatch, ahead: timedelta, boot: Boot | None = None) -> None:
    """Everything happens as if the clocks of database and machine had been set `ahead` after the last run."""
    real = clock_guard.measure
    shown = boot or clock_guard.boot()

    def gather(*result: Any, **more: Any) -> ClockMeasurements:
        seen = real(*result, **more)
        return msgspec.structs.replace(
            seen, at=seen.at + ahead, machine=seen.machine + ahead, boot=shown,
            confirmed={who: at + ahead for who, at in seen.confirmed.items()},
        )  # fmt: skip

    monkeypatch.setattr(clock_guard, "measure", gather)


@pytest.fixture(scope="module")
def worked(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """People of three roles and two detections; the job has run."""

    def prepare(database: Database) -> None:
        people = person("chief", "administrator"), person("lee", "supervisor"), person("vale", "officer")
        staffed(database, *people)
        database.put(tables.DETECTIONS, read(DAY), read(2 * DAY))
        retention.run(job(database), PERIOD)

    return Prepared(migrated, tmp_path_factory.mktemp("worked"), prepare)


@pytest.fixture
def office(worked: Prepared, tmp_path: Path) -> Iterator[Database]:
    """The office of `worked`, which a test may change."""
    with worked.used(tmp_path) as database:
        yield database


def refusals(database: Database) -> list[str]:
    sql = "SELECT refusal FROM platestream.inquiry_log WHERE kind = 'retention' AND outcome = 'refused'"
    return [row[0] for row in database.rows(sql)]


def test_a_clock_forty_days_ahead_deletes_nothing(
    office: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, 40 * DAY)
    with pytest.raises(retention.ClockStopped, match=r"960\.0 hours ahead"):
        retention.run(job(office), PERIOD)
    assert count(office) == 2
    assert "two administrators or supervisors" in refusals(office)[0], "and that is on record"
    found = Agency(office, tmp_path / "data").results("job")["job"]
    assert found.outcome == "not_held"
    assert any("the clock may be wrong" in one for one in found.faults)


def test_no_table_deletes_by_a_clock_of_its_own(office: Database) -> None:
    for table in ("detections", "images", "alert_hits", "dead_letters"):
        made = office.value(f"SELECT create_table_query FROM system.tables WHERE name = '{table}'")
        assert " TTL " not in made


def test_the_engine_expires_no_record_of_whatever_age(office: Database) -> None:
    """By whatever clock: the inquiry log, the ledger, steps on hits, documents of the audit."""
    made = office.rows(
        "SELECT name FROM system.tables WHERE database = 'platestream' AND create_table_query LIKE '% TTL %'"
    )
    assert sorted(made) == [("camera_hours",), ("traffic",)], "figures of passes"
    office.client().command(
        "INSERT INTO platestream.inquiry_log SELECT * REPLACE (now64(6) - INTERVAL 9 YEAR AS at,"
        " generateUUIDv4() AS entry, generateUUIDv4() AS inquiry_id) FROM platestream.inquiry_log LIMIT 1"
    )
    office.client().command("OPTIMIZE TABLE platestream.inquiry_log FINAL")
    retention.run(job(office), PERIOD)
    old = "SELECT count() FROM platestream.inquiry_log WHERE at < now() - INTERVAL 8 YEAR"
    assert office.value(old) == 1


def test_a_table_that_is_given_a_ttl_is_not_held(office: Database, tmp_path: Path) -> None:
    sql = "ALTER TABLE platestream.inquiry_log MODIFY TTL toDateTime(at) + INTERVAL 20 YEAR DELETE"
    office.client().command(sql)
    found = Agency(office, tmp_path / "data").results("ttls")["ttls"]
    assert found.faults == ("inquiry_log expires rows by itself",)


def test_two_people_let_the_job_go_on_and_one_alone_does_not(
    office: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, 40 * DAY)
    for who in ("chief", "chief"):
        retention.confirm_clock(door_of(office, who))
        with pytest.raises(retention.ClockStopped):
            retention.run(job(office), PERIOD)
    with pytest.raises(RefusedInquiry, match="supervisor or administrator"):
        retention.confirm_clock(door_of(office, "vale"))
    retention.confirm_clock(door_of(office, "lee"))
    retention.run(job(office), PERIOD)
    assert count(office) == 0, "the clock was right after all"


def test_a_name_that_nobody_has_confirms_nothing(office: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 40 * DAY)
    retention.confirm_clock(door_of(office, "chief"))
    with pytest.raises(RefusedInquiry, match="not a registered user"):
        retention.confirm_clock(door_of(office, "ghost"))
    columns = ["inquiry_id", "on_behalf_of", "kind", "automatic"]
    office.client(DOOR).insert(
        "platestream.inquire", [[uuid4(), "robot", "retention_clock", True]], column_names=columns
    )
    with pytest.raises(retention.ClockStopped):
        retention.run(job(office), PERIOD)


def test_a_restart_of_the_machine_does_not_explain_forty_days(
    office: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, 40 * DAY, Boot("another start", 600.0))
    with pytest.raises(retention.ClockStopped, match=r"959\.8 hours ahead"):
        retention.run(job(office), PERIOD)
    assert count(office) == 2


def test_fifty_nine_minutes_each_time_are_added_up() -> None:
    reading = Reading(at=T, boot=Boot("a", 1000.0), off_s=0.0)
    results = []
    for turn in range(1, 4):
        seen = _seen(T + turn * (HOUR + 59 * MINUTE), Boot("a", 1000.0 + 3600 * turn))
        judged = judge(reading, seen)
        results.append(bool(judged.faults))
        reading = reading if judged.faults else judged.reading
    assert results == [False, True, True]
    assert reading.at < T + 2 * HOUR, "an hour early at the most"


def test_fifty_nine_minutes_at_each_restart_are_added_up() -> None:
    first = judge(Reading(at=T, boot=Boot("a", 9.0), off_s=0.0), _seen(T + 59 * MINUTE, Boot("b", 1.0)))
    assert not first.faults
    assert judge(first.reading, _seen(T + 118 * MINUTE, Boot("c", 1.0))).faults


def test_a_step_back_of_ntp_passes_and_one_of_three_years_does_not() -> None:
    before = Reading(at=T, boot=Boot("a", 0.0), off_s=0.0)
    assert not judge(before, _seen(T + 13 * MINUTE, Boot("a", 900.0))).faults
    assert judge(before, _seen(T - 3 * 365 * DAY, Boot("a", 900.0))).faults
    assert judge(before, _seen(T - 2 * HOUR, Boot("b", 900.0))).faults


def test_a_job_that_did_not_run_for_weeks_runs_on_while_the_machine_was_on_and_asks_when_it_was_off() -> None:
    before = Reading(at=T, boot=Boot("a", 0.0), off_s=0.0)
    weeks = 21 * DAY
    assert not judge(before, _seen(T + weeks, Boot("a", weeks.total_seconds()))).faults
    assert judge(before, _seen(T + weeks, Boot("b", 60.0))).faults


def test_a_database_whose_clock_is_set_on_another_machine_is_told_by_the_jobs_own() -> None:
    before = Reading(at=T, boot=Boot("a", 0.0), off_s=0.0)
    seen = msgspec.structs.replace(_seen(T + 15 * MINUTE, Boot("a", 900.0)), machine=T - 40 * DAY)
    assert "the clock of the job's machine" in judge(before, seen).refusal


def test_cameras_and_broker_tell_of_a_clock_that_was_false_from_the_start() -> None:
    before = Reading(at=T, boot=Boot("a", 0.0), off_s=0.0)
    later = _seen(T + 15 * MINUTE, Boot("a", 900.0))
    for late in ({"cameras": 7300.0}, {"broker": 40 * 86400.0}):
        seen = msgspec.structs.replace(later, late=late)
        assert "all that came in for hours was stamped" in judge(before, seen).refusal
        result = msgspec.structs.replace(seen, confirmed={"chief": seen.at, "lee": seen.at})
        known = judge(before, result).reading
        assert not judge(known, msgspec.structs.replace(seen, at=seen.at + MINUTE)).faults, "once is enough"
        more = {by: seconds + 7300 for by, seconds in late.items()}
        assert judge(known, msgspec.structs.replace(seen, late=more)).faults, "but not for a later one"
    assert not judge(before, msgspec.structs.replace(later, late={"cameras": 3500.0})).faults


def arrive(database: Database, delays: list[timedelta]) -> None:
    """Put only five detections an hour, up to now, which were this late in each hour."""
    for table in ("detections", "tallied"):
        database.client().command(f"TRUNCATE TABLE platestream.{table}")
    for hours, late in enumerate(reversed(delays)):
        came = now() - hours * HOUR
        one = msgspec.structs.replace(READ, captured_at=came - late)
        rows = [
            row
            for _ in range(5)
            for row in tables.DETECTIONS.rows(msgspec.structs.replace(one, detection_id=uuid4()))
        ]
        database.client().insert(
            "platestream.detections",
            [[*row, came] for row in rows],
            column_names=[*tables.DETECTIONS.columns, "ingested_at"],
        )
        database.client().command(
            "ALTER TABLE platestream.tallied UPDATE tallied_at = {came:DateTime64(6, 'UTC')}"
            " WHERE captured_at = {captured:DateTime64(3, 'UTC')}",
            parameters={"came": came, "captured": one.captured_at},
            settings={"mutations_sync": 2},
        )


def test_frames_of_the_true_time_stop_a_database_that_is_two_hours_ahead(office: Database) -> None:
    arrive(office, [2 * HOUR] * 3)
    retention.run(job(office), PERIOD)
    arrive(office, [2 * HOUR] * 4)
    with pytest.raises(retention.ClockStopped, match=r"stamped by the cameras 2\.0 hours before"):
        retention.run(job(office), PERIOD)
    assert count(office) == 20
    office.put(tables.DETECTIONS, read(MINUTE))
    retention.run(job(office), PERIOD)


def test_a_replay_or_an_upload_of_stored_pictures_stops_nothing(office: Database) -> None:
    office.client().command("TRUNCATE TABLE platestream.detections")
    office.put(tables.DETECTIONS, *(read(5 * DAY) for _ in range(100)))
    retention.run(job(office), PERIOD)
    arrive(office, [5 * DAY, 4 * DAY, 2 * DAY, DAY, 12 * HOUR])
    retention.run(job(office), PERIOD)


def test_confirmations_of_last_week_or_far_apart_are_worth_nothing() -> None:
    before = Reading(at=T, boot=Boot("a", 0.0), off_s=0.0)
    later = T + 40 * DAY
    for confirmed in (
        {"chief": T, "lee": T},
        {"chief": later - 30 * MINUTE, "lee": later - 26 * HOUR},
        {"chief": later + MINUTE, "lee": later + MINUTE},
        {"chief": later},
    ):
        seen = msgspec.structs.replace(_seen(later, Boot("a", 900.0)), confirmed=confirmed)
        assert judge(before, seen).faults
    both = {"chief": later - 30 * MINUTE, "lee": later - 20 * HOUR}
    assert not judge(before, msgspec.structs.replace(_seen(later, Boot("a", 900.0)), confirmed=both)).faults


def test_a_first_run_with_something_to_delete_asks_when_the_log_is_old() -> None:
    seen = msgspec.structs.replace(_seen(T, Boot("a", 9e6)), newest_row=T - 40 * DAY)
    assert judge(None, seen).faults
    assert not judge(None, msgspec.structs.replace(seen, due=False)).faults


def test_rows_of_a_clock_that_was_ahead_are_known_once_two_people_confirmed() -> None:
    ahead = T + 40 * DAY
    seen = msgspec.structs.replace(_seen(T, Boot("a", 0.0)), newest_row=ahead)
    assert judge(None, seen).faults
    result = msgspec.structs.replace(seen, confirmed={"chief": T, "lee": T})
    reading = judge(None, result).reading
    later = msgspec.structs.replace(_seen(T + DAY, Boot("a", DAY.total_seconds())), newest_row=ahead)
    assert not judge(reading, later).faults
    assert judge(reading, msgspec.structs.replace(later, newest_row=ahead + DAY)).faults, "but not later ones"


@given(
    steps=st.lists(
        st.tuples(st.floats(0, 3 * 86400), st.floats(-7200, 7200), st.booleans()), min_size=1, max_size=30
    )
)
def test_however_the_clock_is_set_nothing_goes_more_than_an_hour_early(
    steps: list[tuple[float, float, bool]],
) -> None:
    """`passed` seconds between runs, by how much the clock was set, and whether the machine started again."""
    reading = Reading(at=T, boot=Boot("0", 0.0), off_s=0.0)
    true, shown, start, since = T, T, 0, 0.0
    for passed, moved, restarted in steps:
        true += timedelta(seconds=passed)
        shown += timedelta(seconds=passed + moved)
        start, since = (start + 1, 0.0) if restarted else (start, since + passed)
        judged = judge(reading, _seen(shown, Boot(str(start), since)))
        if not judged.faults:
            reading = judged.reading
            assert shown - true <= clock_guard.MOST + timedelta(milliseconds=1)


@given(st.lists(st.tuples(st.floats(1, 30 * 86400), st.floats(-1, 1)), min_size=1, max_size=50))
def test_a_clock_that_ntp_keeps_never_stops_the_job(steps: list[tuple[float, float]]) -> None:
    reading, at, since = Reading(at=T, boot=Boot("0", 0.0), off_s=0.0), T, 0.0
    for passed, moved in steps:
        at, since = at + timedelta(seconds=passed), since + passed
        judged = judge(reading, _seen(at + timedelta(seconds=moved), Boot("0", since)))
        assert not judged.faults
        reading = judged.reading


def test_a_receipt_of_the_future_is_not_held_and_ends_no_job(office: Database, tmp_path: Path) -> None:
    record = retention.read_receipt(_last(office))
    late = Reading(at=now() + 40 * DAY, boot=clock_guard.boot(), off_s=0.0)
    entry = ledger.following(office.client(RETENTION), "retention", "run", "retention", record)
    forged = msgspec.structs.replace(
        entry, at=late.at, record=msgspec.json.encode(msgspec.structs.replace(record, clock=late)).decode()
    )
    job(office).enter("retention", forged.hash, effect=forged.hash)
    office.entry(forged)
    found = Agency(office, tmp_path / "data").results("job")["job"]
    assert found.outcome == "not_held"
    assert any(f"of the future: {forged.number}" in one for one in found.faults)
    with pytest.raises(retention.ClockStopped, match="back"):
        retention.run(job(office), PERIOD)


@pytest.mark.parametrize("period", [10 * MINUTE, 29 * DAY])
def test_a_run_with_too_short_a_period_is_not_held_for_good(
    office: Database, tmp_path: Path, period: timedelta
) -> None:
    retention.run(job(office), period)
    retention.run(job(office), PERIOD)
    found = Agency(office, tmp_path / "data").results("job")["job"]
    assert (found.outcome, [one for one in found.faults if "too early: 3" in one] != []) == ("not_held", True)


def test_a_receipt_that_is_dated_back_is_not_held(office: Database, tmp_path: Path) -> None:
    record = retention.read_receipt(_last(office))
    entry = ledger.following(office.client(RETENTION), "retention", "run", "retention", record)
    forged = msgspec.structs.replace(entry, at=entry.at - 3 * DAY)
    job(office).enter("retention", forged.hash, effect=forged.hash)
    office.entry(forged)
    found = Agency(office, tmp_path / "data").results("job")["job"]
    assert any("dated otherwise" in one for one in found.faults)


def test_a_clock_set_back_three_years_holds_and_deletes_nothing(office: Database, tmp_path: Path) -> None:
    """As the database sees it: its log has rows that are later than its clock."""
    _future_row(office)
    held = {"case_number": "26-001234", "reason": "Stolen truck of last night"}
    for act in ("evidence_hold", "evidence_keep"):
        with pytest.raises(RefusedInquiry, match="two administrators or supervisors confirm"):
            door_of(office, _everything(office)).enter(act, "x", **held)  # type: ignore[arg-type]
    with pytest.raises(RefusedInquiry, match="the inquiry log has a row of"):
        retention.run(job(office), PERIOD)
    with pytest.raises(RefusedInquiry, match="two administrators or supervisors confirm"):
        job(office).enter("retention", "run")
    door_of(office, "vale").enter("shift_login", "x")
    retention.confirm_clock(door_of(office, "chief"))
    retention.confirm_clock(door_of(office, "lee"))
    door_of(office, "all").enter("evidence_hold", "x", **held)  # type: ignore[arg-type]
    retention.run(job(office), PERIOD)


def with_clock(database: Database, shift: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of this person in a process of its own, whose clock is false."""
    database.close()
    keep = {name: value for name, value in os.environ.items() if not name.startswith("PLATESTREAM_")}
    more = {"PLATESTREAM_CLICKHOUSE": database.dsn, "PLATESTREAM_DATA": str(database.data)}
    command = ["faketime", "-f", shift, sys.executable, "-m", "platestream", *words]
    return subprocess.run(command, env=keep | more, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.skipif(shutil.which("faketime") is None and "CI" not in os.environ, reason="no faketime here")
def test_commands_whose_clock_is_false_delete_nothing_and_hold_by_the_databases_clock(
    own_database: Database,
) -> None:
    """By libfaketime, which the process sees, and the engine inside it does not."""
    me = system_account()
    staffed(own_database, person(me), person("chief", "administrator"))
    own_database.put(tables.DETECTIONS, read(DAY), read(29 * DAY))
    own_database.data.mkdir(parents=True, exist_ok=True)
    retention.run(job(own_database), PERIOD)
    for shift in ("+40d", "-3y"):
        ran = with_clock(own_database, shift, "retention", "run")
        assert (ran.returncode, "the clock of the job's machine" in ran.stderr) == (1, True), ran.stderr
        assert "the clock of the job's machine" in clock_guard.read_note(own_database.data)[0]
        assert count(own_database) == 2
    terms = ("--case", "26-001234", "--authority", "Chief", "--schedule", "felony", READ.plate)
    ran = with_clock(own_database, "-3y", "evidence", "hold", *terms)
    assert ran.returncode == 0, ran.stderr
    ((held, released),) = own_database.rows("SELECT held_at, release_at FROM platestream.evidence_holds")
    assert abs(held - now()) < timedelta(minutes=5)
    assert released > now() + 3640 * DAY


def test_status_says_that_the_clock_stopped_the_job(
    office: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.data.mkdir(parents=True, exist_ok=True)
    with monkeypatch.context() as patched:
        pretend(patched, 40 * DAY)
        with pytest.raises(retention.ClockStopped):
            retention.run(job(office), PERIOD)
    (said,) = clock_guard.read_note(office.data)
    assert "the clock may be wrong" in said
    retention.run(job(office), PERIOD)
    assert clock_guard.read_note(office.data) == []


def test_a_receipt_of_an_older_release_has_no_clock_and_the_job_goes_on(office: Database) -> None:
    record = json.loads(_last(office).record)
    del record["clock"]
    records.put(job(office), "retention", record)
    assert retention.read_receipt(retention.run(job(office), PERIOD)).clock is not None


def _seen(at: datetime, boot: Boot) -> ClockMeasurements:
    return ClockMeasurements(at=at, machine=at, boot=boot)


def _last(database: Database) -> LedgerEntry:
    found = ledger.last(database.client(), "retention", "run", retention.Receipt)
    assert found is not None
    return found[0]


def _everything(database: Database) -> str:
    staffed(database, person("all"))
    return "all"


def _future_row(database: Database) -> None:
    database.client().command(
        "INSERT INTO platestream.inquiry_log SELECT * REPLACE (now64(6) + INTERVAL 3 YEAR AS at,"
        " generateUUIDv4() AS entry, generateUUIDv4() AS inquiry_id, 'shift_show' AS kind)"
        " FROM platestream.inquiry_log LIMIT 1"
    )
