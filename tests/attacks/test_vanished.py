"""Frames and detections that vanish early or survive late: what the owner and a gateway's operator try."""

import shutil
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from platestream.cameras.spool import OVERHEAD, Spool
from platestream.edges.clickhouse_client import SEALER
from platestream.edges.inquiry_log import seal_new
from platestream.operators.frame_counts import count_held
from platestream.retention import period_proof, tally
from platestream.retention import service as retention
from platestream.schemas import tables
from platestream.schemas.frame import Frame
from platestream.schemas.frame_count import FRAME_COUNT, FrameCount
from platestream.transparency_log.period import PeriodReport
from platestream.transparency_log.verify import reader_of, verify_period
from tests.support.agency import Agency as Followed
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of
from tests.support.flows import READ, frame_message
from tests.support.published import Agency

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
EPOCH = "0123456789abcdef"
WAIT = {"mutations_sync": 2}
READS = [
    msgspec.structs.replace(
        READ,
        detection_id=UUID(int=number),
        camera_id="cam",
        plate=f"AAA100{number}",
        captured_at=NOW - number * DAY,
    )
    for number in range(1, 5)
]
PERIOD = f"{NOW - 45 * DAY:%Y-%m-%d}..{NOW + DAY:%Y-%m-%d}"
IN_TWO_HOURS = 2 * HOUR


def frame(number: int, epoch: str = EPOCH, device: int | None = None, **lost: int) -> Frame:
    made = frame_message(3, number / 10)
    count = msgspec.json.encode(FrameCount(epoch, number, lost, device)).decode()
    return Frame.from_message(
        msgspec.structs.replace(made, headers={**made.headers, FRAME_COUNT: count, "frame-id": str(uuid4())})
    )


def arrive(database: Database, frames: Iterable[Frame]) -> None:
    database.put(tables.FRAMES_COUNTED, *map(count_held, frames))


def sent(spool: Spool) -> list[Frame]:
    """Take everything out of a spool, as the sender does."""
    batch = spool.take(10_000)
    spool.done(batch)
    return [Frame.from_message(one.message) for one in batch]


def put(spool: Spool, count: int) -> None:
    for number in range(count):
        made = frame_message(3, number)
        spool.put(
            "cam", msgspec.structs.replace(made, headers={**made.headers, "frame-id": str(uuid4())}), number
        )


def seal(database: Database, after: timedelta = timedelta(0)) -> None:
    tally.seal(retention.start_scheduled(door_of(database)), datetime.now(UTC) + after)


def prove(database: Database, period: str = PERIOD) -> PeriodReport:
    return period_proof.prove(door_of(database), period, reason="Quarterly review of counts").report


def sql(database: Database, *texts: str) -> None:
    for text in texts:
        database.client().command(text, settings=WAIT)


@pytest.fixture
def counted(database: Database) -> Database:
    """An hour with four detections, sealed, and a following one with ten frames that is not sealed yet."""
    database.put(tables.DETECTIONS, *READS)
    sql(database, "ALTER TABLE platestream.tallied UPDATE tallied_at = tallied_at - INTERVAL 2 HOUR WHERE 1")
    seal(database)
    arrive(database, [frame(number) for number in range(1, 11)])
    return database


def test_a_complete_period_has_no_fault(counted: Database) -> None:
    arrive(counted, [frame(12, full=1)])
    seal(counted, IN_TWO_HOURS)
    report = prove(counted)
    assert report.faults == []
    (cam,) = report.cameras
    assert (cam.frames, cam.lost, cam.missing) == (11, 1, 0)
    assert (cam.detections, cam.deleted, cam.stored) == (4, 0, 4)


def test_gaps_in_the_numbers_of_a_device_are_reported_and_are_no_fault(counted: Database) -> None:
    arrive(counted, [frame(11, device=7), frame(12, device=9)])
    seal(counted, IN_TWO_HOURS)
    report = prove(counted)
    assert report.faults == []
    assert "cam: 2 of 3 numbers of the device arrived" in report.notes


def test_detections_that_the_owner_deletes_with_their_counts_are_found(counted: Database) -> None:
    seal(counted, IN_TWO_HOURS)
    sql(
        counted,
        "ALTER TABLE platestream.detections DELETE WHERE plate = 'AAA1003'",
        f"ALTER TABLE platestream.tallied DELETE WHERE id = '{UUID(int=3)}'",
    )
    day = READS[2].captured_at
    assert f"cam, {day:%Y-%m-%d}: 1 detection vanished early" in prove(counted).faults


def test_a_detection_that_was_written_past_the_counts_is_found(counted: Database) -> None:
    seal(counted, IN_TWO_HOURS)
    sql(counted, "DROP VIEW platestream.detections_to_tallied")
    counted.put(tables.DETECTIONS, msgspec.structs.replace(READS[1], detection_id=UUID(int=99)))
    assert any("1 detection stored, but never counted" in fault for fault in prove(counted).faults)


def test_a_detection_that_is_kept_too_long_is_found_by_the_agency_and_by_an_outsider(
    counted: Database, tmp_path: Path
) -> None:
    late = msgspec.structs.replace(READS[0], detection_id=UUID(int=50), captured_at=NOW - 40 * DAY)
    counted.put(tables.DETECTIONS, late)
    seal(counted, IN_TWO_HOURS)
    day = f"{late.captured_at:%Y-%m-%d}"
    assert f"cam, {day}: 1 detection still stored, past their time" in prove(counted).faults
    assert any(day in fault and "stored too long" in fault for fault in outsider(counted, tmp_path).faults)


def test_what_the_job_deletes_when_it_is_due_is_no_fault(counted: Database, tmp_path: Path) -> None:
    late = msgspec.structs.replace(READS[0], detection_id=UUID(int=50), captured_at=NOW - 30 * DAY - 2 * HOUR)
    counted.put(tables.DETECTIONS, late)
    retention.run(retention.start_scheduled(door_of(counted)), 30 * DAY)
    seal(counted, IN_TWO_HOURS)
    report = prove(counted)
    assert report.faults == []
    assert (report.cameras[0].deleted, report.cameras[0].stored) == (1, 4)
    assert outsider(counted, tmp_path).faults == []


def test_a_job_that_deletes_early_is_found(counted: Database, tmp_path: Path) -> None:
    retention.run(retention.start_scheduled(door_of(counted)), 3 * DAY + MINUTE)
    seal(counted, IN_TWO_HOURS)
    for report in (prove(counted), outsider(counted, tmp_path)):
        assert any("1 detection deleted before they were due" in fault for fault in report.faults)


def test_frames_that_an_operator_deletes_in_the_spool_are_found_by_the_gap(
    counted: Database, tmp_path: Path
) -> None:
    spool = Spool(tmp_path, 10**9)
    put(spool, 10)
    with sqlite3.connect(tmp_path / "spool.db") as db:
        db.execute("DELETE FROM frames WHERE seq BETWEEN 4 AND 6")
    db.close()
    arrive(counted, [msgspec.structs.replace(one, camera_id="gate") for one in sent(spool)])
    seal(counted, IN_TWO_HOURS)
    assert "gate: 3 frames missing" in prove(counted).notes[0], "they might arrive still"
    seal(counted, 2 * IN_TWO_HOURS)
    (fault,) = prove(counted).faults
    assert fault.startswith("gate: 3 frames missing by")
    assert "numbers 4-6 of" in fault
    found = Followed(counted, tmp_path / "data").results("rows")["rows"]
    assert found.outcome == "not_held"
    assert fault in found.faults


def test_frames_that_a_full_spool_lost_are_no_gap(counted: Database, tmp_path: Path) -> None:
    spool = Spool(tmp_path, 4 * (len(frame_message(3, 0).value or b"") + OVERHEAD))
    put(spool, 10)
    put(spool, 1)  # reports the losses before it
    arrive(counted, [msgspec.structs.replace(one, camera_id="gate") for one in sent(spool)])
    seal(counted, IN_TWO_HOURS)
    report = prove(counted)
    assert report.faults == []
    assert {one.camera: one.lost for one in report.cameras}["gate"] == 7


def test_a_counter_that_begins_again_is_found(counted: Database) -> None:
    seal(counted, IN_TWO_HOURS)
    arrive(counted, [frame(number, "fedcba9876543210") for number in range(1, 4)])
    moved(counted, "epoch = 'fedcba9876543210'")
    seal(counted, 2 * IN_TWO_HOURS)
    assert any("cam: its counter began again by" in fault for fault in prove(counted).faults)


def test_a_spool_that_was_put_back_is_found(counted: Database, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "one", 10**9)
    put(spool, 3)
    spool.close()
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    for folder in ("one", "copy"):
        spool = Spool(tmp_path / folder, 10**9)
        put(spool, 2)
        arrive(counted, [msgspec.structs.replace(one, camera_id="gate") for one in sent(spool)])
    seal(counted, IN_TWO_HOURS)
    assert any("gate: 2 numbers used for two frames" in fault for fault in prove(counted).faults)


def test_frames_whose_number_was_taken_off_are_found(counted: Database) -> None:
    seal(counted, IN_TWO_HOURS)
    arrive(counted, [Frame.from_message(frame_message(3, 77))])
    moved(counted, "epoch = ''")
    seal(counted, 2 * IN_TWO_HOURS)
    assert any("cam: 1 frame without a number by" in fault for fault in prove(counted).faults)


def test_counts_that_are_altered_after_their_seal_are_found(counted: Database) -> None:
    arrive(counted, [frame(13)])
    seal(counted, IN_TWO_HOURS)
    seal(counted, 2 * IN_TWO_HOURS)
    assert any("cam: 2 frames missing" in fault for fault in prove(counted).faults)
    sql(
        counted,
        "ALTER TABLE platestream.ledger UPDATE record = replace(record, '\"last\":13', '\"last\":11')"
        " WHERE kind = 'tally'",
    )
    faults = prove(counted).faults
    assert not any("missing" in fault for fault in faults)
    assert any("is not what was written" in fault for fault in faults)


def test_an_outsider_finds_published_counts_that_were_altered_or_left_out(
    counted: Database, tmp_path: Path
) -> None:
    seal(counted, IN_TWO_HOURS)
    arrive(counted, [frame(11)])
    moved(counted, "number = 11")
    seal(counted, 2 * IN_TWO_HOURS)
    assert outsider(counted, tmp_path).faults == []
    (file,) = (tmp_path / "log" / "public" / "counts").glob("*.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)
    assert len(lines) == 3
    assert b"AAA100" not in file.read_bytes()
    file.write_bytes(lines[0] + lines[2])
    assert any("are followed by those from" in fault for fault in judged(counted, tmp_path).faults)
    file.write_bytes(b"".join(lines).replace(b'\\"last\\":10', b'\\"last\\":12'))
    with pytest.raises(ValueError, match="the counts are not those that were sealed"):
        judged(counted, tmp_path)
    other = [msgspec.json.decode(line) for line in lines]
    other[1]["inquiry"]["who"] = "nobody"
    file.write_bytes(b"\n".join(map(msgspec.json.encode, other)))
    assert any("not what was published" in fault for fault in judged(counted, tmp_path).faults)


def moved(database: Database, where: str) -> None:
    """Let frames arrive 150 minutes later."""
    columns = "camera_id, epoch, number, mark, outcome, lost, device"
    sql(
        database,
        f"INSERT INTO platestream.frames_counted ({columns}, counted_at)"
        f" SELECT {columns}, counted_at + INTERVAL 150 MINUTE FROM platestream.frames_counted WHERE {where}",
        f"ALTER TABLE platestream.frames_counted DELETE WHERE {where} AND counted_at < now() + toIntervalHour(1)",  # noqa: E501
    )


def log_of(database: Database, folder: Path) -> Agency:
    return Agency(database, folder / "log")


def outsider(database: Database, folder: Path) -> PeriodReport:
    """Publish, and judge by the published files alone."""
    seal_new(database.client(SEALER))
    log_of(database, folder).publish()
    return judged(database, folder)


def judged(database: Database, folder: Path) -> PeriodReport:
    log = log_of(database, folder)
    verdict = verify_period(reader_of(str(log.found.folder.root)), log.key, PERIOD, datetime.now(UTC))
    return replace(verdict.report, faults=verdict.result.faults)
