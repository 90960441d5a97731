"""A topic of the embedded edge on disk: a folder of files of JSON lines, one for each day."""

import fcntl
import os
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import msgspec

from schemas.message import Message

# The next byte to read: the day of its file, and how far into it. Plain data, for the recovery store.
Position = tuple[str, int]
START: Position = ("", 0)

_KEY = b'{"key":"'  # how a line starts that has a key


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
                for message in self._messages(path):
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

    def read_to_end(self, prefix: bytes = b"") -> Iterator[Message]:
        """Whole messages up to the end written so far, oldest first, whose key starts with `prefix`."""
        last, size = self.end()
        files = [path for path in self._files() if path.stem <= last]
        while files:
            path = files.pop(0)
            try:
                yield from self._messages(path, size if path.stem == last else None, prefix)
            except FileNotFoundError:  # what counts of it was just written once more, behind the end
                last, size = self.end()
                files = [one for one in self._files() if path.stem < one.stem <= last]

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

    def _messages(self, path: Path, end: int | None = None, prefix: bytes = b"") -> Iterator[Message]:
        """Whole messages of a file before `end` whose key starts with `prefix`."""
        other, offset = _other_keys(prefix), 0
        with path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n") or offset == end:
                    return
                if not other(line):
                    message = self._message(line, path, offset)
                    if (message.key or b"").startswith(prefix):
                        yield message
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


def _other_keys(prefix: bytes) -> Callable[[bytes], bool]:
    """Says of a line whether its key surely does not start with `prefix`, without decoding it.

    Keys are in base64, where three bytes are four characters; the last one or two bytes of `prefix` are left
    to whoever decodes the line, as is a line of another program that has its fields in another order.
    """
    whole = len(prefix) // 3 * 3
    wanted = _KEY + b64encode(prefix[:whole])
    return lambda line: not line.startswith(wanted) and line.startswith(_KEY)


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
