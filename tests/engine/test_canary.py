"""A marked vehicle goes in through the front door; 31 days later nothing of it is left, except what was held.

Frames go through the real flows on the embedded edge: topics as files, chDB on the disk, recovery stores.
"""

import base64
import binascii
import json
import logging
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import prometheus_client
import pytest
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platestream.access import gate, inquire
from platestream.edges.changelog import newest, publish
from platestream.edges.clickhouse import ClickHouseTables
from platestream.edges.clickhouse_client import ANALYST
from platestream.edges.edge import Edge
from platestream.edges.files import FileTopics
from platestream.edges.sealed_topics import SealedTopics
from platestream.evidence import export as exporting
from platestream.evidence import hold as holding
from platestream.flows import audit_flow, match_flow, recognize_flow
from platestream.keys.envelope import is_sealed
from platestream.keys.key_folder import UNSEALED, KeyDestroyedError, KeyFolder, Sealer
from platestream.keys.pieces import open_picture
from platestream.retention import service as retention
from platestream.schemas import topics
from platestream.schemas.hotlist import HotListChange
from platestream.schemas.message import Message
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.door import door_of
from tests.support.flows import LISTED, ScriptedReader, run
from tests.support.hit_actions import action

LATER = NOW + timedelta(days=31)
PERIOD = timedelta(days=30)
GONE, HELD = "CNR7Y42", "HKT7Y43"  # no character that is folded into another
COMMENT = b"picture of the marked vehicle"
LEVELS = {5: GONE, 9: HELD}
STORED = "SELECT detection_id, kind, jpeg FROM platestream.images"
WHY: inquire.ActorDocumentation = {"who": "smith", "case_number": "26-001234"}


@dataclass
class Agency:
    """The embedded edge at a time."""

    database: Database
    data: Path
    encrypted: bool = False
    now: datetime = NOW

    @property
    def topics(self) -> SealedTopics:
        return self.topics_in(self.data)

    def topics_in(self, folder: Path) -> SealedTopics:
        """The topics below a folder, read with the keys that are there today."""
        return SealedTopics(FileTopics(folder, follow=False, now=lambda: self.now), self.keys)

    @property
    def keys(self) -> Sealer:
        return KeyFolder(self.data / "keys", now=lambda: self.now) if self.encrypted else UNSEALED

    def run(self, build: Any, *more: Any) -> None:
        """A flow to its end, on its own recovery store."""
        tables = ClickHouseTables(self.database.dsn, follow=False)
        flow: Dataflow = build(Edge(self.topics, tables, self.keys), *more, now=lambda: self.now)
        store = self.data / "recovery" / flow.flow_id
        if not store.exists():
            store.mkdir(parents=True)
            init_db_dir(store, 1)
        run(flow, RecoveryConfig(str(store), backup_interval=timedelta(0)))

    def retain(self) -> None:
        retention.run(retention.start_scheduled(door_of(self.database, data=self.data)), PERIOD, self.now)


def jpeg(level: int) -> bytes:
    """A noisy picture that a ScriptedReader reads as `level`, with COMMENT in its bytes."""
    noise = np.random.default_rng(level).integers(-20, 21, (120, 480, 3))
    done, encoded = cv2.imencode(".jpg", (level * 10 + noise).astype(np.uint8))
    assert done
    comment = b"\xff\xfe" + (len(COMMENT) + 2).to_bytes(2, "big") + COMMENT
    data = encoded.tobytes()
    return data[:2] + comment + data[2:]


def frame(level: int, camera: str, image: bytes | None = None) -> Message:
    at = NOW - timedelta(minutes=5)
    fields = {"camera-id": camera, "captured-at": at.isoformat(), "latitude": "34.5", "longitude": "-109.4"}
    return Message(camera.encode(), image or jpeg(level), fields, at)


def layers(raw: bytes) -> Iterator[bytes]:
    """What is in a part of a message: itself, and all that is packed in it as base64 or JSON."""
    yield raw
    try:
        value = json.loads(raw)
    except ValueError:
        return
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            todo += [*item, *item.values()]
        elif isinstance(item, list):
            todo += item
        elif isinstance(item, str):
            try:
                yield from layers(base64.b64decode(item, validate=True))
            except binascii.Error:
                continue


def holding_any(folder: Path, marks: Iterable[bytes]) -> set[str]:
    """Files below `folder` that hold one of the marks, relative to it."""
    found = set()
    wanted = list(marks)
    for file in (path for path in folder.rglob("*") if path.is_file()):
        parts = [file.read_bytes(), *(packed(file) if file.parent.name == "topics" else ())]
        if any(mark in part for part in parts for mark in wanted):
            found.add(str(file.relative_to(folder)))
    return found


def packed(file: Path) -> Iterator[bytes]:
    """What the messages of a topic's file hold."""
    if file.suffix == ".sqlite3":
        with closing(sqlite3.connect(file)) as topic:
            for row in topic.execute("SELECT key, headers, value FROM messages").fetchall():
                for part in row:
                    yield from layers(bytes(part or b""))


def tables_with(database: Database, marks: Iterable[bytes]) -> set[str]:
    """Tables of which a row holds one of the marks; each column as the engine gives it out."""
    wanted = list(marks)
    tables = database.rows(
        "SELECT name FROM system.tables WHERE database = 'platestream'"
        " AND engine NOT IN ('View', 'MaterializedView', 'Null')"
    )
    return {
        name
        for (name,) in tables
        if any(
            mark in database.client().raw_query(f"SELECT * FROM platestream.{name}", fmt="RowBinary")
            for mark in wanted
        )
    }


def folders_of(agency: Agency) -> dict[str, str]:
    """Where a table's files are, relative to the database's folder, by table."""
    rows = agency.database.rows("SELECT name, data_paths FROM system.tables WHERE database = 'platestream'")
    root = agency.database.folder
    return {name: str(Path(paths[0]).relative_to(root)) for name, paths in rows if paths}


def take_in(agency: Agency) -> dict[str, list[bytes]]:
    """The vehicles come by, are hit, looked at, acted on, one is held; what marks each of them."""
    listed = [
        msgspec.structs.replace(
            LISTED, entry_id=f"sjpd:{n}", plate=plate, state=None, expires_at=NOW + timedelta(days=20)
        )
        for n, plate in enumerate((GONE, HELD))
    ]
    publish(agency.topics, topics.HOTLIST, [HotListChange(one.entry_id, one) for one in listed])
    frames = [frame(5, "gone"), frame(9, "held"), frame(5, "gone", jpeg(5)[:3000])]
    agency.topics.append(topics.FRAMES, frames)
    agency.run(recognize_flow.build, ScriptedReader({level: [plate] for level, plate in LEVELS.items()}))
    agency.run(match_flow.build)

    read = {
        one.plate: one for one in map(topics.DETECTIONS.decode, agency.topics.read_to_end(topics.DETECTIONS))
    }
    assert set(read) == {GONE, HELD}
    hits = [topics.ALERT_HITS.decode(one) for one in agency.topics.read_to_end(topics.ALERT_HITS)]
    assert {hit.detection.plate for hit in hits} == {GONE, HELD}
    done = [action("plate_and_state_confirmed", at=NOW, hit=hit.hit_id) for hit in hits]
    publish(agency.topics, topics.HIT_ACTIONS, done)
    analyst = agency.database.client(ANALYST)
    gate.search(analyst, "sightings", cameras=["gone", "held"], since=NOW - timedelta(hours=1), **WHY)
    gate.search(analyst, "hits", **WHY)
    seen = read[GONE]
    found = gate.picture(
        analyst, detection_id=seen.detection_id, captured_at=seen.captured_at, keys=agency.keys, **WHY
    )
    assert found == {"crop": seen.crop, "vehicle": seen.picture}
    terms = holding.Terms(
        case_number="26-001234",
        authority="Det. Begay",
        schedule="felony",
    )
    hour: dict[str, Any] = {"since": NOW - timedelta(hours=1), "until": NOW}
    holding.hold(door_of(agency.database, "smith", data=agency.data), terms, cameras=["held"], **hour)
    agency.run(audit_flow.build)
    agency.retain()
    middle = {plate: [one.crop[600:640], one.picture[900:940]] for plate, one in read.items()}
    return {plate: [plate.encode(), *marks] for plate, marks in middle.items()}


def test_nothing_of_a_vehicle_is_left_31_days_later_except_what_was_held(
    migrated: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.DEBUG), copied(migrated, tmp_path) as database:
        agency = Agency(database, tmp_path / "data")
        marks = take_in(agency)
        plates = [GONE.encode(), COMMENT]
        topics_before = holding_any(agency.data, plates)
        written = {Path(name).stem for name in topics_before if Path(name).match("topics/*.sqlite3")}
        assert written == {"frames", "detections", "alert_hits", "dead_letters", "hotlist"}
        assert "recovery/recognize/part-0.sqlite3" in topics_before, "a pass that is remembered"
        held_by = {"detections", "images", "alert_hits", "dead_letters"}
        assert tables_with(database, [*marks[GONE], COMMENT]) == held_by
        assert holding_any(database.folder, marks[GONE][1:]), "pictures lie on the disk as they are"

        agency.now = LATER
        agency.run(match_flow.build)
        agency.retain()
        assert newest(agency.topics, topics.HOTLIST) == {}, "both entries have expired"
        agency.now += timedelta(days=2)
        agency.retain()

        assert tables_with(database, [*marks[GONE], COMMENT]) == set()
        assert tables_with(database, marks[HELD]) == {"evidence_detections", "evidence_images"}
        evidence = {folders_of(agency)[name] for name in ("evidence_detections", "evidence_images")}
    assert holding_any(tmp_path, [*marks[GONE], COMMENT]) == set()
    left = holding_any(tmp_path, marks[HELD])
    assert left, "the evidence is there"
    assert {name for name in left if not any(folder in name for folder in evidence)} == set()
    said = capfd.readouterr()
    figures = prometheus_client.generate_latest().decode()
    for text in (caplog.text, said.out, said.err, figures):
        assert GONE not in text
        assert HELD not in text


def test_a_copy_of_the_disk_is_worthless_once_the_keys_of_its_hours_are_destroyed(
    migrated: Path, tmp_path: Path
) -> None:
    with copied(migrated, tmp_path) as database:
        agency = Agency(database, tmp_path / "data", encrypted=True)
        marks = take_in(agency)
        stolen = tmp_path / "stolen"
        for name in ("topics", "recovery"):
            shutil.copytree(agency.data / name, stolen / name)
        seen = [one for plate in marks for one in marks[plate]] + [COMMENT]
        assert holding_any(stolen, seen) == {"topics/hotlist.sqlite3"}, "only what people listed is plain"
        assert opened(agency, stolen, topics.DETECTIONS) == 2, "who has the keys, too, reads all of it"
        pictures = [COMMENT, *(mark for plate in marks for mark in marks[plate][1:])]
        assert tables_with(database, pictures) == set()
        assert holding_any(database.folder, pictures) == set(), "tables have plates, and no picture"
        rows = database.client().query(STORED, column_formats={"jpeg": "bytes"}).result_rows
        stored = {(detection, kind): jpeg for detection, kind, jpeg in rows}
        assert len(stored) == 4
        assert all(open_picture(agency.keys, *which, jpeg) for which, jpeg in stored.items())

        agency.now = LATER
        agency.retain()
        receipt = retention.log(door_of(database, data=agency.data), 1).receipts[0][1]
        seen_at = (NOW - timedelta(minutes=5)).replace(minute=0, second=0, microsecond=0)
        assert seen_at in {one.hour for one in receipt.keys}
        assert all(len(one.fingerprint) == 64 for one in receipt.keys)
        for topic in (topics.DETECTIONS, topics.ALERT_HITS, topics.DEAD_LETTERS, topics.IN_VIEW):
            assert opened(agency, stolen, topic) == 0, topic.name
        assert holding_any(stolen, seen) == {"topics/hotlist.sqlite3"}
        for which, jpeg in stored.items():
            with pytest.raises(KeyDestroyedError):
                open_picture(agency.keys, *which, jpeg)
        assert marks[HELD][1] in b"".join(exported(agency).values()), "what was held is read by its own keys"
        agency.run(match_flow.build)
        agency.run(recognize_flow.build, ScriptedReader({}))


def exported(agency: Agency) -> dict[str, bytes]:
    door = door_of(agency.database, "smith", data=agency.data)
    (held,) = exporting.holds(door)
    return exporting.export(door, held.hold_id, Ed25519PrivateKey.generate(), LATER, receiver="court")


def opened(agency: Agency, folder: Path, topic: topics.Topic[Any]) -> int:
    """Count the messages of a copy that the holder of today's keys can read."""
    return sum(not is_sealed(one.value or b"") for one in agency.topics_in(folder).read_to_end(topic))
