"""Edge in memory: tests run whole flows on it, and the real edges are compared with it."""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from bytewax.testing import TestingSource

from platestream.access.profiles import load
from platestream.edges.edge import ALL_PARTITIONS, Share
from platestream.edges.snapshot_barrier import SnapshotBarrier, note_arrival
from platestream.edges.writer import TopicSink
from platestream.schemas.finding import Finding
from platestream.schemas.gate_rules import GATE_RULES, RulesInForce, of_profile
from platestream.schemas.inquiry import FIRST, Inquiry, SealedInquiry, chain
from platestream.schemas.message import Batch, EndOfSnapshot, Message
from platestream.schemas.tables import EPOCH, Row, Table
from platestream.schemas.topics import Topic

T = TypeVar("T")


class MemoryTopics:
    """Topics as lists, one for each partition, stored as long as this object.

    A flow reads them to their end, with at most `a_poll` messages in a batch.
    """

    def __init__(self, a_poll: int = 1) -> None:
        self.a_poll, self.share = a_poll, ALL_PARTITIONS
        self._logs: dict[str, dict[int, list[Message]]] = defaultdict(lambda: defaultdict(list))
        self._barrier = SnapshotBarrier()

    def of(self, share: Share) -> "MemoryTopics":
        """Return the same topics as a process of this share reads them."""
        part = MemoryTopics(self.a_poll)
        part.share, part._logs = share, self._logs
        return part

    def append(self, topic: Topic[Any], message: Message) -> None:
        """Write one message; its key decides the partition, as on a broker."""
        partition = zlib.crc32(message.key or b"") % topic.partitions
        log = self._logs[topic.name][partition]
        log.append(msgspec.structs.replace(message, topic=topic.name, partition=partition, offset=len(log)))

    def messages(self, topic: Topic[Any]) -> list[Message]:
        """Return all messages, partition by partition."""
        return [message for _part, log in sorted(self._logs[topic.name].items()) for message in log]

    def records(self, topic: Topic[T]) -> list[T]:
        """Return all messages, decoded."""
        return [topic.decode(message) for message in self.messages(topic)]

    def log(self, topic: Topic[Any], partition: int) -> list[Message]:
        """Return the messages of one partition, in order."""
        return self._logs[topic.name][partition]

    def read(self, topic: Topic[Any]) -> "MemorySource":
        return MemorySource(self, topic, self._barrier)

    def load(self, topic: Topic[Any]) -> "MemoryLoad":
        return MemoryLoad(self, topic, self._barrier)

    def write(self, topic: Topic[T]) -> TopicSink[T]:
        return TopicSink(lambda: self.writer(topic))

    def writer(self, topic: Topic[T]) -> "MemoryWriter[T]":
        return MemoryWriter(self, topic)

    def read_to_end(self, topic: Topic[Any], prefix: bytes = b"") -> Iterator[Message]:
        return (one for one in self.messages(topic) if (one.key or b"").startswith(prefix))

    def follow(self, topic: Topic[Any]) -> Iterator[Sequence[Message]]:
        logs = self._logs[topic.name]
        seen = {partition: len(logs[partition]) for partition in range(topic.partitions)}
        return iter(lambda: _behind(logs, seen), None)


def _behind(logs: dict[int, list[Message]], seen: dict[int, int]) -> list[Message]:
    found = [message for partition, place in seen.items() for message in logs[partition][place:]]
    seen.update({partition: len(logs[partition]) for partition in seen})
    return found


class MemoryWriter(Generic[T]):
    """Writer that encodes and appends records."""

    def __init__(self, topics: MemoryTopics, topic: Topic[T]) -> None:
        self._topics, self._topic = topics, topic

    def publish(self, records: Sequence[T]) -> None:
        for record in records:
            self._topics.append(self._topic, self._topic.encode(record))


class MemorySource(FixedPartitionedSource[Message, int]):
    """Source that reads from the position of the last snapshot to the end."""

    def __init__(self, topics: MemoryTopics, topic: Topic[Any], barrier: SnapshotBarrier) -> None:
        self._topics, self._topic, self._barrier = topics, topic, barrier

    def list_parts(self) -> list[str]:
        return [str(partition) for partition in self._topics.share(range(self._topic.partitions))]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "_MemoryPartition":
        return _MemoryPartition(
            self._topics.log(self._topic, int(for_part)),
            resume_state or 0,
            self._barrier,
            self._topics.a_poll,
        )


class _MemoryPartition(StatefulSourcePartition[Message, int]):
    def __init__(self, log: Sequence[Message], position: int, barrier: SnapshotBarrier, most: int) -> None:
        self._log, self._position, self._barrier, self._most = log, position, barrier, most

    def next_batch(self) -> list[Message]:
        if not self._barrier.loaded:
            return []
        if self._position >= len(self._log):
            raise StopIteration
        batch = list(self._log[self._position : self._position + self._most])
        self._position += len(batch)
        note_arrival(batch[0].topic)
        return batch

    def snapshot(self) -> int:
        return self._position


class MemoryLoad(FixedPartitionedSource[Batch | EndOfSnapshot, None]):
    """Source that reads a changelog from its beginning, then marks its end."""

    def __init__(self, topics: MemoryTopics, topic: Topic[Any], barrier: SnapshotBarrier) -> None:
        self._topics, self._topic, self._barrier = topics, topic, barrier

    def list_parts(self) -> list[str]:
        return [str(partition) for partition in range(self._topic.partitions)]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_MemoryLoadPartition":
        self._barrier.expect(f"{self._topic.name}/{for_part}")
        mark = EndOfSnapshot(self._topic.name, int(for_part), self._topic.partitions)
        return _MemoryLoadPartition(
            self._topics.log(self._topic, int(for_part)), self._topic, mark, self._barrier
        )


class _MemoryLoadPartition(StatefulSourcePartition[Batch | EndOfSnapshot, None]):
    def __init__(
        self, log: Sequence[Message], topic: Topic[Any], mark: EndOfSnapshot, barrier: SnapshotBarrier
    ) -> None:
        self._left: list[Batch | EndOfSnapshot] = [*(Batch.of(mark.partition, [one]) for one in log), mark]
        self._mark, self._barrier, self._part = mark, barrier, f"{topic.name}/{mark.partition}"

    def next_batch(self) -> list[Batch | EndOfSnapshot]:
        if not self._left:
            raise StopIteration
        item = self._left.pop(0)
        if item is self._mark:
            self._barrier.mark_loaded(self._part)
        return [item]

    def snapshot(self) -> None:
        return None


class MemoryTables:
    """Tables as dicts by the identity columns of a row, and an inquiry log."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[Row, Row]] = defaultdict(dict)
        self.log: list[Inquiry] = []
        self.beside: list[Finding] = []
        self.rules: list[RulesInForce] = [RulesInForce(EPOCH, of_profile("st-johns", load("st-johns")))]
        self.inserts: dict[str, int] = defaultdict(int)

    def rows(self, table: Table[Any]) -> list[dict[str, Any]]:
        """Return all rows as dicts by column."""
        return [dict(zip(table.columns, row, strict=True)) for row in self._rows[table.name].values()]

    def put(self, table: Table[Any], rows: Sequence[Row]) -> None:
        """Insert one block; rows with the same identity replace each other."""
        self.inserts[table.name] += 1
        for row in rows:
            named = dict(zip(table.columns, row, strict=True))
            self._rows[table.name][tuple(named[column] for column in table.identity)] = row

    def insert(self, table: Table[T]) -> "MemoryTableSink[T]":
        return MemoryTableSink(self.writer(table))

    def writer(self, table: Table[T]) -> "MemoryTableWriter[T]":
        return MemoryTableWriter(self, table)

    def queries(self) -> TestingSource[Finding]:
        return TestingSource(self.beside)

    def inquiries(self) -> "MemoryInquiries":
        return MemoryInquiries(self)


class MemoryTableWriter(Generic[T]):
    """Writer that inserts records as one block."""

    def __init__(self, tables: MemoryTables, table: Table[T]) -> None:
        self._tables, self._table = tables, table

    def insert(self, records: Sequence[T]) -> None:
        if rows := [row for record in records for row in self._table.rows(record)]:
            self._tables.put(self._table, rows)


class MemoryTableSink(FixedPartitionedSink[T, None]):
    """Sink that buffers an epoch and inserts it as one block at the snapshot."""

    def __init__(self, writer: MemoryTableWriter[T]) -> None:
        self._writer = writer

    def list_parts(self) -> list[str]:
        return ["0"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_MemoryTablePartition[T]":
        return _MemoryTablePartition(self._writer)


class _MemoryTablePartition(StatefulSinkPartition[T, None]):
    def __init__(self, writer: MemoryTableWriter[T]) -> None:
        self._writer = writer
        self._buffer: list[T] = []

    def write_batch(self, values: list[T]) -> None:
        self._buffer.extend(values)

    def snapshot(self) -> None:
        values, self._buffer = self._buffer, []
        self._writer.insert(values)


class MemoryInquiries(FixedPartitionedSource[SealedInquiry | RulesInForce | EndOfSnapshot, int]):
    """Source of the rules and their mark, then of the sealed log from the stored position to the end."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    def list_parts(self) -> list[str]:
        return ["log"]

    def build_part(
        self, step_id: str, for_part: str, resume_state: int | None
    ) -> "_MemoryInquiriesPartition":
        sealed = list(chain(self._tables.log, 0, FIRST))
        return _MemoryInquiriesPartition(self._tables.rules, sealed, resume_state or 0)


class _MemoryInquiriesPartition(StatefulSourcePartition[SealedInquiry | RulesInForce | EndOfSnapshot, int]):
    def __init__(self, rules: list[RulesInForce], sealed: list[SealedInquiry], position: int) -> None:
        self._first: list[RulesInForce | EndOfSnapshot] = [*rules, EndOfSnapshot(GATE_RULES, 0, 1)]
        self._sealed, self._position = sealed, position

    def next_batch(self) -> list[SealedInquiry | RulesInForce | EndOfSnapshot]:
        if self._first:
            first, self._first = self._first, []
            return [*first]
        if self._position >= len(self._sealed):
            raise StopIteration
        self._position += 1
        return [self._sealed[self._position - 1]]

    def snapshot(self) -> int:
        return self._position
