"""What was offered to and by other agencies, what became of it, and what they have not been told yet: an
SQLite file of the data folder, for its owner alone, which commands, console and `platestream partners serve`
share.

Each block of `writing` is one transaction, on the disk when it ends. What is deleted is overwritten: entries
and hits have plates.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Generic, Literal, TypeVar
from uuid import UUID

import msgspec

from schemas.fields import Instant
from schemas.hotlist import HotListEntry
from schemas.partner import Asker
from schemas.partner_lists import Decision, HitElsewhere

T = TypeVar("T")
FILE = "partner-lists.sqlite"
BUSY_S = 20.0
Way = Literal["out", "in"]


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """Our offer to an agency. `decision` is what it said of it last, `refused` why it does not take it, and
    empty is neither. It `stands` until it is withdrawn, for the reason `ended`. `untold_since`: it has not
    heard of a change since then, because of `fault`. `restored`: it is out of a backup, and its agency has
    not said since whether it still has it.
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
    def became(self) -> str:
        """What became of it, in words; what its agency said before it ended, or before a restore, is past."""
        if self.refused:
            return f"refused: {self.refused}"
        return (
            f"was {self.decision}" if self.decision and (self.restored or not self.stands) else self.decision
        )


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """An agency's offer to us; `entry` is as it is listed here once it is taken. `heard_at`: when that agency
    last said that it stands. It is `listed` while it is on our hot list. `unseen`: no look-back was made yet.
    `restored`: it is out of a backup, and its agency has not said since that it stands.
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

    def is_heard(self, lease: timedelta, now: datetime) -> bool:
        """Whether its agency's word still counts that it stands."""
        return not self.restored and now - self.heard_at <= lease


class HitToTell(msgspec.Struct, frozen=True, kw_only=True):
    """A hit on an agency's entry; `hit` is None once it was told, or given up, and of one that it told us.
    `recorded`: it is on record that it is told.
    """

    agency: str
    hit_id: UUID
    entry_id: str
    hit: HitElsewhere | None
    since: Instant
    recorded: bool = False
    fault: str = ""

    @property
    def id(self) -> UUID:
        return self.hit_id


class Table(Generic[T]):
    """Records of one kind, each of an agency and an id."""

    def __init__(self, connection: sqlite3.Connection, name: str, record: type[T]) -> None:
        self._connection, self._name = connection, name
        self._decoder = msgspec.json.Decoder(record)

    def all(self, agency: str = "") -> list[T]:
        """Those of an agency, or of all, in the order in which they came."""
        asked = f"SELECT body FROM {self._name} WHERE ? IN ('', agency) ORDER BY rowid"  # noqa: S608 - ours
        return [self._decoder.decode(body) for (body,) in self._connection.execute(asked, (agency,))]

    def get(self, agency: str, ident: UUID) -> T | None:
        """None where there is none."""
        asked = f"SELECT body FROM {self._name} WHERE agency = ? AND id = ?"  # noqa: S608 - ours
        row = self._connection.execute(asked, (agency, str(ident))).fetchone()
        return None if row is None else self._decoder.decode(row[0])

    def put(self, record: "Offered | Incoming | HitToTell") -> None:
        """In the place of the one before."""
        asked = (
            f"INSERT INTO {self._name} VALUES (?, ?, ?) "  # noqa: S608 - ours
            "ON CONFLICT (agency, id) DO UPDATE SET body = excluded.body"
        )
        self._connection.execute(asked, (record.agency, str(record.id), msgspec.json.encode(record)))

    def delete(self, record: "Offered | Incoming | HitToTell") -> None:
        """No matter where there is none."""
        asked = f"DELETE FROM {self._name} WHERE agency = ? AND id = ?"  # noqa: S608 - ours
        self._connection.execute(asked, (record.agency, str(record.id)))


class Lists:
    """All tables, inside one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.offered = Table(connection, "offered", Offered)
        self.incoming = Table(connection, "incoming", Incoming)
        self.hits = Table(connection, "hits", HitToTell)

    def next_number(self, agency: str, now: datetime) -> int:
        """For the next message to an agency: more than all before, over restarts and clocks set back."""
        before, _at = self._said(agency, "out")
        number = max(before + 1, round(now.timestamp() * 1000))
        self._say(agency, "out", number, now)
        return number

    def is_newer(self, agency: str, number: int, now: datetime) -> bool:
        """Whether a message of an agency is newer than all before; it is the newest then."""
        before, _at = self._said(agency, "in")
        if number > before:
            self._say(agency, "in", number, now)
        return number > before

    def last_message(self, agency: str, way: Way) -> datetime | None:
        """When the last one went out to, or came in from, an agency."""
        _number, at = self._said(agency, way)
        return at

    def _said(self, agency: str, way: Way) -> tuple[int, datetime | None]:
        asked = "SELECT number, at FROM numbers WHERE agency = ? AND way = ?"
        row = self._connection.execute(asked, (agency, way)).fetchone()
        return (0, None) if row is None else (row[0], datetime.fromisoformat(row[1]))

    def _say(self, agency: str, way: Way, number: int, now: datetime) -> None:
        row = (agency, way, number, now.isoformat())
        self._connection.execute("INSERT OR REPLACE INTO numbers VALUES (?, ?, ?, ?)", row)


class ListFile:
    """The file in a folder; made when it is first written to."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    @property
    def version(self) -> int:
        """Differs after a change, by whatever process; 0 where nothing was written yet. Raises OSError."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return 0
        return found.st_mtime_ns if found.st_size else 0

    @contextmanager
    def writing(self) -> Iterator[Lists]:
        """One process or thread at a time; nothing of it stays where the block raises.

        Raises OSError, also where another holds the file for long, or it is damaged.
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
        """As it is now; without a file there is nothing in it, and none is made. Raises as `writing`."""
        there = self.version != 0
        with self._opened(str(self.path) if there else ":memory:") as connection:
            if not there:
                for one in _TABLES:
                    connection.execute(one)
            yield Lists(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Lists]:
        """A copy as of one moment, which nobody has to wait for. Raises as `writing`."""
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
