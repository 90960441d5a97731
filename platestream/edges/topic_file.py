"""File of a topic of the embedded edge: one SQLite file that many processes read and write at once.

An acknowledged message is on the disk (each commit is synchronized), and an interrupted write leaves nothing.
Deleted data is overwritten: a plate leaves the disk with its message.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

from platestream.schemas.fields import NOT_JSON
from platestream.schemas.message import Message

VERSION = 1
BUSY_SECONDS = 60.0  # timeout of a writer that waits for others
READER_SECONDS = 0.2  # timeout of clearing for a reader; writers wait, too
AFTER_CUT = 16 * 1024 * 1024  # bytes of the write-ahead file that remain after a checkpoint

# Small columns come before the value, so that searching them reads no page of a picture. WAL mode is set
# last: its content when the file is closed might not fit the disk, and that error would not be reported.
_TABLES = f"""
PRAGMA page_size = 8192;
PRAGMA auto_vacuum = INCREMENTAL;
CREATE TABLE messages (
    place INTEGER PRIMARY KEY AUTOINCREMENT, partition INTEGER NOT NULL, ages_from INTEGER NOT NULL,
    arrived INTEGER NOT NULL, time INTEGER, key BLOB, headers BLOB, value BLOB
);
CREATE INDEX by_partition ON messages (partition);
CREATE INDEX by_age ON messages (ages_from);
CREATE INDEX by_key ON messages (key);
CREATE TABLE readers (
    reader TEXT, partition INTEGER, place INTEGER NOT NULL, PRIMARY KEY (reader, partition)
);
CREATE TABLE keys (key BLOB PRIMARY KEY, partition INTEGER NOT NULL);
PRAGMA user_version = {VERSION};
PRAGMA journal_mode = WAL;
"""
_INSERT = """
INSERT INTO messages (partition, ages_from, arrived, time, key, headers, value) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_MESSAGE = "SELECT place, partition, time, key, headers, value FROM messages "
_BEHIND = _MESSAGE + "WHERE partition = ? AND place > ? ORDER BY place LIMIT ?"
_NEXT = "INSERT INTO keys SELECT ?, count(*) % ? FROM keys RETURNING partition"
_MARK_READ = """
INSERT INTO readers VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET place = excluded.place
"""
_READ_BY_ALL = """
DELETE FROM messages WHERE partition = ?1
    AND place <= (SELECT min(place) FROM readers WHERE partition = ?1)
"""
# A partition without a reader's position is unread from its beginning.
_UNREAD = """
SELECT count(*), min(arrived) FROM messages
LEFT JOIN (SELECT partition, min(place) AS passed FROM readers GROUP BY partition) AS slowest
    ON slowest.partition = messages.partition
WHERE messages.place > ifnull(passed, 0)
"""
_OLDEST = "DELETE FROM messages WHERE place IN (SELECT place FROM messages ORDER BY place LIMIT 16)"
# Old messages that a later one with the same key replaces, and removals.
_REPLACED = """
DELETE FROM messages WHERE ages_from < ?1 AND key IS NOT NULL AND (
    value IS NULL OR EXISTS (
        SELECT 1 FROM messages AS later WHERE later.key = messages.key AND later.place > messages.place
    )
)
"""
Row = tuple[int, int, int | None, bytes | None, bytes | None, bytes | None]
"""place, partition, time (microseconds since 1970), key, headers (JSON), value"""


class TopicFileError(OSError):
    """The file of a topic cannot be read or written; the message names it and the reason."""


class TopicFullError(TopicFileError):
    """The topic has reached its size limit with messages that are not yet read."""


@dataclass(frozen=True)
class Bounds:
    """The size limit: beyond `most_bytes` the oldest messages are dropped, or else writers are refused."""

    most_bytes: int
    oldest_go: bool


@dataclass(frozen=True)
class Unread:
    """The number of messages that wait for a reader, and the arrival of the first, UTC or None."""

    count: int
    since: datetime | None


class TopicFile:
    """The file at `path`, with one connection, for one thread at a time. Every method raises TopicFileError.

    The first write makes the file; until then it reads as empty. A place is the number of a message in its
    topic; places start at 1, grow and are never reused. A `synchronised` commit waits for the disk.
    """

    def __init__(self, path: Path, topic: str, *, synchronised: bool = True) -> None:
        self._path, self.topic, self._synchronised = path, topic, synchronised
        self._connection: sqlite3.Connection | None = None

    def append(
        self,
        messages: Sequence[Message],
        partitions: int,
        now: datetime,
        *,
        by_arrival: bool = False,
        in_turn: bool = False,
        bounds: Bounds | None = None,
    ) -> int:
        """Write messages, which are on the disk on return. Returns the number of old ones that were dropped.

        A message ages from its own time, at the latest from now; with `by_arrival` from now. Its key decides
        its partition; with `in_turn`, the order in which the keys first came.
        """
        arrived = micros(now)
        place = _in_turn if in_turn else _by_key
        with self._writing() as db:
            gone = 0 if bounds is None else self._make_room(db, sum(map(_size, messages)), bounds)
            rows = [
                _row(one, place(db, one.key, partitions), arrived, by_arrival=by_arrival) for one in messages
            ]
            db.executemany(_INSERT, rows)
        return gone

    def rows(self, partition: int, after: int, most: int) -> list[Row]:
        """Return up to `most` stored messages of `partition` after the place `after`, oldest first."""
        return self._found(_BEHIND, (partition, after, most))

    def read_to_end(self, prefix: bytes = b"") -> Iterator[Message]:
        """Yield the current messages whose key starts with `prefix`, oldest first.

        Concurrent writes have no effect on it.
        """
        if not self._path.exists():
            return
        where, parameters = _keys_from(prefix)
        with self._errors(), closing(self._connect()) as db:
            for row in db.execute(f"{_MESSAGE} {where} ORDER BY place", parameters):
                yield self.message(row)

    def message(self, row: Row) -> Message:
        """Convert a row to a message."""
        try:
            place, partition, time, key, headers, value = row
            if not all(isinstance(one, bytes | None) for one in (key, headers, value)):
                raise TypeError
            decoded = msgspec.json.decode(headers, type=dict[str, str]) if headers else {}
        except (*NOT_JSON, TypeError):
            raise TopicFileError(f"{self._path}: the message at {row[0]} is damaged") from None
        return Message(
            key, value, decoded, self._moment(time, f"the message at {row[0]}"), self.topic, partition, place
        )

    def end(self, partition: int) -> int:
        """Return the place of the newest message of `partition`, or 0 if there is none."""
        found = self._found("SELECT ifnull(max(place), 0) FROM messages WHERE partition = ?", (partition,))
        place = found[0][0] if found else 0
        if not isinstance(place, int):
            raise TopicFileError(f"{self._path}: the place of a message is damaged")
        return place

    def oldest(self) -> datetime | None:
        """Return the time (UTC) from which the oldest message ages, or None if there is none."""
        found = self._found("SELECT min(ages_from) FROM messages", ())
        return self._moment(found[0][0]) if found else None

    def mark_read(self, reader: str, partition: int, place: int, *, forget: bool) -> None:
        """Note that `reader` never returns to `place` or before.

        With `forget`, messages that all have passed are deleted.
        """
        with self._writing() as db:
            db.execute(_MARK_READ, (reader, partition, place))
            if forget:
                db.execute(_READ_BY_ALL, (partition,))

    def unread(self) -> Unread:
        """Return the messages after the slowest reader of each partition."""
        found = self._found(_UNREAD, ())
        count, arrived = found[0] if found else (0, None)
        return Unread(count, self._moment(arrived))

    def expire(self, before: datetime) -> int:
        """Delete messages that age from before a time, also from the disk. Returns their number."""
        gone = self._delete("DELETE FROM messages WHERE ages_from < ?", before)
        if self._path.exists():
            self._clear()
        return gone

    def compact(self, before: datetime, stays: Callable[[Message], bool]) -> int:
        """Delete obsolete messages of a changelog that age from before a time. Returns their number.

        Obsolete are messages that a later one with the same key replaced, removals, and the newest of a key
        if `stays` returns false for it. A removal is stored until then so that all readers have seen it.
        """
        if not self._path.exists():
            return 0
        gone = self._delete(_REPLACED, before)
        old = self._found(_MESSAGE + "WHERE ages_from < ? AND value IS NOT NULL", (micros(before),))
        unwanted = [(row[0],) for row in old if not stays(self.message(row))]
        if unwanted:
            with self._writing() as db:
                db.executemany("DELETE FROM messages WHERE place = ?", unwanted)
        self._clear()
        return gone + len(unwanted)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _delete(self, statement: str, before: datetime) -> int:
        if not self._path.exists():
            return 0
        with self._writing() as db:
            return db.execute(statement, (micros(before),)).rowcount

    def _clear(self) -> None:
        """Free unused pages, and the content of deleted messages in the write-ahead file.

        A concurrent reader needs that file; then it is left to the next call.
        """
        with self._errors():
            db = self._db()
            # A script runs to its end. `execute` would free one page only, because each is a row.
            db.executescript("PRAGMA incremental_vacuum")
            db.execute(f"PRAGMA busy_timeout = {READER_SECONDS * 1000:.0f}")
            try:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")

    def _make_room(self, db: sqlite3.Connection, wanted: int, bounds: Bounds) -> int:
        gone = 0
        while _used(db) + wanted > bounds.most_bytes:
            found = db.execute(_OLDEST).rowcount if bounds.oldest_go else 0
            if not found:
                raise TopicFullError(
                    f"{self._path}: {wanted} bytes more do not fit its {bounds.most_bytes}, and what is "
                    "there was not read yet: is its flow running?"
                )
            gone += found
        return gone

    def _found(self, statement: str, parameters: tuple[Any, ...]) -> list[Any]:
        if self._connection is None and not self._path.exists():
            return []
        with self._errors():
            return self._db().execute(statement, parameters).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._errors():
            if self._connection is None and not self._path.exists():
                self._make()
            db = self._db()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
                raise

    def _make(self) -> None:
        """Create the file under a temporary name and link it in place.

        No process sees an incomplete file.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        making = self._path.with_name(f".{self._path.name}.{os.getpid()}-{id(self)}")
        os.close(os.open(making, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            with closing(sqlite3.connect(making, isolation_level=None)) as db:
                db.executescript(_TABLES)
            with suppress(FileExistsError):  # another process was first
                os.link(making, self._path)
        finally:
            for beside in ("", "-journal", "-wal", "-shm"):  # SQLite leaves them on failure
                making.with_name(making.name + beside).unlink(missing_ok=True)

    def _moment(self, time: int | None, what: str = "the time of a message") -> datetime | None:
        try:
            return None if time is None else at(time)
        except (TypeError, OverflowError):  # SQLite returns the value of a damaged page, of any type
            raise TopicFileError(f"{self._path}: {what} is damaged") from None

    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            db.executescript(
                f"PRAGMA secure_delete = ON; PRAGMA journal_size_limit = {AFTER_CUT}; "
                f"PRAGMA synchronous = {'FULL' if self._synchronised else 'NORMAL'};"
            )
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                raise TopicFileError(f"{self._path}: is not of this version of platestream, or no topic")
        except BaseException:
            db.close()
            raise
        return db

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:  # UnicodeDecodeError: SQLite quotes damaged data
            raise TopicFileError(f"{self._path}: {error}") from error


def micros(moment: datetime) -> int:
    """Return the microseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def at(time: int) -> datetime:
    """Return the time (UTC) of `micros`."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)


def _by_key(_db: sqlite3.Connection, key: bytes | None, partitions: int) -> int:
    return crc32(key or b"") % partitions


def _in_turn(db: sqlite3.Connection, key: bytes | None, partitions: int) -> int:
    found = db.execute("SELECT partition FROM keys WHERE key = ?", (key or b"",)).fetchone()
    (partition,) = found or db.execute(_NEXT, (key or b"", partitions)).fetchone()
    return int(partition)


def _row(message: Message, partition: int, arrived: int, *, by_arrival: bool) -> tuple[Any, ...]:
    time = None if message.timestamp is None else micros(message.timestamp)
    return (
        partition,
        arrived if by_arrival or time is None else min(arrived, time),
        arrived,
        time,
        message.key,
        msgspec.json.encode(message.headers) if message.headers else None,
        message.value,
    )


def _size(message: Message) -> int:
    return len(message.value or b"")


def _used(db: sqlite3.Connection) -> int:
    (pages,), (free,), (size,) = (
        db.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _keys_from(prefix: bytes) -> tuple[str, list[bytes]]:
    """Return the condition that a key starts with `prefix`, as a range of the index."""
    if not prefix:
        return "", []
    stem = prefix.rstrip(b"\xff")
    if not stem:
        return "WHERE key >= ?", [prefix]
    return "WHERE key >= ? AND key < ?", [prefix, stem[:-1] + bytes([stem[-1] + 1])]
