"""Ledger: receipts of retention runs, draws and findings of the yearly audit, custody of evidence.

The hash of an entry is SHA-256 over the hash of the previous entry of its chain and the entry as JSON. An
export can be checked with a hash function alone. No entry holds a plate.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from platestream.schemas.fields import NOT_JSON, Instant, Record
from platestream.schemas.unreadable import note_unreadable

T = TypeVar("T")

FIRST = "0" * 64
SKEW = timedelta(minutes=2)
"""Tolerance between older entries, whose times came from the clocks of different writers."""
Chain = Literal["retention", "audit", "evidence"]
CHAINS: tuple[Chain, ...] = ("retention", "audit", "evidence")


class LedgerEntry(Record, tag="ledger_entry/1", frozen=True, kw_only=True):
    """One entry, without its hash."""

    chain: Chain
    number: Annotated[int, Meta(ge=1, description="counts from 1 in its chain without a gap")]
    kind: str
    at: Instant
    who: str
    record: Annotated[str, Meta(description="JSON, as the kind has it")]
    previous: Annotated[str, Meta(description="hash of the entry before, 64 hex digits")]

    @property
    def hash(self) -> str:
        """The SHA-256 of the previous entry's hash, a line feed and this entry's JSON, as 64 hex digits."""
        return hashlib.sha256(self.previous.encode() + b"\n" + self.to_json()).hexdigest()


def chain_faults(entries: Iterable[tuple[LedgerEntry, str]]) -> Iterator[str]:
    """Check one chain of entries and their recorded hashes. Yields one sentence for each fault."""
    number, last, at = 0, FIRST, datetime.min.replace(tzinfo=UTC)
    for entry, recorded in entries:
        name = f"{entry.chain} {entry.number}"
        if entry.number != number + 1:
            yield f"{entry.chain} {number + 1}: missing, doubled or out of order (found {entry.number})"
        elif entry.previous != last:
            yield f"{name}: does not follow from the entry before"
        elif entry.at + SKEW < at:
            yield f"{name}: is older than the entry before"
        if recorded != entry.hash:
            yield f"{name}: is not what was written"
        number, last, at = entry.number, recorded, entry.at


def decoded(entries: Iterable[LedgerEntry], record: type[T]) -> Iterator[tuple[LedgerEntry, T]]:
    """Yield entries with their records; one that cannot be read is noted (`schemas/unreadable.py`)."""
    for entry in entries:
        try:
            found = msgspec.json.decode(entry.record, type=record)
        except NOT_JSON as error:
            note_unreadable(
                f"{entry.chain} {entry.number}: the record of its {entry.kind} cannot be read ({error})"
            )
        else:
            yield entry, found
