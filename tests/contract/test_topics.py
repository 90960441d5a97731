"""One contract for the topics of every edge: in memory, files, Apache Kafka."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition, StatelessSourcePartition

from platestream.edges.broadcast import Broadcast
from platestream.edges.changelog import current_of, newest
from platestream.edges.edge import Topics
from platestream.edges.files import FileTopics
from platestream.edges.kafka import KafkaTopics
from platestream.edges.sealed_topics import SealedTopics
from platestream.keys.key_folder import KeyFolder
from platestream.runtime.clock import POLL_INTERVAL, utc_now
from platestream.schemas import topics
from platestream.schemas.hotlist import HotListChange
from platestream.schemas.message import Batch, EndOfSnapshot, Message
from platestream.schemas.topics import Topic
from tests.support.clock import NOW
from tests.support.flows import detection, listed
from tests.support.kafka_broker import Kafka
from tests.support.memory_edge import MemoryTopics

Made = tuple[Topics, Callable[[Topic[Any]], Topic[Any]]]


EDGES = [
    "memory",
    "files",
    "files, encrypted",
    pytest.param("kafka", marks=pytest.mark.kafka),
]
SEALED = "kafka, encrypted"
"""Encryption is the same on all edges, so by `make test` it crosses a broker once."""


@pytest.fixture(params=[*EDGES, pytest.param(SEALED, marks=[pytest.mark.kafka, pytest.mark.nightly])])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    """Topics, and a way to have a topic of one's own there."""
    edge, own = _plain(request, tmp_path)
    if request.param.endswith("encrypted"):
        edge = SealedTopics(edge, KeyFolder(tmp_path / "keys"))
    return edge, own


def _plain(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    if request.param == "memory":
        return MemoryTopics(), lambda topic: topic
    if request.param.startswith("files"):
        return FileTopics(tmp_path, follow=True), lambda topic: topic
    broker: Kafka = request.getfixturevalue("kafka")

    def on_broker(topic: Topic[Any]) -> Topic[Any]:
        settings = {"cleanup_policy": "compact"} if topic.name in ("hotlist", "registry") else {}
        return replace(topic, name=broker.topic(topic.name, topic.partitions, **settings))

    return KafkaTopics(broker.bootstrap), on_broker


def test_what_is_published_is_read_to_its_end_by_the_beginning_of_its_key(made: Made) -> None:
    edge, own = made
    topic = own(topics.HOTLIST)
    writer = edge.writer(topic)
    writer.publish([listed("AST3087", str(n)) for n in range(12)])
    writer.publish([HotListChange("sjpd:1", None)])
    keys = [(message.key or b"").decode() for message in edge.read_to_end(topic)]
    assert sorted(keys) == sorted(["sjpd:1", *(f"sjpd:{n}" for n in range(12))])
    assert sorted(newest(edge, topic, b"sjpd:1")) == [b"sjpd:10", b"sjpd:11"]
    assert current_of(edge, topic, b"sjpd:1") is None
    assert current_of(edge, topic, b"sjpd:2") == listed("AST3087", "2")
    assert list(edge.read_to_end(own(topics.REGISTRY))) == []


def write(edge: Topics, topic: Topic[Any], *records: object) -> None:
    edge.write(topic).build("out", 0, 1).write_batch(list(records))  # type: ignore[attr-defined]


class Reader:
    """Drives the parts of a source by hand; `resume` holds the snapshots of an earlier one."""

    def __init__(self, source: object, resume: dict[str, Any] | None = None) -> None:
        assert isinstance(source, FixedPartitionedSource)
        self.parts: dict[str, StatefulSourcePartition[Any, Any]] = {
            part: source.build_part("in", part, (resume or {}).get(part)) for part in source.list_parts()
        }

    def take(self, count: int, within: float = 60) -> list[Any]:
        """Up to `count` items, less when they do not come in time."""
        found: list[Any] = []
        until = time.monotonic() + within
        live = dict(self.parts)
        while live and len(found) < count and time.monotonic() < until:
            for name, part in list(live.items()):
                try:
                    for item in part.next_batch():
                        found += item.messages() if isinstance(item, Batch) else [item]
                except StopIteration:
                    del live[name]
            time.sleep(0.002)
        return found

    def snapshot(self) -> dict[str, Any]:
        return {name: part.snapshot() for name, part in self.parts.items()}


@pytest.mark.parametrize("made", [*EDGES, pytest.param(SEALED, marks=pytest.mark.kafka)], indirect=True)
def test_what_is_written_is_read_back_as_it_was(made: Made) -> None:
    edge, own = made
    topic = own(topics.DETECTIONS)
    sent = [detection(f"AAA{n}", n) for n in range(5)]
    write(edge, topic, *sent)
    got = Reader(edge.read(topic)).take(5)
    assert [topic.decode(message) for message in got] == sent, "one key: one partition, in order"
    assert {message.key for message in got} == {b"cam"}
    assert [message.timestamp for message in got] == [one.captured_at for one in sent]
    assert len({message.origin for message in got}) == 5
    assert all(message.topic == topic.name for message in got)


def test_headers_and_bytes_of_a_frame_cross_unchanged(made: Made) -> None:
    edge, own = made
    raw: Topic[Message] = Topic(
        "frames", 8, None, 20_000_000, lambda message: message, lambda message: message
    )
    topic = own(raw)
    sent = Message(b"cam", bytes(range(256)), {"camera-id": "cam", "note": "ñ"}, NOW)
    write(edge, topic, sent)
    (got,) = Reader(edge.read(topic)).take(1)
    assert (got.key, got.value, got.headers) == (sent.key, sent.value, sent.headers)


def test_reading_goes_on_behind_the_snapshot(made: Made) -> None:
    edge, own = made
    topic = own(topics.DETECTIONS)
    write(edge, topic, *(detection("AAA1", n) for n in range(3)))
    first = Reader(edge.read(topic))
    assert len(first.take(3)) == 3
    write(edge, topic, *(detection("BBB2", n) for n in range(2)))
    again = Reader(edge.read(topic), first.snapshot()).take(3, within=2)
    assert [topic.decode(message).plate for message in again] == ["BBB2", "BBB2"]


def test_a_snapshot_is_plain_data_that_outlives_class_names(made: Made) -> None:
    edge, own = made
    topic = own(topics.DETECTIONS)
    write(edge, topic, detection("AAA1"))
    reader = Reader(edge.read(topic))
    reader.take(1)
    for state in reader.snapshot().values():
        assert type(state) in (int, tuple)


def test_a_removal_crosses_as_a_key_without_a_value(made: Made) -> None:
    edge, own = made
    topic = own(topics.HOTLIST)
    write(edge, topic, listed("AST3087", "1"), HotListChange("sjpd:1", None))
    got = [topic.decode(message) for message in Reader(edge.read(topic)).take(2)]
    assert [change.entry is None for change in got] == [False, True]


def loaded(items: list[Any]) -> tuple[list[str], list[EndOfSnapshot]]:
    entries = [(item.key or b"").decode() for item in items if isinstance(item, Message)]
    return entries, [item for item in items if isinstance(item, EndOfSnapshot)]


def test_a_changelog_is_read_to_its_end_and_then_says_so_once_a_partition(made: Made) -> None:
    edge, own = made
    topic = own(topics.HOTLIST)
    write(edge, topic, *(listed("AST3087", str(n)) for n in range(20)))
    reader = Reader(edge.load(topic))
    entries, marks = loaded(reader.take(20 + len(reader.parts)))
    assert sorted(entries) == sorted(f"sjpd:{n}" for n in range(20))
    assert sorted(mark.partition for mark in marks) == sorted({mark.partition for mark in marks})
    assert {mark.partitions for mark in marks} == {len(marks)}


def test_an_empty_changelog_is_loaded_at_once(made: Made) -> None:
    edge, own = made
    reader = Reader(edge.load(own(topics.HOTLIST)))
    entries, marks = loaded(reader.take(len(reader.parts)))
    assert entries == []
    assert len(marks) == len(reader.parts)


def test_a_changelog_is_read_from_its_beginning_whatever_was_snapshotted(made: Made) -> None:
    edge, own = made
    topic = own(topics.HOTLIST)
    write(edge, topic, listed("AST3087", "1"))
    first = Reader(edge.load(topic))
    first.take(1 + len(first.parts))
    again = Reader(edge.load(topic), first.snapshot())
    assert loaded(again.take(1 + len(again.parts)))[0] == ["sjpd:1"]


def test_within_a_partition_the_mark_follows_every_entry_that_was_there(made: Made) -> None:
    edge, own = made
    topic = own(topics.HOTLIST)
    write(edge, topic, *(listed("AST3087", str(n)) for n in range(50)))
    reader = Reader(edge.load(topic))
    items = reader.take(50 + len(reader.parts))
    for mark in (item for item in items if isinstance(item, EndOfSnapshot)):
        behind = items[items.index(mark) :]
        same = [item for item in behind if isinstance(item, Message) and item.partition == mark.partition]
        assert same == []


def test_reads_wait_at_their_source_while_the_changelog_loads(made: Made) -> None:
    edge, own = made
    hotlist, detections = own(topics.HOTLIST), own(topics.DETECTIONS)
    write(edge, detections, detection("AST3087"))
    loading = Reader(edge.load(hotlist))
    reading = Reader(edge.read(detections))
    assert reading.take(1, within=0.3) == []
    loading.take(len(loading.parts))
    assert len(reading.take(1)) == 1


def test_who_follows_a_topic_gets_what_comes_from_then_on(made: Made) -> None:
    edge, own = made
    topic = own(topics.HOTLIST)
    write(edge, topic, listed("AST3087", "before"))
    followed = edge.follow(topic)
    write(edge, topic, *(listed("AST3087", str(n)) for n in range(20)))
    found: list[Message] = []
    end = time.monotonic() + 30
    while len(found) < 20 and time.monotonic() < end:
        found += next(followed)
    assert sorted(str(one.key) for one in found) == sorted(str(f"sjpd:{n}".encode()) for n in range(20))
    assert not next(followed)


def test_a_broadcast_gives_the_whole_changelog_to_each_worker_and_what_comes_later(made: Made) -> None:
    edge, own = made
    topic = own(topics.HOTLIST)
    write(edge, topic, *(listed("AST3087", str(n)) for n in range(9)))
    workers = [Broadcast(edge.load(topic)).build("in", number, 2) for number in range(2)]
    for one in workers:
        entries, marks = loaded(taken(one, 9 + topic.partitions))
        assert sorted(entries) == sorted(f"sjpd:{n}" for n in range(9))
        assert {mark.partition for mark in marks} == set(range(topic.partitions))
    if not isinstance(edge, MemoryTopics):  # which is read to its end
        write(edge, topic, listed("AST3088", "later"))
        assert [loaded(taken(one, 1))[0] for one in workers] == [["sjpd:later"]] * 2
    for one in workers:
        one.close()


def taken(worker: StatelessSourcePartition[Any], count: int, within: float = 60) -> list[Any]:
    found: list[Any] = []
    until = time.monotonic() + within
    while len(found) < count and time.monotonic() < until:
        for item in worker.next_batch():
            found += item.messages() if isinstance(item, Batch) else [item]
        time.sleep(0.002)
    return found


def test_a_source_that_has_nothing_looks_again_soon_once_its_epoch_has_ended(made: Made) -> None:
    """What does not tell its looks of the epoch sleeps for all of the next one."""
    edge, own = made
    if isinstance(edge, MemoryTopics):
        return  # which is read to its end
    for source in (edge.read(own(topics.DETECTIONS)), edge.load(own(topics.HOTLIST))):
        reader = Reader(source)
        reader.take(2 * topics.DETECTIONS.partitions, within=1)
        reader.snapshot()
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            now = utc_now()
            awake = [part.next_awake() or now for part in reader.parts.values()]
            assert all(moment - now < 2 * POLL_INTERVAL for moment in awake)
            time.sleep(0.05)
