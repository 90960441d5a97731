"""Reading of a Kafka topic from its beginning to its current end: changelogs, and commands."""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from confluent_kafka import Consumer, KafkaException, TopicPartition

from platestream.edges.kafka_client import BrokerError, partitions
from platestream.edges.kafka_read import ASKING, bounds, bounds_by, message_of, open_consumer, poll
from platestream.edges.snapshot_barrier import SnapshotBarrier
from platestream.runtime.clock import PollSchedule
from platestream.schemas.message import Batch, EndOfSnapshot, Message

BATCH = 250  # larger batches do not fit the CPU caches and are slower
QUEUE_KB = 2048  # read ahead, for the same reason
SILENT_SECONDS = 30.0
KEPT = 2  # idle clients: while the broker is away they try to reach it, two by 0.05 of a core


class PartitionReader:
    """Reader of one partition from its beginning; `ended` once it has reached the end at its start."""

    def __init__(self, config: Mapping[str, Any], topic: str, partition: int) -> None:
        low, self._end = bounds(config, topic, [partition])[partition]
        self._partition = partition
        self._consumer = open_consumer(config, queue_kb=QUEUE_KB, lost="earliest")
        self._consumer.assign([TopicPartition(topic, partition, low)])
        self.ended = low >= self._end

    def poll(self) -> list[Any]:
        """Return the messages that have arrived, possibly none."""
        raws, ends = poll(self._consumer, BATCH)
        self.ended = self.ended or _reached(raws, ends).get(self._partition, 0) >= self._end
        return raws

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()


def _reached(raws: Sequence[Any], ends: Mapping[int, int]) -> dict[int, int]:
    """Return how far each partition was read. Its last offsets may be marks, or compacted: its end counts."""
    return {**{raw.partition(): raw.offset() + 1 for raw in raws}, **ends}


class WholeReader:
    """Reader of topics to their current ends. It keeps its clients, as a new connection takes 30 ms."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._idle: list[Consumer] = []

    def read(self, topic: str, prefix: bytes = b"") -> Iterator[Message]:
        """Yield every message whose key starts with `prefix`, in order within a partition.

        Raises BrokerError, NotSetUpError.
        """
        try:
            consumer = self._idle.pop()
        except IndexError:
            consumer = open_consumer(self._config, queue_kb=QUEUE_KB, lost="earliest", **ASKING)
        try:
            for raw in _to_the_end(consumer, topic, self._partitions(consumer, topic)):
                if (raw.key() or b"").startswith(prefix):
                    yield message_of(raw)
            consumer.unassign()
        except BaseException:
            consumer.close()
            raise
        if len(self._idle) < KEPT:
            self._idle.append(consumer)
        else:
            consumer.close()

    def _partitions(self, consumer: Consumer, topic: str) -> list[int]:
        try:
            found = consumer.list_topics(topic, timeout=1).topics[topic]
        except KafkaException:
            return partitions(self._config, topic)
        return sorted(found.partitions) or partitions(self._config, topic)


def _to_the_end(consumer: Consumer, topic: str, numbers: Sequence[int]) -> Iterator[Any]:
    there = {number: bounds_by(consumer, topic, number) for number in numbers}
    left = {number: end for number, (low, end) in there.items() if low < end}
    consumer.assign([TopicPartition(topic, number, there[number][0]) for number in left])
    until = time.monotonic() + SILENT_SECONDS
    while left:
        raws, ends = poll(consumer, BATCH, timeout=0.002)
        yield from raws
        for number, place in _reached(raws, ends).items():
            if place >= left.get(number, place + 1):
                del left[number]
        if raws or ends:
            until = time.monotonic() + SILENT_SECONDS
        elif time.monotonic() > until:
            raise BrokerError(f"{topic}: nothing more arrived within {SILENT_SECONDS:.0f} s")


class KafkaLoad(FixedPartitionedSource[Batch | EndOfSnapshot, None]):
    """Source that reads a compacted topic from its beginning; `EndOfSnapshot` marks its end at the start.

    `topic` is the broker's name for it, `changelog` the declared one, which the mark contains.
    """

    def __init__(
        self, config: Mapping[str, Any], topic: str, changelog: str, barrier: SnapshotBarrier
    ) -> None:
        self._config, self._topic, self._changelog, self._barrier = config, topic, changelog, barrier

    def list_parts(self) -> list[str]:
        return [str(partition) for partition in partitions(self._config, self._topic)]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_KafkaLoadPartition":
        partition = int(for_part)
        self._barrier.expect(f"{self._changelog}/{for_part}")
        reader = PartitionReader(self._config, self._topic, partition)
        mark = EndOfSnapshot(self._changelog, partition, len(partitions(self._config, self._topic)))
        return _KafkaLoadPartition(reader, mark, self._barrier)


class _KafkaLoadPartition(StatefulSourcePartition[Batch | EndOfSnapshot, None]):
    def __init__(self, reader: PartitionReader, mark: EndOfSnapshot, barrier: SnapshotBarrier) -> None:
        self._reader, self._mark, self._barrier = reader, mark, barrier
        self._marked = self._idle = False
        self._looks = PollSchedule()

    def next_batch(self) -> list[Batch | EndOfSnapshot]:
        raws = self._reader.poll()
        self._idle = not raws or self._marked
        found: list[Batch | EndOfSnapshot] = [self._batch(raws)] if raws else []
        if self._reader.ended and not self._marked:
            self._marked = True
            self._barrier.mark_loaded(f"{self._mark.changelog}/{self._mark.partition}")
            found.append(self._mark)
        return found

    def _batch(self, raws: list[Any]) -> Batch:
        keys, values = [raw.key() for raw in raws], [raw.value() for raw in raws]
        return Batch(self._mark.partition, keys, values, lambda place: message_of(raws[place]))

    def next_awake(self) -> datetime | None:
        return self._looks.next(idle=self._idle)

    def snapshot(self) -> None:
        self._looks.epoch_ended()

    def close(self) -> None:
        self._reader.close()
