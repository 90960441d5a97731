"""kill -9 of each flow in the middle of its work on real Kafka: what must be there is there exactly once."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from platestream.edges.changelog import publish, read_to_end
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_topics import create
from platestream.operators.matching.entry_match import match_entry
from platestream.schemas import topics
from platestream.schemas.detection import Detection, detection_id
from platestream.schemas.hit_action import HitAction
from platestream.schemas.inquiry import chain_faults
from platestream.schemas.message import Message
from platestream.schemas.topics import TOPICS, Topic
from tests.support.chaos import KILLS
from tests.support.flow_process import ROOT, FlowProcess
from tests.support.flows import ACTION, detection, listed, plate_picture
from tests.support.kafka_broker import KafkaBroker

SEED = 4137

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900 + 40 * KILLS)]


@pytest.fixture
def streams(own_kafka: KafkaBroker) -> KafkaTopics:
    create({"bootstrap.servers": own_kafka.bootstrap}, TOPICS)
    return KafkaTopics(own_kafka.bootstrap)


@contextmanager
def feeding(feed: Callable[[int], None], pause: float) -> Iterator[Callable[[], int]]:
    """Calls `feed(0)`, `feed(1)` … every `pause` seconds while the block runs; says how often it did."""
    stop, fed = threading.Event(), 0

    def work() -> None:
        nonlocal fed
        while not stop.wait(pause):
            feed(fed)
            fed += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield lambda: fed
    finally:
        stop.set()
        thread.join()


def kill_again_and_again(
    flow: FlowProcess, grown: Callable[[], int], before_start: Callable[[int], None]
) -> None:
    """KILLS times: start, wait until the output grows, kill within the next two seconds."""
    chance = random.Random(SEED)
    for round_ in range(KILLS):
        before_start(round_)
        known = grown()
        flow.start()
        wait(flow, partial(_has_grown, grown, known))
        time.sleep(chance.uniform(0, 2))
        flow.kill()


def _has_grown(grown: Callable[[], int], known: int) -> bool:
    return grown() > known


def wait(flow: FlowProcess, until: Callable[[], bool], within: float = 240) -> None:
    end = time.monotonic() + within
    while not until():
        assert flow.running, f"the flow stopped by itself:\n{flow.log[-3000:]}"
        assert time.monotonic() < end, f"nothing came in {within:.0f} s:\n{flow.log[-2000:]}"
        time.sleep(0.3)  # each asking reads a topic from its beginning


def finish(flow: FlowProcess, done: Callable[[], bool], stored: Callable[[], bool]) -> None:
    """Let the flow work off what is left, longer each time until the tables, too, have it all."""
    for attempt in range(6):
        flow.start()
        wait(flow, done)
        time.sleep(3 * 2**attempt)
        flow.kill()
        if stored():
            return


def records(streams: KafkaTopics, topic: Topic[Any]) -> list[Any]:
    return [topic.decode(message) for message in read_to_end(streams, topic)]


def count(streams: KafkaTopics, topic: Topic[Any]) -> int:
    return sum(1 for _message in read_to_end(streams, topic))


def test_recognize_flow_loses_and_doubles_no_vehicle_pass(
    own_kafka: KafkaBroker, streams: KafkaTopics, tmp_path: Path
) -> None:
    flow = FlowProcess("recognize", tmp_path / "recognize", own_kafka.bootstrap)
    flow.prepare()
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    frames: Topic[Any] = Topic("frames", 8, None, 20_000_000, lambda m: m, lambda m: m)
    expected: dict[str, str] = {}

    def feed(round_: int) -> None:
        """Eight passes of three frames, and two frames that nobody can read."""
        shots: list[Message] = []
        for number in range(8 * round_, 8 * round_ + 8):
            camera, plate = f"cam-{number % 5}", f"KTA{1000 + number}"
            at = start + timedelta(seconds=10 * number)
            picture = plate_picture(plate)
            shots += [frame(camera, at + timedelta(milliseconds=200 * shot), picture) for shot in range(3)]
            if number % 4 == 0:
                shots.append(frame(camera, at + timedelta(seconds=1), b"not a picture"))
            expected[str(detection_id(camera, at, 0))] = plate
        publish(streams, frames, shots)

    kill_again_and_again(flow, lambda: count(streams, topics.DETECTIONS), feed)
    finish(
        flow,
        lambda: {str(one.detection_id) for one in records(streams, topics.DETECTIONS)} >= set(expected),
        lambda: (
            flow.query("SELECT uniqExact(detection_id) FROM platestream.detections")[0][0]
            == str(len(expected))
            and flow.query("SELECT count() FROM platestream.dead_letters FINAL") == [[str(2 * KILLS)]]
        ),
    )

    rows = flow.query(
        "SELECT detection_id, plate, frames FROM platestream.detections FINAL ORDER BY captured_at"
    )
    assert {row[0] for row in rows} == set(expected)
    assert len(rows) == len(expected)
    assert {row[2] for row in rows} == {"3"}
    assert {str(one.detection_id) for one in records(streams, topics.DETECTIONS)} == set(expected)
    pictures = flow.query("SELECT uniqExact(detection_id, kind), count() FROM platestream.images FINAL")
    assert pictures == [[str(2 * len(expected))] * 2]
    refused = flow.query("SELECT count() FROM platestream.dead_letters FINAL")
    assert refused == [[str(2 * KILLS)]]
    right = sum(expected[row[0]] == row[1] for row in rows)
    assert right > 0.8 * len(rows), "the frames were really read"


def frame(camera: str, at: datetime, image: bytes) -> Message:
    headers = {
        "camera-id": camera,
        "captured-at": at.isoformat(),
        "latitude": "34.5",
        "longitude": "-109.4",
    }
    return Message(camera.encode(), image, headers, at)


def test_match_flow_loses_and_doubles_no_hit(
    own_kafka: KafkaBroker, streams: KafkaTopics, tmp_path: Path
) -> None:
    flow = FlowProcess("match", tmp_path / "match", own_kafka.bootstrap)
    flow.prepare()
    start = -3600.0
    # A plate is back on its camera after 40 s; that is to be another alert each time.
    entries = {number: listed(f"MT{number:05}", f"e{number}", again_after_s=0) for number in range(400)}
    publish(streams, topics.HOTLIST, list(entries.values()))
    expected: set[str] = set()

    def feed(number: int) -> None:
        """Ten reads, half of them listed."""
        reads: list[Detection] = []
        for index in range(10):
            serial = 10 * number + index
            plate = f"MT{serial % 400:05}" if index % 2 else f"NN{serial:05}"
            reads.append(detection(plate, start + serial / 10, camera=f"cam-{index}"))
            change = entries[serial % 400]
            hit = match_entry(reads[-1], change.entry) if index % 2 and change.entry else None
            expected.update(() if hit is None else (str(hit.hit_id),))
        publish(streams, topics.DETECTIONS, reads)

    with feeding(feed, 0.1):
        kill_again_and_again(flow, lambda: count(streams, topics.ALERT_HITS), lambda _round: None)
    finish(
        flow,
        lambda: {str(hit.hit_id) for hit in records(streams, topics.ALERT_HITS)} >= expected,
        lambda: flow.query("SELECT uniqExact(hit_id) FROM platestream.alert_hits") == [[str(len(expected))]],
    )

    rows = flow.query("SELECT hit_id FROM platestream.alert_hits FINAL")
    assert sorted(row[0] for row in rows) == sorted(expected)
    assert {str(hit.hit_id) for hit in records(streams, topics.ALERT_HITS)} == expected
    assert len(expected) >= 10 * KILLS


INQUIRE = """
import sys
from platestream.edges.clickhouse_client import ANALYST, connect
from platestream.access import inquire
from platestream.access import gate
client = connect(sys.argv[1], ANALYST)
for number in range(40):
    reason = f"chaos round {sys.argv[2]}" if number % 4 else ""
    try:
        gate.search(client, who="tester", pattern=f"MT{number}*", reason=reason)
    except inquire.RefusedInquiry:
        pass
"""


def test_audit_flow_seals_and_copies_every_inquiry_and_action_once(
    own_kafka: KafkaBroker, streams: KafkaTopics, tmp_path: Path
) -> None:
    flow = FlowProcess("audit", tmp_path / "audit", own_kafka.bootstrap)
    flow.prepare()
    actions: list[HitAction] = []

    def feed(number: int) -> None:
        action = msgspec.structs.replace(ACTION, action_id=UUID(int=number + 1), at=datetime.now(UTC))
        publish(streams, topics.HIT_ACTIONS, [action])
        actions.append(action)

    def inquire(round_: int) -> None:
        """The embedded database has one process at a time, so people ask between two runs of the flow."""
        command = [sys.executable, "-c", INQUIRE, flow.dsn, str(round_)]
        subprocess.run(command, env=flow.env, cwd=ROOT, check=True, timeout=120)

    with feeding(feed, 0.1):
        kill_again_and_again(flow, lambda: count(streams, topics.INQUIRIES), inquire)
    asked = {row[0]: row[1] for row in flow.query("SELECT inquiry_id, outcome FROM platestream.inquiry_log")}
    finish(
        flow,
        lambda: {str(one.inquiry.inquiry_id) for one in records(streams, topics.INQUIRIES)} >= set(asked),
        lambda: (
            flow.query("SELECT uniqExact(action_id) FROM platestream.hit_actions") == [[str(len(actions))]]
        ),
    )

    assert len(asked) == 40 * KILLS
    assert sorted(set(asked.values())) == ["allowed", "refused"]
    seals = flow.query("SELECT inquiry_id FROM platestream.inquiry_seals")
    assert sorted(row[0] for row in seals) == sorted(asked)
    copy = {one.seal: one for one in records(streams, topics.INQUIRIES)}
    assert sorted(str(one.inquiry.inquiry_id) for one in copy.values()) == sorted(asked)
    assert list(chain_faults(copy[seal] for seal in sorted(copy))) == []
    assert "the inquiry log is intact" in flow.cli("audit", "verify")
    stored = flow.query("SELECT toString(action_id) FROM platestream.hit_actions FINAL")
    assert sorted(row[0] for row in stored) == sorted(str(action.action_id) for action in actions)
