"""Embedded edge: topics as files below a folder, for one machine without a broker."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from platestream.edges.edge import ALL_PARTITIONS, Share
from platestream.edges.snapshot_barrier import SnapshotBarrier, note_arrival
from platestream.edges.topic_file import Bounds, TopicFile, TopicFileError, Unread
from platestream.edges.writer import TopicSink
from platestream.runtime.clock import POLL_INTERVAL, Clock, PollSchedule, utc_now
from platestream.runtime.metrics import meters
from platestream.schemas import metrics
from platestream.schemas.message import Batch, EndOfSnapshot, Message
from platestream.schemas.topics import Topic

T = TypeVar("T")

LOAD_BATCH = 1000  # messages of a changelog in one batch
COMPACT_AFTER = timedelta(days=1)  # time for which a changelog stores a removal, for running readers
RESUMABLE_EPOCHS = 2  # epochs before the newest to whose start a reader may still return


class FileTopics:
    """Topics below `root`, one file each. With `follow` sources wait for more messages, else they end.

    This process reads the partitions of `share`.
    """

    def __init__(
        self, root: Path, *, follow: bool, share: Share = ALL_PARTITIONS, now: Clock = utc_now
    ) -> None:
        self._root, self._follow, self._share, self._now = root, follow, share, now
        self._barrier = SnapshotBarrier()

    def read(self, topic: Topic[Any]) -> "FileSource":
        parts = self._share(range(topic.partitions))
        file = partial(self._file, topic, synchronised=False)
        return FileSource(file, topic, parts, self._barrier, self._follow)

    def load(self, topic: Topic[Any]) -> "FileLoad":
        return FileLoad(partial(self._file, topic, synchronised=False), topic, self._barrier, self._follow)

    def write(self, topic: Topic[T]) -> TopicSink[T]:
        return TopicSink(lambda: self.writer(topic))

    def writer(self, topic: Topic[T]) -> "FileWriter[T]":
        return FileWriter(self._file(topic), topic, self._now)

    def read_to_end(self, topic: Topic[Any], prefix: bytes = b"") -> Iterator[Message]:
        return self._file(topic).read_to_end(prefix)

    def follow(self, topic: Topic[Any]) -> Iterator[Sequence[Message]]:
        file = self._file(topic)
        places = {partition: file.end(partition) for partition in range(topic.partitions)}
        return _follow(file, places, topic.a_poll)

    def append(self, topic: Topic[Any], messages: Sequence[Message]) -> None:
        """Write messages unchanged, as cameras and commands do."""
        self.writer(topic).append(messages)

    def messages(self, topic: Topic[Any]) -> Iterator[Message]:
        """Return all messages of `topic`, oldest first."""
        return self.read_to_end(topic)

    def unread(self, topic: Topic[Any]) -> Unread:
        """Return the messages that wait for the flow that reads `topic`."""
        return self._file(topic).unread()

    def expire(self, topic: Topic[Any]) -> int:
        """Delete the messages beyond the retention of `topic`. Returns their number."""
        return 0 if topic.keep is None else self._file(topic).expire(self._now() - topic.keep)

    def oldest(self, topic: Topic[Any]) -> datetime | None:
        """Return the time (UTC) from which the oldest message ages, or None if there is none."""
        return self._file(topic).oldest()

    def compact(self, topic: Topic[Any], stays: Callable[[Message], bool] = lambda _message: True) -> int:
        """Delete messages of a changelog that are over a day old and were replaced or removed.

        Messages over a day old for which `stays` returns false are deleted, too. Returns the number of
        deleted ones.
        """
        return self._file(topic).compact(self._now() - COMPACT_AFTER, stays)

    def _file(self, topic: Topic[Any], *, synchronised: bool = True) -> TopicFile:
        folder = self._root / "topics"
        if (folder / topic.name).is_dir():
            raise TopicFileError(
                f"{folder / topic.name}: topics of a version that kept them as JSON lines are not read any "
                "more: take another data folder"
            )
        return TopicFile(folder / f"{topic.name}.sqlite3", topic.name, synchronised=synchronised)


def _follow(file: TopicFile, places: dict[int, int], most: int) -> Iterator[list[Message]]:
    while True:
        rows = [row for partition, place in places.items() for row in file.rows(partition, place, most)]
        places.update({row[1]: row[0] for row in rows})
        yield [file.message(row) for row in rows]
        if not rows:
            time.sleep(POLL_INTERVAL.total_seconds())


class FileSource(FixedPartitionedSource[Message, int]):
    """Source that reads from the position of the last snapshot, and stores its progress in the file."""

    def __init__(
        self,
        file: Callable[[], TopicFile],
        topic: Topic[Any],
        partitions: Sequence[int],
        barrier: SnapshotBarrier,
        follow: bool,
    ) -> None:
        self._file, self._topic, self._partitions = file, topic, partitions
        self._barrier, self._follow = barrier, follow

    def list_parts(self) -> list[str]:
        return [str(partition) for partition in self._partitions]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "_FilePartition":
        place = resume_state or 0
        return _FilePartition(
            self._file(), self._topic, int(for_part), place, self._barrier, step_id, self._follow
        )


class _FilePartition(StatefulSourcePartition[Message, int]):
    def __init__(
        self,
        file: TopicFile,
        topic: Topic[Any],
        partition: int,
        place: int,
        barrier: SnapshotBarrier,
        reader: str,
        follow: bool,
    ) -> None:
        self._file, self._topic, self._partition, self._place = file, topic, partition, place
        self._barrier, self._reader, self._follow = barrier, reader, follow
        self._idle = False
        self._epochs = [place] * (RESUMABLE_EPOCHS + 1)
        self._told = -1
        self._looks = PollSchedule()

    def next_batch(self) -> list[Message]:
        if not self._barrier.loaded:
            return []
        rows = self._file.rows(self._partition, self._place, self._topic.a_poll)
        if rows:
            self._place = rows[-1][0]
            note_arrival(self._topic.name)
        elif not self._follow:
            raise StopIteration
        # A batch that is not full is at the end. A poll off the grid of `PollSchedule` could end an epoch off
        # the grid.
        self._idle = not rows or (self._follow and len(rows) < self._topic.a_poll)
        return [self._file.message(row) for row in rows]

    def next_awake(self) -> datetime | None:
        return self._looks.next(idle=self._idle)

    def snapshot(self) -> int:
        """Store the position of an earlier epoch as read.

        That epoch is in the recovery store and is not read again.
        """
        self._looks.epoch_ended()
        self._epochs = [*self._epochs[1:], self._place]
        if self._epochs[0] != self._told:
            self._told = self._epochs[0]
            self._file.mark_read(self._reader, self._partition, self._told, forget=self._topic.read_once)
        return self._place

    def close(self) -> None:
        self._file.close()


class FileLoad(FixedPartitionedSource[Batch | EndOfSnapshot, None]):
    """Source that reads a changelog from its beginning; `EndOfSnapshot` marks its end at the start."""

    def __init__(
        self, file: Callable[[], TopicFile], topic: Topic[Any], barrier: SnapshotBarrier, follow: bool
    ) -> None:
        self._file, self._topic, self._barrier, self._follow = file, topic, barrier, follow

    def list_parts(self) -> list[str]:
        return [str(partition) for partition in range(self._topic.partitions)]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_FileLoadPartition":
        mark = EndOfSnapshot(self._topic.name, int(for_part), self._topic.partitions)
        return _FileLoadPartition(self._file(), mark, self._barrier, self._follow)


class _FileLoadPartition(StatefulSourcePartition[Batch | EndOfSnapshot, None]):
    def __init__(self, file: TopicFile, mark: EndOfSnapshot, barrier: SnapshotBarrier, follow: bool) -> None:
        self._file, self._mark, self._barrier, self._follow = file, mark, barrier, follow
        self._part = f"{mark.changelog}/{mark.partition}"
        self._place, self._end = 0, file.end(mark.partition)
        self._idle = self._marked = False
        self._looks = PollSchedule()
        barrier.expect(self._part)

    def next_batch(self) -> list[Batch | EndOfSnapshot]:
        rows = [] if self._waits() else self._file.rows(self._mark.partition, self._place, LOAD_BATCH)
        self._idle = len(rows) < LOAD_BATCH
        if rows:
            self._place = rows[-1][0]
            keys, values = [row[3] for row in rows], [row[5] for row in rows]
            return [Batch(self._mark.partition, keys, values, lambda place: self._file.message(rows[place]))]
        if not self._marked:
            self._marked = True
            self._barrier.mark_loaded(self._part)
            return [self._mark]
        if not self._follow:
            raise StopIteration
        return []

    def _waits(self) -> bool:
        """Return whether the mark is due: at the end that the file had at the start."""
        return not self._marked and self._place >= self._end

    def next_awake(self) -> datetime | None:
        return self._looks.next(idle=self._idle and self._marked)

    def snapshot(self) -> None:
        self._looks.epoch_ended()

    def close(self) -> None:
        self._file.close()


class FileWriter(Generic[T]):
    """Writer that appends records; they are on the disk when it returns. Raises TopicFileError."""

    def __init__(self, file: TopicFile, topic: Topic[T], now: Clock) -> None:
        self._file, self._topic, self._now = file, topic, now
        most = topic.most_bytes
        self._bounds = None if most is None else Bounds(most, oldest_go=not topic.read_once)

    def publish(self, records: Sequence[T]) -> None:
        self.append([self._topic.encode(record) for record in records])

    def append(self, messages: Sequence[Message]) -> None:
        """Write messages unchanged."""
        if not messages:
            return
        gone = self._file.append(
            messages,
            self._topic.partitions,
            self._now(),
            in_turn=self._topic.few_keys,
            by_arrival=self._topic.time_of_arrival or self._topic.keep is None,
            bounds=self._bounds,
        )
        meters.count(metrics.RECORDS_WRITTEN, self._topic.name, by=len(messages))
        if gone:
            meters.count(metrics.TOPIC_DROPPED, self._topic.name, by=gone)
