"""The embedded edge: topics as JSON lines on disk, a file a day, for one machine without a broker.

A line is a message; a written line is on the disk before the epoch commits. A crash may leave half a line
at the end: it was never acknowledged, readers do not see it and the next writer cuts it off.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from connectors.clock import Clock, utc_now
from connectors.day_log import START, DayLog, Position
from connectors.loading import SnapshotBarrier, arrived
from connectors.writer import TopicSink
from schemas.message import Batch, EndOfSnapshot, Message
from schemas.topics import Topic

T = TypeVar("T")

BATCH = 16
POLL = timedelta(milliseconds=200)


class FileTopics:
    """Topics below `root`, one partition each. With `follow` sources wait for more, else they end."""

    def __init__(self, root: Path, *, follow: bool, now: Clock = utc_now) -> None:
        self._root, self._follow, self._now = root, follow, now
        self._barrier = SnapshotBarrier()

    def read(self, topic: Topic[Any]) -> "FileSource":
        return FileSource(self._log(topic), self._barrier, follow=self._follow)

    def load(self, topic: Topic[Any]) -> "FileLoad":
        return FileLoad(self._log(topic), self._barrier, follow=self._follow)

    def write(self, topic: Topic[T]) -> TopicSink[T]:
        return TopicSink(lambda: self.writer(topic))

    def writer(self, topic: Topic[T]) -> "FileWriter[T]":
        return FileWriter(self._log(topic), topic, self._now)

    def read_to_end(self, topic: Topic[Any], prefix: bytes = b"") -> Iterator[Message]:
        return self._log(topic).read_to_end(prefix)

    def append(self, topic: Topic[T], messages: list[Message]) -> None:
        """Write messages as they are, the way cameras and the command line do."""
        self._log(topic).append(messages, self._now().date())

    def messages(self, topic: Topic[Any]) -> Iterator[Message]:
        """All messages of `topic`, oldest first."""
        return self.read_to_end(topic)

    def purge(self, topic: Topic[Any]) -> list[str]:
        """Delete the files of days that are wholly past what `topic` keeps; says which."""
        logs = [self._log(topic)]
        if topic.formerly:
            logs.append(DayLog(self._root / "topics" / topic.formerly, topic.formerly))
        return [name for log in logs for name in log.purge(topic.keep, self._now())]

    def first_day(self, topic: Topic[Any]) -> date | None:
        """The day of the oldest file; None where nothing was written."""
        return self._log(topic).first_day()

    def compact(
        self, topic: Topic[Any], stays: Callable[[Message], bool] = lambda _message: True
    ) -> list[str]:
        """Of a changelog, move what counts out of old files and delete these; says which.

        Removed and replaced messages go with them, and what `stays` says no to. See `DayLog.compact`.
        """
        return self._log(topic).compact(self._now().date(), stays)

    def _log(self, topic: Topic[Any]) -> DayLog:
        return DayLog(self._root / "topics" / topic.name, topic.name)


class FileSource(FixedPartitionedSource[Message, Position]):
    """Reads from the position of the last snapshot."""

    def __init__(self, log: DayLog, barrier: SnapshotBarrier, *, follow: bool) -> None:
        self._log, self._barrier, self._follow = log, barrier, follow

    def list_parts(self) -> list[str]:
        return ["0"]

    def build_part(self, step_id: str, for_part: str, resume_state: Position | None) -> "_FilePartition":
        return _FilePartition(self._log, self._barrier, resume_state or START, self._follow)


class _FilePartition(StatefulSourcePartition[Message, Position]):
    def __init__(self, log: DayLog, barrier: SnapshotBarrier, position: Position, follow: bool) -> None:
        self._log, self._barrier, self._position, self._follow = log, barrier, position, follow
        self._idle = False

    def next_batch(self) -> list[Message]:
        if not self._barrier.loaded:
            return []
        batch = self._log.read(self._position, BATCH)
        if batch:
            self._position = batch[-1][1]
            arrived(self._log.topic)
        elif not self._follow:
            raise StopIteration
        self._idle = not batch
        return [message for message, _after in batch]

    def next_awake(self) -> datetime | None:
        return utc_now() + POLL if self._idle else None

    def snapshot(self) -> Position:
        return self._position


class FileLoad(FixedPartitionedSource[Batch | EndOfSnapshot, None]):
    """Reads a changelog from its beginning; `EndOfSnapshot` marks the end it had at the start."""

    def __init__(self, log: DayLog, barrier: SnapshotBarrier, *, follow: bool) -> None:
        self._log, self._barrier, self._follow = log, barrier, follow

    def list_parts(self) -> list[str]:
        return ["0"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_FileLoadPartition":
        return _FileLoadPartition(self._log, self._barrier, self._follow)


class _FileLoadPartition(StatefulSourcePartition[Batch | EndOfSnapshot, None]):
    def __init__(self, log: DayLog, barrier: SnapshotBarrier, follow: bool) -> None:
        self._part = _FilePartition(log, SnapshotBarrier(), START, follow)
        self._barrier, self._end, self._topic = barrier, log.end(), log.topic
        self._loaded = False
        barrier.expect(log.topic)

    def next_batch(self) -> list[Batch | EndOfSnapshot]:
        if not self._loaded and self._part.snapshot() >= self._end:
            self._loaded = True
            self._barrier.reached(self._topic)
            return [EndOfSnapshot(self._topic, 0, 1)]
        # A changelog is one partition over all its days: a removal must follow the entry it removes.
        found = [
            msgspec.structs.replace(message, partition=0, offset=message.partition * 10**10 + message.offset)
            for message in self._part.next_batch()
        ]
        return [Batch.of(0, found)] if found else []

    def next_awake(self) -> datetime | None:
        return self._part.next_awake()

    def snapshot(self) -> None:
        return None


class FileWriter(Generic[T]):
    """Appends records, which are on the disk when it returns."""

    def __init__(self, log: DayLog, topic: Topic[T], now: Clock) -> None:
        self._log, self._topic, self._now = log, topic, now

    def publish(self, records: Sequence[T]) -> None:
        self._log.append([self._topic.encode(record) for record in records], self._now().date())
