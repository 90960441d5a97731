"""The embedded edge: topics as JSON lines on disk, a file a day, for one machine without a broker.

A line is a message; a written line is on the disk before the epoch commits. A crash may leave half a line
at the end: it was never acknowledged, readers do not see it and the next writer cuts it off.
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition

from connectors.clock import Clock, utc_now
from connectors.loading import SnapshotBarrier, arrived
from schemas.message import Batch, EndOfSnapshot, Message
from schemas.topics import Topic

T = TypeVar("T")

# The next byte to read: the day of its file, and how far into it. Plain data, for the recovery store.
Position = tuple[str, int]
START: Position = ("", 0)

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

    def write(self, topic: Topic[T]) -> "FileSink[T]":
        return FileSink(self._log(topic), topic, self._now)

    def append(self, topic: Topic[T], messages: list[Message]) -> None:
        """Write messages as they are, the way cameras and the command line do."""
        self._log(topic).append(messages, self._now().date())

    def messages(self, topic: Topic[Any]) -> Iterator[Message]:
        """All messages of `topic`, oldest first."""
        log, position = self._log(topic), START
        while batch := log.read(position, BATCH):
            position = batch[-1][1]
            yield from (message for message, _after in batch)

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

    def _log(self, topic: Topic[Any]) -> "DayLog":
        return DayLog(self._root / "topics" / topic.name, topic.name)


class DayLog:
    """A folder of `YYYY-MM-DD.jsonl` files, by the day they were written (UTC)."""

    def __init__(self, folder: Path, topic: str) -> None:
        self._folder, self.topic = folder, topic

    def append(self, messages: list[Message], day: date) -> None:
        """Write and fsync; one writer at a time."""
        with self._writing(day) as file:
            _write(file, messages)

    def compact(self, day: date, stays: Callable[[Message], bool]) -> list[str]:
        """Write the newest message of each key that old files hold once more, at the end; delete these files.

        Nothing is rewritten in place: whoever reads goes on from its position, and reads again what it knows.
        A crash leaves both, old and new, which are the same to readers. A file is old a whole day after its
        end, so that a reader has seen the removals in it.
        """
        old = [path for path in self._files() if _day_ends(path).date() < day]
        if not old:
            return []
        with self._writing(day) as file:
            newest: dict[bytes | None, tuple[str, Message]] = {}
            for path in self._files():
                for message in self._all(path):
                    newest[message.key] = (path.stem, message)
            last = old[-1].stem
            kept = [
                msgspec.structs.replace(message, topic="", partition=-1, offset=-1)
                for stem, message in newest.values()
                if stem <= last and message.value is not None and stays(message)
            ]
            _write(file, kept)
        for path in old:
            path.unlink()
        return [path.name for path in old]

    def first_day(self) -> date | None:
        """The day of the oldest file."""
        files = self._files()
        return date.fromisoformat(files[0].stem) if files else None

    def read(self, position: Position, most: int) -> list[tuple[Message, Position]]:
        """Up to `most` whole messages from `position`, each with the position behind it."""
        day, offset = position
        for path in self._files():
            if path.stem < day:
                continue
            start = offset if path.stem == day else 0
            with path.open("rb") as file:
                file.seek(start)
                found: list[tuple[Message, Position]] = []
                for line in file:
                    if not line.endswith(b"\n") or len(found) == most:
                        break
                    found.append((self._message(line, path, start), (path.stem, start + len(line))))
                    start += len(line)
            if found:
                return found
        return []

    def end(self) -> Position:
        """The position behind the last whole message written so far."""
        for path in reversed(self._files()):
            with path.open("rb") as file:
                if size := _whole_lines(file):
                    return (path.stem, size)
        return START

    def purge(self, keep: timedelta | None, now: datetime) -> list[str]:
        """Names of the files deleted."""
        if keep is None:
            return []
        gone = [path for path in self._files() if _day_ends(path) + keep < now]
        for path in gone:
            path.unlink()
        return [path.name for path in gone]

    @contextmanager
    def _writing(self, day: date) -> Iterator[BinaryIO]:
        """The file of `day`, locked, at its end, half a line of a crash cut off."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{day.isoformat()}.jsonl").open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _cut_half_line(file)
            yield file

    def _all(self, path: Path) -> Iterator[Message]:
        offset = 0
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield self._message(line, path, offset)
                offset += len(line)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.jsonl"))

    def _message(self, line: bytes, path: Path, offset: int) -> Message:
        try:
            message = msgspec.json.decode(line, type=Message)
        except msgspec.DecodeError:
            message = Message(None, line.rstrip(b"\n"))
        partition = int(path.stem.replace("-", ""))
        return msgspec.structs.replace(message, topic=self.topic, partition=partition, offset=offset)


def _write(file: BinaryIO, messages: Iterable[Message]) -> None:
    file.writelines(msgspec.json.encode(message) + b"\n" for message in messages)
    file.flush()
    os.fsync(file.fileno())


def _cut_half_line(file: BinaryIO) -> None:
    keep = _whole_lines(file)
    if keep != file.seek(0, os.SEEK_END):
        file.truncate(keep)


def _whole_lines(file: BinaryIO) -> int:
    """Bytes up to the last line's end."""
    keep = file.seek(0, os.SEEK_END)
    while keep:
        start = max(0, keep - 65536)
        file.seek(start)
        newline = file.read(keep - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        keep = start
    return 0


def _day_ends(path: Path) -> datetime:
    return datetime.fromisoformat(path.stem).replace(tzinfo=UTC) + timedelta(days=1)


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


class FileSink(DynamicSink[T]):
    """Appends an epoch's records batch by batch."""

    def __init__(self, log: DayLog, topic: Topic[T], now: Clock) -> None:
        self._log, self._topic, self._now = log, topic, now

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "_FileSinkPartition[T]":
        return _FileSinkPartition(self._log, self._topic, self._now)


class _FileSinkPartition(StatelessSinkPartition[T]):
    def __init__(self, log: DayLog, topic: Topic[T], now: Clock) -> None:
        self._log, self._topic, self._now = log, topic, now

    def write_batch(self, items: list[T]) -> None:
        self._log.append([self._topic.encode(item) for item in items], self._now().date())
