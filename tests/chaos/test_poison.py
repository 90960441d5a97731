"""Poison on real Kafka, many in a row: each a dead letter, and what is good behind them goes through.

How long that takes is printed, with poison in front of it and without.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from platestream.edges.changelog import publish
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_topics import create
from platestream.schemas import topics
from platestream.schemas.detection import detection_id
from platestream.schemas.topics import TOPICS
from tests.support.flow_process import FlowProcess
from tests.support.flows import detection, listed, plate_picture
from tests.support.kafka_broker import KafkaBroker

ROUNDS, OFTEN = 10, 20
"""Of each kind of poison so many are in front of what is good, in each round."""
START_S, WITHIN_S = 240, 60
CAMERA, PLATE = "cam", "KTA1001"

pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.kafka, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Raw:
    """A message as any client may write it."""

    value: bytes | None
    headers: Mapping[str, str | bytes | None]


@dataclass(frozen=True)
class Good:
    """What a flow must read, and the id of the detection that it leads to."""

    message: Raw
    id: str


def frame(at: datetime, value: bytes | None, **told: bytes) -> Raw:
    known = {"camera-id": CAMERA, "captured-at": at.isoformat(), "latitude": "34.5", "longitude": "-109.4"}
    return Raw(value, {**known, **told})


def vehicle(_number: int) -> Good:
    """Captured now: for more frames of what comes late the flow waits for longer than two seconds."""
    at = datetime.now(UTC)
    return Good(frame(at, plate_picture(PLATE)), str(detection_id(CAMERA, at, 0)))


def read(number: int) -> Good:
    one = detection(PLATE, number - 3600, CAMERA)
    return Good(Raw(topics.DETECTIONS.encode(one).value, {}), str(one.detection_id))


def bad_frames() -> list[Raw]:
    """Null, empty; no headers, such as are not UTF-8 or of 1970; no picture, and pictures that are broken."""
    at, picture = datetime.now(UTC) - timedelta(hours=1), plate_picture(PLATE)
    return [
        frame(at, None),
        frame(at, b""),
        Raw(picture, {}),
        frame(at, picture, **{"captured-at": b"\xff\xfe"}),
        frame(at, picture, **{"captured-at": b"1970-01-01T00:00:00+00:00"}),
        frame(at, b"GIF89a"),
        frame(at, picture[:-40]),
        frame(at, picture[:4] + bytes(len(picture))),
    ]


def bad_reads() -> list[Raw]:
    """Null, empty, not JSON, not UTF-8, no object, of another schema."""
    values = (None, b"", b"{", b"\xff\xfe", b"[]", b'"plate"', b'{"schema":"detection/999"}')
    return [Raw(value, {}) for value in values]


class Timed:
    """A topic that is written to, and another one whose next messages are waited for."""

    def __init__(self, kafka: KafkaBroker, written: str, answers: str) -> None:
        self._written = written
        told = {"bootstrap.servers": kafka.bootstrap}
        self._producer = Producer({**told, "partitioner": "murmur2_random"})
        self._consumer = Consumer({**told, "group.id": "timed", "enable.auto.commit": False})
        partitions = self._consumer.list_topics(answers, 20).topics[answers].partitions
        self._consumer.assign([TopicPartition(answers, number, 0) for number in partitions])

    def close(self) -> None:
        self._consumer.close()

    def seconds(self, bad: list[Raw], good: Good, within: float) -> float:
        """From before this is written, to one partition, until the good one's id is on the other topic."""
        began = time.monotonic()
        for one in [*bad, good.message]:
            headers = dict(one.headers)
            self._producer.produce(self._written, key=CAMERA.encode(), value=one.value, headers=headers)
        assert not self._producer.flush(30)
        while time.monotonic() < began + within:
            found: Any = self._consumer.poll(0.2)
            if found is not None and found.error() is None and good.id.encode() in (found.value() or b""):
                return time.monotonic() - began
        raise AssertionError(f"{good.id} did not come within {within:.0f} s")


@contextmanager
def timed(kafka: KafkaBroker, written: str, answers: str) -> Iterator[Timed]:
    one = Timed(kafka, written, answers)
    try:
        yield one
    finally:
        one.close()


def told(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} s (at most {max(seconds):.2f})"


def dead_letters(flow: FlowProcess) -> int:
    (row,) = flow.query("SELECT count() FROM platestream.dead_letters FINAL")
    return int(row[0])


@pytest.mark.parametrize(
    ("name", "written", "answers", "bad", "good"),
    [
        ("recognize", "frames", "detections", bad_frames, vehicle),
        ("match", "detections", "alert_hits", bad_reads, read),
    ],
)
def test_what_is_good_behind_poison_goes_through(
    own_kafka: KafkaBroker,
    tmp_path: Path,
    name: str,
    written: str,
    answers: str,
    bad: Callable[[], list[Raw]],
    good: Callable[[int], Good],
) -> None:
    create({"bootstrap.servers": own_kafka.bootstrap}, TOPICS)
    streams = KafkaTopics(own_kafka.bootstrap)
    publish(streams, topics.HOTLIST, [listed(PLATE, "1", again_after_s=0)])
    flow = FlowProcess(name, tmp_path / name, own_kafka.bootstrap)
    flow.prepare()
    flow.start()
    alone, behind = list[float](), list[float]()
    try:
        with timed(own_kafka, written, answers) as both:
            both.seconds([], good(0), START_S)
            for number in range(1, 2 * ROUNDS, 2):
                alone.append(both.seconds([], good(number), WITHIN_S))
                behind.append(both.seconds(bad() * OFTEN, good(number + 1), WITHIN_S))
        sent = ROUNDS * OFTEN * len(bad())
        letters = streams.read_to_end(topics.DEAD_LETTERS)
        assert len({topics.DEAD_LETTERS.decode(one).origin for one in letters}) == sent
        time.sleep(3)  # an epoch ends: rows are written by then
        flow.kill()  # fails where it had ended by itself
    finally:
        flow.end()
    print(f"{name}: alone {told(alone)}, behind {sent // ROUNDS} broken messages {told(behind)}")
    assert dead_letters(flow) == sent
