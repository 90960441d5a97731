"""Changes of the hot list in the sealed inquiry log: who, when, and the state before and after.

A change is logged before it is made, and is not made when the gate refuses it. No plate is written: for a
plate or a vehicle, the log only says that it changed.
"""

import msgspec

from platestream.access.door import Documentation
from platestream.schemas.hotlist import HotListEntry

HIDDEN = {"plate", "vehicle", "schema", "listed_at"}
WORDS = ("reason", "requested_by", "contact", "instructions", "other")
EACH = 100  # up to so many changes of an import are logged one by one; more are only counted


def entry_reason(entry: HotListEntry) -> str:
    """Return the reason of the act that lists the entry."""
    return f"Hot list entry {entry.entry_id}: {entry.reason}"


def documentation(entry: HotListEntry) -> Documentation:
    """Return the documentation of an act that lists this entry: case, reason, and words for the gate to
    judge.
    """
    words = {name: getattr(entry, name) for name in WORDS}
    return {"case_number": entry.case_number, "reason": entry_reason(entry), "fields": words}


def difference(before: HotListEntry | None, after: HotListEntry | None) -> str:
    """Describe a change in words.

    >>> difference(None, None)
    'hot list: nothing'
    """
    if after is None:
        return "hot list: nothing" if before is None else f"hot list: removed, was {_all(before)}"
    if before is None:
        return f"hot list: added, {_all(after)}"
    old, new = msgspec.structs.asdict(before), msgspec.structs.asdict(after)
    changed = [name for name in new if old[name] != new[name] and name != "listed_at"]
    parts = [
        f"{name} changed" if name in HIDDEN else f"{name}: {old[name] or '-'} -> {new[name] or '-'}"
        for name in changed
    ]
    return f"hot list: changed, {'; '.join(parts) or 'nothing'}"


def _all(entry: HotListEntry) -> str:
    fields = msgspec.structs.asdict(entry)
    return "; ".join(f"{name}: {value}" for name, value in fields.items() if value and name not in HIDDEN)
