"""Flows in processes of their own on Apache Kafka, cameras that write to the broker, and their recount."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from confluent_kafka import Producer

from platestream.edges.kafka import KafkaTopics
from platestream.schemas.registry import RegistryRecord
from tests.checker import gather
from tests.checker.check import Evidence, Fault, faults
from tests.checker.journal import APART, SHOTS, Journal, Send
from tests.checker.street import read_tables
from tests.support.engine import Engine
from tests.support.flow_cluster import FlowCluster
from tests.support.kafka_broker import SETTINGS, KafkaBroker, wait_until
from tests.support.marked import SEEN, marked

# A camera in each partition of `frames`; those of the second half may begin later.
CAMERAS = ("f-gate", "k-gate", "a-gate", "c-gate", "h-gate", "m-gate", "y-gate", "b-gate")
FIRST, LATE = CAMERAS[:4], CAMERAS[4:]
# This broker is never killed. On a busy machine one that is given up after 1.5 s would be, again and again.
UNDISTURBED = {**SETTINGS, "broker.session.timeout.ms": 18_000}
SHOT_SECONDS = 0.3
START_S = 400
"""On two cores that others use, too, eight processes take a minute and more until all of them read."""


def plate_of(camera: str, vehicle: int) -> str:
    return f"KT{camera[0].upper()}{1000 + vehicle}"


LISTED = {plate_of(camera, vehicle): f"{camera[0]}{vehicle}" for camera in CAMERAS for vehicle in (0, 2, 9)}


def patiently(holds: Callable[[], bool], within: float, what: str) -> None:
    """`wait_until` that asks seldom: what is asked takes the time of what is waited for."""

    def asked() -> bool:
        time.sleep(0.5)
        return holds()

    wait_until(asked, within, what)


class Cameras:
    """Cameras that write frames to the broker themselves, each send written down before it is made."""

    def __init__(self, bootstrap: str, journal: Journal) -> None:
        self._journal = journal
        fields = {"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": 2}
        self._producer = Producer({**fields, "partitioner": "murmur2_random"})
        self._began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5)
        self._next = dict.fromkeys(FIRST, (0, 0))

    def more(self) -> None:
        """The cameras of the second half begin."""
        self._next |= dict.fromkeys(LATE, (0, 0))

    @contextmanager
    def running(self) -> Iterator[None]:
        """A frame of each every SHOT_SECONDS; at the end each has finished its vehicle."""
        over = threading.Event()
        thread = threading.Thread(target=self._run, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(60)
            assert not self._producer.flush(60), "the broker takes what is left"

    def _run(self, over: threading.Event) -> None:
        while not over.wait(SHOT_SECONDS) or any(shot for _vehicle, shot in self._next.values()):
            for camera, (vehicle, shot) in list(self._next.items()):
                if not over.is_set() or shot:
                    self._send(camera, vehicle, shot)
                    self._next[camera] = (vehicle, shot + 1) if shot + 1 < SHOTS else (vehicle + 1, 0)
            self._producer.poll(0)

    def _send(self, camera: str, vehicle: int, shot: int) -> None:
        plate = plate_of(camera, vehicle)
        picture, at = marked(plate), self._began + vehicle * APART + shot * timedelta(milliseconds=200)
        send = Send(camera, vehicle, shot, at, hashlib.sha256(picture).hexdigest(), plate)
        place = {"latitude": "34.5", "longitude": "-109.4", "frame-id": str(uuid4())}
        headers: dict[str, str | bytes | None] = {"camera-id": camera, "captured-at": at.isoformat(), **place}
        self._journal.write(send, "begun")
        self._producer.produce(
            "frames",
            key=camera.encode(),
            value=picture,
            headers=headers,
            on_delivery=lambda error, _message: self._journal.write(send, "failed" if error else "done"),
        )


def approved(camera: str) -> RegistryRecord:
    return RegistryRecord(
        kind="camera", id=camera, name=camera, approved_by="Chief of Police", latitude=34.5, longitude=-109.4
    )


class Run:
    """Both flows, on as many processes as they are told."""

    def __init__(self, folder: Path, kafka: KafkaBroker, engine: Engine) -> None:
        self.kafka, self.engine, self.streams = kafka, engine, KafkaTopics(kafka.bootstrap)
        self.journal = Journal(folder / "journal")
        self.seen = folder / "seen"
        self.seen.mkdir()
        fields = {
            "PLATESTREAM_KAFKA": kafka.bootstrap,
            "PLATESTREAM_CLICKHOUSE": engine.dsn("flows").replace("//", "//platestream_"),
            SEEN: str(self.seen),
        }
        self._keys = folder / "recognize" / "keys"
        self.recognize = FlowCluster("tests.support.marked:flow", folder / "recognize", fields)
        self.match = FlowCluster("platestream.flows.match_flow:flow", folder / "match", fields)

    @property
    def flows(self) -> tuple[FlowCluster, FlowCluster]:
        return self.recognize, self.match

    def on(self, count: int, end: Callable[[FlowCluster], None] = FlowCluster.stop) -> None:
        """End all processes, start so many of each flow; all of them read then, and detections go on."""
        for flow in self.flows:
            end(flow)
        for flow in self.flows:
            flow.start(count)
        patiently(
            lambda: {int(one.name) for one in self.seen.iterdir()} >= set(self.recognize.pids),
            START_S,
            f"frames read by {count} processes:\n{self.recognize.log[-2000:]}",
        )
        until = self.detected() + 2 * len(FIRST)
        patiently(lambda: self.detected() > until, START_S, f"detections by {count} processes")

    def detected(self) -> int:
        sql = "SELECT count() AS found FROM platestream.detections FINAL"
        return int(gather.rows(self.engine.dsn("owner"), sql)[0]["found"])

    def late_detected(self) -> bool:
        """Something was detected by each camera that was approved late."""
        sql = "SELECT DISTINCT camera_id FROM platestream.detections"
        return {row["camera_id"] for row in gather.rows(self.engine.dsn("owner"), sql)} >= set(LATE)

    def found(self) -> Evidence:
        """Read everything."""
        polls = {
            topic: gather.kafka_topic(self.kafka.bootstrap, topic)
            for topic in ("frames", "frames_quarantine", "detections", "alert_hits", "inquiries")
        }
        rows = read_tables(self.engine.dsn("owner"), self._keys)
        entries = {plate: f"sjpd:{name}" for plate, name in LISTED.items()}
        return Evidence(self.journal.sends(), polls, rows, entries, whole=frozenset({"frames"}))


def wrong(found: Evidence) -> list[Fault]:
    """Frames in quarantine, and all faults but that nobody was told of hits: no notify flow runs here."""
    held = [one.headers for one in found.polls["frames_quarantine"]]
    return [
        *(Fault("quarantined", f"{one['camera-id']} {one['captured-at']}") for one in held),
        *(one for one in faults(found) if one.kind != "hit without notice"),
    ]


def settled(found: Callable[[], Evidence], within: float) -> Evidence:
    """Everything, once nothing is wrong; raises AssertionError with what stays wrong."""
    until = time.monotonic() + within
    while left := wrong(now := found()):
        assert time.monotonic() < until, f"{len(left)} faults after {within:.0f} s, such as {left[:8]}"
        time.sleep(4)
    return now
