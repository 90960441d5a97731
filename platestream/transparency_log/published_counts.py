"""Hourly counts in the open: sealed entries of the ledger, each with what its entry of the log was made of.

A line is JSON: `seal`, `salt`, `inquiry` (the act of the job, which names no person) and `entry` (of the
ledger). Anyone can compute that the published entry `seal` is SHA-256 of salt and inquiry, and that the
inquiry has the hash of the ledger's entry. The published folder has one file for each day.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import read_rows
from platestream.edges.inquiry_log import COLUMNS, inquiry_of
from platestream.merkle import tiles
from platestream.merkle.checkpoint import Head
from platestream.merkle.tiles import ENTRIES, tile_of
from platestream.schemas.fields import NOT_JSON
from platestream.schemas.inquiry import Inquiry
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.tally import Tally
from platestream.schemas.unreadable import note_unreadable
from platestream.transparency_log import leaves
from platestream.transparency_log.published_folder import PublishedFolder

FOLDER = "counts"
LONGEST = timedelta(days=62)
"""Days of counts that a folder without any gets at first."""
SETTLED = timedelta(minutes=10)
_ENTRY = ("entry_number", "entry_at", "entry_who", "entry_record", "entry_previous")
_SEALED = f"""
SELECT seal, salt, {", ".join(_ENTRY)}, entry, {", ".join(COLUMNS)}
FROM platestream.sealed_counts(since = {{since:DateTime64(6, 'UTC')}}, until = {{until:DateTime64(6, 'UTC')}})
"""  # noqa: S608 - names of our own columns


class OpenedEntry(msgspec.Struct, frozen=True):
    """An entry of the log with its content; `salt` is empty before it is published."""

    seal: int
    salt: str
    inquiry: msgspec.Raw
    entry: msgspec.Raw

    def tally(self) -> tuple[LedgerEntry, Tally]:
        """Return what the entry holds. Raises ValueError unless the act is of the job and names the entry."""
        try:
            inquiry, entry = Inquiry.from_json(bytes(self.inquiry)), LedgerEntry.from_json(bytes(self.entry))
            tally = msgspec.json.decode(entry.record, type=Tally)
        except (*NOT_JSON, RefusedError) as error:
            raise ValueError(f"seal {self.seal}: not the counts of an hour ({error})") from None
        if (inquiry.kind, inquiry.outcome, entry.kind) != ("tally", "allowed", "tally"):
            raise ValueError(f"seal {self.seal}: not the counts of an hour")
        if inquiry.effect != entry.hash:
            raise ValueError(f"seal {self.seal}: the counts are not those that were sealed")
        return entry, tally


def read_sealed(client: Client, since: datetime, until: datetime) -> list[OpenedEntry]:
    """Return the counts that were sealed in this time, in order.

    `client` has the role of the sealer or of the auditor. Raises DatabaseError.
    """
    rows = read_rows(client, "reading sealed counts", _SEALED, since=since, until=until)
    return [_opened(row) for row in rows]


def write_days(folder: PublishedFolder, client: Client, head: Head, now: datetime) -> None:
    """Write the files of the days since the newest one. Raises DatabaseError and OSError."""
    there = sorted(path.stem for path in (folder.root / FOLDER).glob("*.jsonl"))
    start = datetime.fromisoformat(there[-1]).replace(tzinfo=UTC) if there else now - LONGEST
    days: dict[date, list[OpenedEntry]] = defaultdict(list)
    since = start.replace(hour=0, minute=0, second=0, microsecond=0)
    for one, entry, _tally in readable(read_sealed(client, since, now + SETTLED)):
        if one.salt and one.seal <= head.size:
            days[entry.at.date()].append(one)
    for day, found in days.items():
        content = b"".join(msgspec.json.encode(one) + b"\n" for one in found)
        if folder.find(day_path(day)) != content:
            folder.write(day_path(day), content)


def readable(entries: Iterable[OpenedEntry]) -> Iterator[tuple[OpenedEntry, LedgerEntry, Tally]]:
    """Yield entries with what they hold; others are noted (`schemas/unreadable.py`)."""
    for one in entries:
        try:
            yield one, *one.tally()
        except ValueError as error:
            note_unreadable(str(error))


def day_path(day: date) -> str:
    """Return the path of a day's counts in the published folder."""
    return f"{FOLDER}/{day}.jsonl"


def parse(lines: Iterable[bytes]) -> Iterator[OpenedEntry]:
    """Yield the entries of a file. Raises ValueError, which names the line."""
    for number, line in enumerate(lines, 1):
        try:
            yield msgspec.json.decode(line, type=OpenedEntry)
        except NOT_JSON:
            raise ValueError(f"line {number}: not a sealed count") from None


def faults_of(entries: Iterable[OpenedEntry], read: Callable[[str], bytes], head: Head) -> Iterator[str]:
    """Yield the entries that are not those of the published log; `read` returns its files. Raises OSError."""
    known: dict[int, list[bytes]] = {}
    for one in entries:
        if not one.salt or one.seal > head.size:
            continue
        number, place = divmod(one.seal - 1, tiles.WIDTH)
        if number not in known:
            known[number] = list(tiles.entries(read(tile_of(ENTRIES, number, head.size).path)))
        if not _is_entry(one, known[number][place]):
            yield f"seal {one.seal}: the counts are not what was published"


def _is_entry(one: OpenedEntry, published: bytes) -> bool:
    try:
        return leaves.commitment(bytes.fromhex(one.salt), bytes(one.inquiry)) == published
    except ValueError:
        return False


def _opened(row: Sequence[Any]) -> OpenedEntry:
    """Return the entry of a row of `_SEALED`."""
    seal, salt, number, at, who, record, previous = row[:7]
    entry = LedgerEntry(
        chain="retention", number=number, kind="tally", at=at, who=who, record=record, previous=previous
    )
    inquiry = inquiry_of(row[7:])
    return OpenedEntry(seal, salt, msgspec.Raw(inquiry.to_json()), msgspec.Raw(entry.to_json()))
