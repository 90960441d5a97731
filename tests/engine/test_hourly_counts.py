"""Hourly counts by camera, as they are sealed: first rows count, whatever is played again."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from platestream.edges.clickhouse_client import ACCESS_DENIED, INGEST, RETENTION
from platestream.ledger import store as ledger
from platestream.retention import hourly_counts, tally
from platestream.retention import service as retention
from platestream.schemas import tables
from platestream.schemas.frame_count import CountedFrame
from platestream.schemas.tally import Counts, FrameTally, Tally
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of
from tests.support.flows import detection

EPOCH = "0123456789abcdef"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def frame(
    number: int, lost: str = "", epoch: str = EPOCH, mark: int = 0, outcome: str = "read"
) -> CountedFrame:
    return CountedFrame(
        camera_id="cam", outcome=outcome, epoch=epoch, number=number, mark=mark or number, lost=lost
    )


def put(database: Database, *frames: CountedFrame) -> None:
    database.put(tables.FRAMES_COUNTED, *frames)


def sealed(database: Database) -> Counts:
    """Let two hours pass, and seal."""
    for table, column in (
        ("frames_counted", "counted_at"),
        ("tallied", "tallied_at"),
        ("expired_counts", "at"),
    ):
        rows = f"SELECT * REPLACE ({column} - INTERVAL 2 HOUR AS {column}) FROM platestream.{table}"
        database.client().command(f"CREATE TABLE platestream.past AS platestream.{table}")
        database.client().command(f"INSERT INTO platestream.past {rows}")
        database.client().command(f"EXCHANGE TABLES platestream.past AND platestream.{table}")
        database.client().command("DROP TABLE platestream.past SYNC")
    tally.seal(retention.start_scheduled(door_of(database)), datetime.now(UTC))
    return last(database)


def last(database: Database) -> Counts:
    found = ledger.last(database.client(RETENTION), "retention", "tally", Tally)
    assert found is not None
    counts = found[1].counts
    assert counts is not None
    return counts


def test_frames_are_counted_by_their_first_row_and_gaps_are_named(database: Database) -> None:
    put(database, *(frame(number) for number in (1, 2, 5, 6)))
    put(database, frame(2), frame(6, outcome="engine"), frame(7, '{"full":1,"refused":1}', outcome="corrupt"))
    (found,) = sealed(database).frames
    assert found == FrameTally(
        camera="cam",
        epoch=EPOCH,
        frames=5,
        outcomes={"corrupt": 1, "read": 4},
        gaps=[(3, 4)],
        last=7,
        arrived=5,
        lost={"full": 1, "refused": 1},
    )
    assert found.missing == 0


def test_two_frames_of_one_number_are_counted(database: Database) -> None:
    put(database, frame(1), frame(2), frame(2, mark=77), frame(2, mark=77))
    (found,) = sealed(database).frames
    assert (found.frames, found.twice, found.missing) == (2, 1, 0)


def test_frames_without_a_number_are_counted_apart(database: Database) -> None:
    put(database, frame(1), frame(8, epoch=""), frame(2**62, epoch="", mark=1))
    by_epoch = {one.epoch: one for one in sealed(database).frames}
    assert (by_epoch[""].frames, by_epoch[""].missing, by_epoch[EPOCH].frames) == (2, 0, 1)


def test_totals_go_on_from_hour_to_hour_and_begin_with_what_came_first(database: Database) -> None:
    past = Tally(
        since=NOW, until=NOW, days=[],
        counts=Counts(retained_s=1, passes=[], expired=[], frames=[
            FrameTally(camera="cam", epoch=EPOCH, base=90, last=100, arrived=8, lost={"full": 1}),
            FrameTally(camera="silent", epoch=EPOCH, last=3, arrived=3, frames=3),
        ]),
    )  # fmt: skip
    put(
        database,
        frame(101, '{"full":1}'),
        frame(99),
        msgspec.structs.replace(frame(41, '{"full":10}'), camera_id="new"),
    )
    client, now = database.client(RETENTION), datetime.now(UTC)
    counts = hourly_counts.count(client, now - HOUR, now + HOUR, past, DAY)
    by_camera = {one.camera: one for one in counts.frames}
    assert past.counts is not None
    assert past.counts.frames[0].missing == 1, "a frame that came late"
    assert (by_camera["cam"].missing, by_camera["cam"].last, by_camera["cam"].arrived) == (0, 101, 10)
    assert by_camera["silent"].frames == 0
    assert by_camera["silent"].last == 3
    assert (by_camera["new"].base, by_camera["new"].missing) == (30, 0)


def test_detections_are_counted_when_written_first_and_when_they_expire(database: Database) -> None:
    old, new = (
        msgspec.structs.replace(detection("AAA1001", second), captured_at=at)
        for second, at in ((1, NOW - 40 * DAY), (2, NOW - DAY))
    )
    database.put(tables.DETECTIONS, old, new)
    database.put(tables.DETECTIONS, new)
    counts = sealed(database)
    passes = {one.hour: one.cameras for one in counts.passes}
    hour = timedelta(minutes=NOW.minute, seconds=NOW.second, microseconds=NOW.microsecond)
    assert passes == {NOW - 40 * DAY - hour: {"cam": 1}, NOW - DAY - hour: {"cam": 1}}
    assert counts.expired == []
    client = database.client(RETENTION)
    for _run in range(2):  # the first was interrupted before its receipt, and deleted nothing
        hourly_counts.note_expiring(client, uuid4(), NOW - 30 * DAY, tally.LAST)
    assert database.rows("SELECT hour, detections FROM platestream.expired_counts") == [
        (NOW - 40 * DAY - hour, 1)
    ]


def test_after_a_receipt_everything_that_is_due_counts(database: Database) -> None:
    job = retention.start_scheduled(door_of(database))
    late = msgspec.structs.replace(detection("AAA1001", 1), captured_at=NOW - 40 * DAY)
    database.put(tables.DETECTIONS, late)
    retention.run(job, 30 * DAY, NOW)
    database.put(tables.DETECTIONS, msgspec.structs.replace(late, detection_id=uuid4()))
    retention.run(job, 30 * DAY, NOW)
    assert database.value("SELECT sum(detections) FROM platestream.expired_counts") == 2
    client, now = database.client(RETENTION), datetime.now(UTC)
    counts = hourly_counts.count(client, now - HOUR, now + HOUR, None, 30 * DAY)
    assert [one.cameras for one in counts.expired] == [{"cam": 2}]


@pytest.mark.parametrize("column", ["number", "lost"])
def test_the_flows_write_counts_and_read_none(database: Database, column: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        database.client(INGEST).query(f"SELECT {column} FROM platestream.frames_counted")
    assert refused.value.code == ACCESS_DENIED
