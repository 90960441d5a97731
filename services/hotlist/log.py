"""Changes of the hot list on record: who, when, what before and after, in the sealed inquiry log.

A change is recorded before it is made, and is not made when the gate refuses it. No plate is written: of a
plate, or a vehicle, the record says that it changed.
"""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from schemas.hotlist import HotListEntry

HIDDEN = {"plate", "vehicle", "schema", "listed_at"}
EACH = 100  # up to so many changes of an import are recorded one by one; more are counted


class Record(Protocol):
    """`services.inquiries.gate.record` with client, person and tool filled in."""

    def __call__(self, *, case_number: str, reason: str, other: str) -> object: ...


def record_change(record: Record, before: HotListEntry | None, after: HotListEntry | None) -> None:
    """One entry added, changed or removed. Raises RefusedInquiry."""
    one = after or before
    assert one is not None
    record(case_number=one.case_number, reason=difference(before, after), other=one.entry_id)


def record_import(record: Record, source: str, said: str, entries: Iterable[str]) -> None:
    """An import as a whole, and each of `entries`: texts that start with the id of an entry."""
    record(case_number="", reason=said, other=f"{source}: import")
    for text in entries:
        record(case_number="", reason=text, other=text.partition(" ")[0])


def difference(before: HotListEntry | None, after: HotListEntry | None) -> str:
    """What a change is, in words.

    >>> difference(None, None)
    'hot list: nothing'
    """
    if after is None:
        return "hot list: nothing" if before is None else f"hot list: removed, was {_all(before)}"
    if before is None:
        return f"hot list: added, {_all(after)}"
    old, new = msgspec.structs.asdict(before), msgspec.structs.asdict(after)
    changed = [name for name in new if old[name] != new[name] and name != "listed_at"]
    told = [
        f"{name} changed" if name in HIDDEN else f"{name}: {old[name] or '-'} -> {new[name] or '-'}"
        for name in changed
    ]
    return f"hot list: changed, {'; '.join(told) or 'nothing'}"


def _all(entry: HotListEntry) -> str:
    told = msgspec.structs.asdict(entry)
    return "; ".join(f"{name}: {value}" for name, value in told.items() if value and name not in HIDDEN)
