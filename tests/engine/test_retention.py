import json
import os
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from docs.generators.catalogue import example
from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.cameras import picture_files
from platestream.edges.clickhouse_client import AUDITOR, RETENTION
from platestream.edges.files import FileTopics
from platestream.ledger import store as ledger
from platestream.retention import recovery_stores
from platestream.retention import service as retention
from platestream.runtime.faults import Faults
from platestream.runtime.metrics import REGISTRY
from platestream.schemas import tables, topics
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.detection import Detection
from platestream.schemas.message import Message
from platestream.schemas.topics import Topic
from tests.support import clock
from tests.support.database import Database
from tests.support.door import door_of, person, staffed
from tests.support.hit_actions import action

PERIOD = timedelta(days=30)
# The last half past noon: a boundary lies inside a day and an hour whenever the test runs, and no capture is
# later than its arrival, which would then be what it is dated by.
NOW = (clock.NOW - timedelta(hours=12, minutes=30)).replace(hour=12, minute=30, second=0, microsecond=0)
READ = Detection.from_json(bytes(example("detection").accepted))
HIT = AlertHit.from_json(bytes(example("alert_hit").accepted))
DEAD = DeadLetter.from_json(bytes(example("dead_letter").accepted))


def read(plate: str, age: timedelta) -> Detection:
    return msgspec.structs.replace(
        READ, detection_id=uuid4(), plate=plate, captured_at=NOW - age, crop=plate.encode() * 9
    )


@pytest.fixture
def database(own_database: Database) -> Database:
    """Its files are looked at, and its work in the background is stopped."""
    return own_database


def job(database: Database) -> Door:
    """The job that runs by the clock."""
    return retention.start_scheduled(door_of(database))


def put(database: Database, *reads: Detection) -> None:
    database.put(tables.DETECTIONS, *reads)
    database.put(tables.IMAGES, *reads)
    hits = [msgspec.structs.replace(HIT, hit_id=uuid4(), detection=one) for one in reads]
    database.put(tables.ALERT_HITS, *hits)


def receipt(database: Database, **options: Any) -> dict[str, Any]:
    entry = retention.run(job(database), options.pop("period", PERIOD), NOW, **options)
    return dict(json.loads(entry.record))


def left(database: Database, table: str) -> int:
    return int(database.value(f"SELECT uniqExact(detection_id) FROM platestream.{table}"))


def on_disk(folder: Path, text: bytes) -> bool:
    return any(text in file.read_bytes() for file in folder.rglob("*") if file.is_file())


def seconds_until_gone(folder: Path, text: bytes, within: float) -> float:
    began = time.monotonic()
    while on_disk(folder, text):
        if time.monotonic() - began > within:
            pytest.fail(f"still on the disk after {within} s")
        time.sleep(0.2)
    return time.monotonic() - began


def _ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def test_what_is_30_days_old_is_deleted_and_the_receipt_says_what_went_and_what_is_oldest(
    database: Database,
) -> None:
    whole, boundary = read("OLD0001", timedelta(days=33)), read("OLD0002", timedelta(days=30, hours=2))
    kept = read("NEW0001", timedelta(days=30) - timedelta(hours=2))
    put(database, whole, boundary, kept, read("NEW0002", timedelta(days=1)))
    result = receipt(database)
    assert result["deleted"] == {
        **{"detections": 2, "alert_hits": 2, "images": 4},
        **{"tallied": 8, "dead_letters": 0, "frames_counted": 0, "expired_counts": 0},
    }
    assert result["dropped"]["detections"] == [f"{whole.captured_at:%Y%m%d}"]
    assert len(result["dropped"]["images"]) == 2, "pictures go by the hour"
    assert [left(database, table) for table in ("detections", "alert_hits", "images")] == [2, 2, 2]
    for table in ("detections", "alert_hits", "images"):
        assert datetime.fromisoformat(result["oldest"][table]) == kept.captured_at
    (row,) = database.rows("SELECT cutoff, deleted['images'] FROM platestream.retention_log")
    assert row == (NOW - PERIOD, 4)


def test_pictures_of_the_boundary_hour_go_at_its_end_an_hour_late_at_most(database: Database) -> None:
    put(database, read("EDGE001", timedelta(days=30, minutes=5)))
    assert receipt(database)["deleted"] == {
        "detections": 1,
        "alert_hits": 1,
        "images": 0,
        "tallied": 4,
        "dead_letters": 0,
        "frames_counted": 0,
        "expired_counts": 0,
    }
    entry = retention.run(job(database), PERIOD, NOW + timedelta(minutes=55))
    assert json.loads(entry.record)["deleted"]["images"] == 2


def test_three_minutes_are_kept_to_the_minute(database: Database) -> None:
    put(database, read("OLD0001", timedelta(minutes=4)), read("NEW0001", timedelta(minutes=2)))
    result = receipt(database, period=timedelta(minutes=3))
    assert result["deleted"] == {
        **{"detections": 1, "alert_hits": 1, "images": 2},
        **{"tallied": 4, "dead_letters": 0, "frames_counted": 0, "expired_counts": 0},
    }


def test_pictures_of_a_cameras_fault_go_with_the_period(database: Database) -> None:
    folder = door_of(database).settings.data / "cameras" / picture_files.FOLDER
    folder.mkdir(parents=True)
    for name, days in (("old", 31), ("new", 29)):
        for which in ("before", "after"):
            (folder / f"{name}.{which}").write_bytes(b"a picture")
            at = (NOW - timedelta(days=days)).timestamp()
            os.utime(folder / f"{name}.{which}", (at, at))
    assert f"cameras/{picture_files.FOLDER}: 2" in receipt(database)["files"]
    assert {one.name for one in folder.iterdir()} == {"new.before", "new.after"}


def test_dead_letters_keep_a_week_and_never_longer_than_the_period(database: Database) -> None:
    database.put(tables.DEAD_LETTERS, DEAD)
    client = job(database)
    for later, gone in ((timedelta(days=6), 0), (timedelta(days=8), 1)):
        entry = retention.run(client, PERIOD, datetime.now(UTC) + later)
        assert json.loads(entry.record)["deleted"]["dead_letters"] == gone
    database.put(tables.DEAD_LETTERS, msgspec.structs.replace(DEAD, offset=DEAD.offset + 1))
    entry = retention.run(client, timedelta(days=1), datetime.now(UTC) + timedelta(days=2))
    assert json.loads(entry.record)["deleted"]["dead_letters"] == 1


def test_receipts_are_a_chain_that_the_inquiry_log_knows_of(database: Database) -> None:
    for _run in range(3):
        receipt(database)
    entries = ledger.read(database.client(AUDITOR), "retention")
    assert [(one.number, one.kind) for one, _hash in entries] == [
        (1, "tally"),
        *((number, "run") for number in (2, 3, 4)),
    ]
    assert ledger.verify(database.client(AUDITOR)) == []
    database.client().command(
        "ALTER TABLE platestream.ledger DELETE WHERE number = 2", settings={"mutations_sync": 2}
    )
    faults = ledger.verify(database.client(AUDITOR))
    assert any("retention 2: missing" in fault for fault in faults)
    assert any("in the inquiry log, not in the ledger" in fault for fault in faults)


def test_a_receipt_that_is_changed_cut_off_or_slipped_in_is_found(database: Database) -> None:
    receipt(database)
    receipt(database)
    change = "ALTER TABLE platestream.ledger UPDATE record = '{}' WHERE number = 1"
    database.client().command(change, settings={"mutations_sync": 2})
    assert any("retention 1: is not what was written" in one for one in ledger.verify(database.client()))
    cut = "ALTER TABLE platestream.ledger DELETE WHERE 1"
    database.client().command(cut, settings={"mutations_sync": 2})
    assert len(ledger.verify(database.client())) == 3, "each run is known to the inquiry log, and the count"
    database.entry(ledger.following(database.client(), "audit", "draw", "nobody", {}))
    assert "audit 1: not in the inquiry log" in ledger.verify(database.client())


def test_bytes_of_what_is_past_are_off_the_disk_when_the_job_has_run(
    database: Database, record_property: Any
) -> None:
    reads = [
        read("CNRYDAY", timedelta(days=33)),
        read("CNRYEDGE", timedelta(days=30, hours=2)),
        read("CNRYHOUR", timedelta(days=30, minutes=45)),
    ]
    put(database, *reads)
    database.put(tables.DEAD_LETTERS, msgspec.structs.replace(DEAD, value=b"CNRYDEAD"))
    marks = [b"CNRYDAY", b"CNRYEDGE", b"CNRYDEAD", *stored_pictures(database)]
    assert all(on_disk(database.folder, mark) for mark in marks)
    began = time.monotonic()
    retention.run(job(database), PERIOD, NOW + timedelta(days=8))
    took = {mark[:8]: seconds_until_gone(database.folder, mark, 1.0) for mark in marks}
    record_property("seconds until bytes are gone", took)
    record_property("seconds that the job took", time.monotonic() - began)
    print(took)


def stored_pictures(database: Database) -> list[bytes]:
    """Bytes of each picture as it is stored."""
    asked = "SELECT substring(jpeg, 61, 40) AS mark FROM platestream.images ORDER BY captured_at"
    rows = database.client().query(asked, column_formats={"mark": "bytes"}).result_rows
    return [mark for (mark,) in rows]


def test_the_boundary_of_thirty_days_is_cleared_too(database: Database) -> None:
    put(
        database, read("CNRYEDGE", timedelta(days=30, hours=2)), read("KEPT001", timedelta(days=29, hours=23))
    )
    *past, _crop, picture = stored_pictures(database)
    receipt(database)
    for mark in (b"CNRYEDGE", *past[:2]):
        seconds_until_gone(database.folder, mark, 1.0)
    assert on_disk(database.folder, picture)


def test_bytes_that_a_killed_run_left_go_with_the_next_that_deletes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.put(tables.DEAD_LETTERS, msgspec.structs.replace(DEAD, value=b"CNRYDEAD"))
    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", _killed)
        with pytest.raises(KeyboardInterrupt):
            retention.run(job(database), PERIOD, NOW + timedelta(days=8))
    assert on_disk(database.folder, b"CNRYDEAD")
    retention.run(job(database), PERIOD, NOW + timedelta(days=8))
    assert not on_disk(database.folder, b"CNRYDEAD")


def _killed(_seconds: float) -> None:
    raise KeyboardInterrupt


def test_messages_of_topics_go_by_the_shorter_of_topic_and_period(tmp_path: Path) -> None:
    kept: tuple[Topic[Any], ...] = (topics.FRAMES, topics.DETECTIONS, topics.INQUIRIES)
    for age in (0, 1, 3, 9):
        files = FileTopics(tmp_path, follow=False, now=partial(_ago, age))
        for topic in kept:
            files.append(topic, [Message(b"k", b"v")])
    gone = set(retention._purge_topics(tmp_path, PERIOD, NOW, Faults()))
    assert gone == {"frames: 2", "detections: 1"}
    assert set(retention._purge_topics(tmp_path, timedelta(hours=30), NOW, Faults())) == {"detections: 1"}


def test_forgotten_state_leaves_the_recovery_store_and_old_stores_go(tmp_path: Path) -> None:
    for flow in ("recognize", "audit"):
        (tmp_path / flow).mkdir()
        with sqlite3.connect(tmp_path / flow / "part-0.sqlite3") as store:
            store.execute("CREATE TABLE snaps (state BLOB)")
            store.execute("INSERT INTO snaps VALUES (?)", [b"CANARY1" * 2000])
        with sqlite3.connect(tmp_path / flow / "part-0.sqlite3") as store:
            store.execute("PRAGMA secure_delete = OFF")  # as in the library that Bytewax brings
            store.execute("DELETE FROM snaps")
        assert b"CANARY1" in (tmp_path / flow / "part-0.sqlite3").read_bytes()
    assert recovery_stores.clean(tmp_path, PERIOD, NOW, Faults()) == []
    assert b"CANARY1" not in (tmp_path / "recognize" / "part-0.sqlite3").read_bytes()
    (removed,) = recovery_stores.clean(tmp_path, PERIOD, NOW + timedelta(days=15), Faults())
    assert removed.startswith("recognize: removed")
    assert (tmp_path / "audit").exists(), "its store holds seal numbers, no plate"


def test_a_store_that_a_flow_holds_is_left_for_the_next_run(tmp_path: Path) -> None:
    (tmp_path / "match").mkdir()
    held = sqlite3.connect(tmp_path / "match" / "part-0.sqlite3", isolation_level=None)
    held.execute("CREATE TABLE snaps (state BLOB)")
    held.execute("BEGIN EXCLUSIVE")
    assert recovery_stores.clean(tmp_path, PERIOD, NOW, Faults()) == ["match: in use, left"]
    held.close()


def test_use_of_the_system_is_kept_without_a_plate_when_its_detections_are_gone(database: Database) -> None:
    day = read("OLD0001", timedelta(days=29))
    put(database, day, read("OLD0002", timedelta(days=29)))
    receipt(database)
    retention.run(job(database), PERIOD, NOW + timedelta(days=2))
    assert left(database, "detections") == 0
    (row,) = database.rows("SELECT day, camera_id, passes, hits FROM platestream.utilization FINAL")
    assert row == (day.captured_at.date(), day.camera_id, 2, 2)


def test_a_row_of_721_hours_is_in_no_view(database: Database) -> None:
    old = msgspec.structs.replace(
        READ, detection_id=uuid4(), plate="OLD0001", captured_at=datetime.now(UTC) - timedelta(hours=721)
    )
    put(database, old)
    asked: dict[str, Any] = {"since": datetime.now(UTC) - timedelta(days=60), "pattern": "OLD0001"}
    assert database.look("search", database.ask(**asked)) == []
    assert database.look("hits", database.ask(kind="hits", **asked)) == []
    picture = database.ask(kind="picture", other=str(old.detection_id), since=asked["since"])
    assert database.look("picture", picture) == []


def test_the_job_can_delete_by_age_and_read_no_plate_and_no_picture(database: Database) -> None:
    client = database.client(RETENTION)
    for column, table in (("plate", "detections"), ("jpeg", "images"), ("plate", "alert_hits")):
        with pytest.raises(DatabaseError) as refused:
            client.query(f"SELECT {column} FROM platestream.{table}")
        assert refused.value.code == 497


def test_the_job_shows_how_often_hits_were_right(database: Database) -> None:
    hit = AlertHit.from_json(bytes(example("alert_hit").accepted))
    seen = msgspec.structs.replace(hit.detection, captured_at=datetime.now(UTC))
    for number, kind in enumerate(("plate_and_state_confirmed", "misread"), 1):
        one = msgspec.structs.replace(hit, hit_id=UUID(int=number), detection=seen)
        database.put(tables.HIT_FACTS, one)
        database.put(tables.HIT_ACTIONS, action(kind, number=number, hit=one.hit_id))  # type: ignore[arg-type]
    retention._show_precision(database.client(RETENTION), datetime.now(UTC))
    shown = {
        bound: REGISTRY.get_sample_value(
            "platestream_hit_precision_ratio", {"source": hit.entry.source, "bound": bound}
        )
        for bound in ("share", "low", "high")
    }
    assert shown == {"share": 0.5, "low": 0.0945, "high": 0.9055}


def test_a_run_by_the_clock_is_the_machines_and_one_by_hand_the_persons(database: Database) -> None:
    staffed(database, person("chief", "administrator"), person("vale", "officer"))
    put(database, read("OLD0001", timedelta(minutes=4)))
    with pytest.raises(RefusedInquiry, match="administrator"):
        retention.run(door_of(database, "vale"), timedelta(minutes=3), NOW)
    assert left(database, "detections") == 1, "what is refused deletes nothing"
    retention.run(door_of(database, "chief"), timedelta(minutes=3), NOW)
    retention.run(retention.start_scheduled(door_of(database, "chief")), timedelta(minutes=3), NOW)
    rows = database.rows(
        "SELECT who, outcome, automatic, set_off_by FROM platestream.inquiry_log ORDER BY at"
    )
    assert rows == [
        ("vale", "refused", False, ""),
        ("chief", "allowed", False, ""),
        ("retention", "allowed", True, "chief"),
        *[("chief", "allowed", False, "")] * 2,  # the receipt, and the start of the job
        *[("retention", "allowed", True, "chief")] * 2,
    ]
    assert [entry.who for entry, _hash in ledger.read(database.client(AUDITOR), "retention")] == [
        "retention",
        "chief",
        "retention",
    ]
