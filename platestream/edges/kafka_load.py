"""Reading of a Kafka topic from its beginning to its current end: changelogs, and commands."""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from confluent_kafka import TopicPartition

from platestream.edges.kafka_client import partitions
from platestream.edges.kafka_read import bounds, message_of, open_consumer, poll
from platestream.edges.snapshot_barrier import SnapshotBarrier
from platestream.runtime.clock import PollSchedule
from platestream.schemas.message import Batch, EndOfSnapshot, Message

BATCH = 250  # larger batches do not fit the CPU caches and are slower
QUEUE_KB = 2048  # read ahead, for the same reason


class PartitionReader:
    """Reader of one partition from its beginning; `ended` once it has reached the end at its start."""

    def __init__(self, config: Mapping[str, Any], topic: str, partition: int) -> None:
        self._consumer = open_consumer(config, queue_kb=QUEUE_KB, lost="earliest")
        low, self._end = bounds(self._consumer, topic, partition)
        self._consumer.assign([TopicPartition(topic, partition, low)])
        self.ended = False

    def poll(self) -> list[Any]:
        """Return the messages that have arrived, possibly none."""
        raws, ended_at = poll(self._consumer, BATCH)
        # The last offsets may have been compacted, so the partition's end counts as well as the last message.
        reached = max(ended_at, raws[-1].offset() + 1 if raws else 0)
        self.ended = self.ended or reached >= self._end
        return raws

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()


def read_to_end(config: Mapping[str, Any], topic: str, prefix: bytes = b"") -> Iterator[Message]:
    """Yield every message whose key starts with `prefix`, partition by partition. Raises BrokerError."""
    quiet = {**config, "log_level": 0}  # it logs each connection that is closed during sign-in
    for partition in partitions(config, topic):
        reader = PartitionReader(quiet, topic, partition)
        try:
            while not reader.ended:
                raws = reader.poll()
                yield from (message_of(raw) for raw in raws if (raw.key() or b"").startswith(prefix))
                if not raws:
                    time.sleep(0.005)
        finally:
            reader.close()


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
