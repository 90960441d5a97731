"""Offers to and from other agencies, their status, and pending notifications, in an SQLite file.

The file is in the data folder and readable by its owner only. Commands, console and `platestream partners
serve` share it. Each block of `writing` is one transaction, on the disk when it ends. Deleted data is
overwritten, because entries and hits contain plates.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Generic, Literal, TypeVar
from uuid import UUID

import msgspec

from platestream.schemas.fields import NOT_JSON, Instant
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.partner import Asker
from platestream.schemas.partner_lists import Decision, RemoteHit
from platestream.schemas.unreadable import note_unreadable

T = TypeVar("T")
FILE = "partner-lists.sqlite"
BUSY_S = 20.0
Way = Literal["out", "in"]


class OutgoingOffer(msgspec.Struct, frozen=True, kw_only=True):
    """Our offer to an agency.

    `decision` is the agency's last decision, `refused` its reason for rejecting the offer; both are empty if
    there is none. The offer `stands` until it is withdrawn, for the reason `ended`. `untold_since`: a change
    has not reached the agency since then, because of `fault`. `restored`: the offer comes from a backup, and
    the agency has not confirmed since that it has it.
    """

    agency: str
    offer_id: UUID
    entry: HotListEntry
    by: Asker
    offered_at: Instant
    stands: bool = True
    decision: Decision | Literal[""] = ""
    refused: str = ""
    ended: str = ""
    ended_at: Instant | None = None
    untold_since: Instant | None = None
    told_at: Instant | None = None
    fault: str = ""
    restored: bool = False

    @property
    def id(self) -> UUID:
        return self.offer_id

    @property
    def status_text(self) -> str:
        """The status of the offer in words.

        A decision from before its end or a restore is in the past tense.
        """
        if self.refused:
            return f"refused: {self.refused}"
        return (
            f"was {self.decision}" if self.decision and (self.restored or not self.stands) else self.decision
        )


class IncomingOffer(msgspec.Struct, frozen=True, kw_only=True):
    """An agency's offer to us; `entry` is the form in which it is listed here once it is accepted.

    `heard_at`: the time when the agency last confirmed the offer. `listed`: the entry is on our hot list.
    `unseen`: no look-back was made yet. `restored`: the offer comes from a backup, and the agency has not
    confirmed it since.
    """

    agency: str
    offer_id: UUID
    entry: HotListEntry
    by: Asker
    offered_at: Instant
    heard_at: Instant
    decision: Decision = "waiting"
    decided_by: str = ""
    listed: bool = False
    unseen: bool = False
    restored: bool = False

    @property
    def id(self) -> UUID:
        return self.offer_id

    def is_confirmed(self, lease: timedelta, now: datetime) -> bool:
        """Return whether the agency's last confirmation is still valid."""
        return not self.restored and now - self.heard_at <= lease


class PendingHit(msgspec.Struct, frozen=True, kw_only=True):
    """A hit on an agency's entry that has to be reported to it.

    `hit` is None once it was reported or given up, and for hits that the agency reported to us. `recorded`:
    the report is logged.
    """

    agency: str
    hit_id: UUID
    entry_id: str
    hit: RemoteHit | None
    since: Instant
    recorded: bool = False
    fault: str = ""

    @property
    def id(self) -> UUID:
        return self.hit_id


class Table(Generic[T]):
    """Records of one kind, by agency and id."""

    def __init__(self, connection: sqlite3.Connection, name: str, record: type[T]) -> None:
        self._connection, self._name = connection, name
        self._decoder = msgspec.json.Decoder(record)

    def all(self, agency: str = "") -> list[T]:
        """Return the records of one agency or all, in order of insertion."""
        query = f"SELECT body FROM {self._name} WHERE ? IN ('', agency) ORDER BY rowid"  # noqa: S608 - ours
        return list(self._readable(self._connection.execute(query, (agency,))))

    def get(self, agency: str, ident: UUID) -> T | None:
        """Return a record, or None."""
        query = f"SELECT body FROM {self._name} WHERE agency = ? AND id = ?"  # noqa: S608 - ours
        row = self._connection.execute(query, (agency, str(ident))).fetchone()
        return None if row is None else self._decoder.decode(row[0])

    def _readable(self, rows: Iterable[tuple[bytes]]) -> Iterator[T]:
        """Yield the records of rows; one that cannot be read is noted (`schemas/unreadable.py`)."""
        for (body,) in rows:
            try:
                yield self._decoder.decode(body)
            except NOT_JSON as error:
                note_unreadable(f"a record of {self._name} cannot be read ({error})")

    def put(self, record: "OutgoingOffer | IncomingOffer | PendingHit") -> None:
        """Insert or replace a record."""
        query = (
            f"INSERT INTO {self._name} VALUES (?, ?, ?) "  # noqa: S608 - ours
            "ON CONFLICT (agency, id) DO UPDATE SET body = excluded.body"
        )
        self._connection.execute(query, (record.agency, str(record.id), msgspec.json.encode(record)))

    def delete(self, record: "OutgoingOffer | IncomingOffer | PendingHit") -> None:
        """Delete a record if it exists."""
        query = f"DELETE FROM {self._name} WHERE agency = ? AND id = ?"  # noqa: S608 - ours
        self._connection.execute(query, (record.agency, str(record.id)))


class Lists:
    """All tables, inside one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.offered = Table(connection, "offered", OutgoingOffer)
        self.incoming = Table(connection, "incoming", IncomingOffer)
        self.hits = Table(connection, "hits", PendingHit)

    def next_number(self, agency: str, now: datetime) -> int:
        """Return the number of the next message to an agency.

        It is higher than all before, over restarts and clock changes.
        """
        before, _at = self._last_number(agency, "out")
        number = max(before + 1, round(now.timestamp() * 1000))
        self._set_number(agency, "out", number, now)
        return number

    def is_newer(self, agency: str, number: int, now: datetime) -> bool:
        """Return whether a message of an agency is newer than all before, and if so store its number."""
        before, _at = self._last_number(agency, "in")
        if number > before:
            self._set_number(agency, "in", number, now)
        return number > before

    def last_message(self, agency: str, way: Way) -> datetime | None:
        """Return the time of the last message to or from an agency."""
        _number, at = self._last_number(agency, way)
        return at

    def _last_number(self, agency: str, way: Way) -> tuple[int, datetime | None]:
        query = "SELECT number, at FROM numbers WHERE agency = ? AND way = ?"
        row = self._connection.execute(query, (agency, way)).fetchone()
        return (0, None) if row is None else (row[0], datetime.fromisoformat(row[1]))

    def _set_number(self, agency: str, way: Way, number: int, now: datetime) -> None:
        row = (agency, way, number, now.isoformat())
        self._connection.execute("INSERT OR REPLACE INTO numbers VALUES (?, ?, ?, ?)", row)


class ListFile:
    """The file in a folder; it is made at the first write."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    @property
    def version(self) -> int:
        """A number that differs after a change by any process; 0 if nothing was written yet.

        Raises OSError.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return 0
        return found.st_mtime_ns if found.st_size else 0

    @contextmanager
    def writing(self) -> Iterator[Lists]:
        """Yield the tables in a transaction, which is rolled back if the block raises.

        Only one process or thread can write at a time. Raises OSError, also if another process holds the file
        for long, or it is damaged.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        with self._opened(str(self.path)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("BEGIN IMMEDIATE")
            try:
                for one in _TABLES:
                    connection.execute(one)
                yield Lists(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[Lists]:
        """Yield the current tables; empty ones, without creating the file, if there is none.

        Raises as `writing`.
        """
        there = self.version != 0
        with self._opened(str(self.path) if there else ":memory:") as connection:
            if not there:
                for one in _TABLES:
                    connection.execute(one)
            yield Lists(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Lists]:
        """Yield a consistent copy, which blocks no other process. Raises as `writing`."""
        with self._opened(":memory:") as copy:
            if self.version:
                with self._opened(str(self.path)) as connection:
                    connection.backup(copy)
            for one in _TABLES:
                copy.execute(one)
            yield Lists(copy)

    @contextmanager
    def _opened(self, place: str) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(place, timeout=BUSY_S, isolation_level=None)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise OSError(f"{self.path}: {error}") from None


_TABLES = (
    *(
        f"CREATE TABLE IF NOT EXISTS {name} "
        "(agency TEXT, id TEXT, body BLOB, PRIMARY KEY (agency, id)) STRICT"
        for name in ("offered", "incoming", "hits")
    ),
    "CREATE TABLE IF NOT EXISTS numbers (agency TEXT, way TEXT, number INTEGER, at TEXT, "
    "PRIMARY KEY (agency, way)) STRICT",
)
