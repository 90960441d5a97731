"""Holds according to the ledger: the held detections, and the earliest end of each hold.

The ledger decides, and no column of a table: a release date is that of the entries of a hold, never before
the end of its schedule.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import read_rows
from platestream.keys.pieces import answer_name, picture_name
from platestream.ledger import store as ledger
from platestream.schemas.fields import Instant
from platestream.schemas.ledger import LedgerEntry, decoded
from platestream.schemas.profile import Profile
from platestream.schemas.spans import parse_span
from platestream.schemas.unreadable import unreadable

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


class _Piece(msgspec.Struct, frozen=True):
    detection_id: str = ""
    kind: str = ""
    stored: str = ""


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    hold_id: UUID
    case_number: str = ""
    schedule: str = ""
    origin: str = ""
    held_at: Instant | None = None
    release_at: Instant | None = None
    schedule_ends: Instant | None = None
    detections: list[UUID] | int = 0
    key: str = ""
    pictures: list[_Piece] = []
    answers: list[_Piece] = []

    @property
    def pieces(self) -> frozenset[str]:
        """The names of the encrypted pieces, of which the hold has keys."""
        pictures = [picture_name(one.detection_id, one.kind) for one in self.pictures if one.stored]
        answers = [answer_name(number) for number, one in enumerate(self.answers, 1) if one.stored]
        return frozenset((*pictures, *answers))


@dataclass(frozen=True)
class Held:
    """A hold: made at `held_at`, to be released at `release_at`, and retained until `due` at least. Times are
    UTC.

    `due` is the latest of its release dates, of the end of its schedule as it was recorded, and of the end of
    its schedule by the rules in force. Earlier releases recorded years of 365 days. Such a hold retains its
    recorded dates, and is purged when the years of the calendar have passed. `key` is the fingerprint of its
    key, and `pieces` the names of what it opens, if its pictures are encrypted.
    """

    hold_id: UUID
    case_number: str
    schedule: str
    origin: str
    detections: int
    held_at: datetime
    release_at: datetime
    due: datetime
    purged_at: datetime | None = None
    key: str = ""
    pieces: frozenset[str] = frozenset()


@dataclass
class History:
    """All holds of the ledger, purged ones included, and the faults of its entries.

    An entry of `unread` may make or extend any hold, so nothing is purged while there is one.
    """

    entries: int = 0
    holds: dict[UUID, Held] = field(default_factory=dict)
    early: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)

    def add(self, entry: LedgerEntry, one: _Record, profile: Profile) -> None:
        """Add an entry with its record, in the order of its chain."""
        self.entries += 1
        held = self.holds.get(one.hold_id)
        if entry.kind == "hold":
            self._hold(entry, one, held, profile)
        elif held is None or held.purged_at is not None:
            self.wrong.append(f"{one.hold_id}: {entry.kind} without a hold")
        elif entry.kind == "purge":
            if entry.at < held.due - DAY:
                self.early.append(f"{one.hold_id} (purged {entry.at:%Y-%m-%d}, due {held.due:%Y-%m-%d})")
            self.holds[one.hold_id] = replace(held, purged_at=entry.at)
        elif one.release_at is not None:
            if one.release_at < held.release_at:
                self.early.append(f"{one.hold_id} ({one.release_at:%Y-%m-%d})")
            due = max(held.due, one.release_at)
            self.holds[one.hold_id] = replace(held, release_at=one.release_at, due=due)

    def _hold(self, entry: LedgerEntry, one: _Record, held: Held | None, profile: Profile) -> None:
        if held is not None:
            self.wrong.append(f"{one.hold_id}: held twice")
            return
        # The database accepts only entries with the current time, so both are within a minute.
        near = one.held_at is not None and abs(one.held_at - entry.at) <= MINUTE
        began = one.held_at if one.held_at is not None and near else entry.at
        release = one.release_at or began
        ends = [end for end in (one.schedule_ends,) if end is not None]
        if period := profile.evidence.schedules.get(one.schedule):
            least = parse_span(period)
            ends.append(least.after(began, profile.agency.zone))
            if release < began + least.fixed - DAY:
                self.early.append(f"{one.hold_id} ({release:%Y-%m-%d})")
        else:
            self.unknown.add(one.schedule)
        self.holds[one.hold_id] = Held(
            hold_id=one.hold_id,
            case_number=one.case_number,
            schedule=one.schedule,
            origin=one.origin,
            detections=one.detections if isinstance(one.detections, int) else len(one.detections),
            held_at=began,
            release_at=release,
            due=max([release, *ends]),
            key=one.key,
            pieces=one.pieces,
        )

    @property
    def present(self) -> Iterator[Held]:
        """The holds that are not purged."""
        return (one for one in self.holds.values() if one.purged_at is None)


def history(client: Client, profile: Profile) -> History:
    """Read the holds of the ledger; the schedules of `profile` are in force. Raises DatabaseError."""
    found = History()
    read = ledger.read(client, "evidence", "hold", "keep", "purge")
    with unreadable() as found.unread:
        for entry, record in decoded((entry for entry, _hash in read), _Record):
            found.add(entry, record, profile)
    return found


def database_time(client: Client) -> datetime:
    """Return the time of the database's clock, UTC. Raises DatabaseError."""
    at: datetime = read_rows(client, "reading the clock", "SELECT now64(3)")[0][0]
    return at
