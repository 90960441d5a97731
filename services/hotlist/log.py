"""Changes of the hot list on record: who, when, what before and after, in the sealed inquiry log.

A change is recorded before it is made, and is not made when the gate refuses it. No plate is written: of a
plate, or a vehicle, the record says that it changed.
"""

import msgspec

from schemas.hotlist import HotListEntry
from services.door import Why

HIDDEN = {"plate", "vehicle", "schema", "listed_at"}
EACH = 100  # up to so many changes of an import are recorded one by one; more are counted


def entry_reason(entry: HotListEntry) -> str:
    """Why the entry is on the list, as the reason of the act that lists it."""
    return f"Hot list entry {entry.entry_id}: {entry.reason}"


def documentation(entry: HotListEntry) -> Why:
    """The documentation of an act that lists this entry: case, reason, and words for the gate to judge."""
    words = {name: getattr(entry, name) for name in ("reason", "requested_by", "contact", "instructions")}
    return {"case_number": entry.case_number, "reason": entry_reason(entry), "fields": words}


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
