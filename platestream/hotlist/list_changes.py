"""Import plan of a hot list: the changes between a file and the current list. Only changes are sent."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import Any
from zlib import crc32

import msgspec

from platestream.access.door import Permit
from platestream.access.effects import Bulk, publish_encoded
from platestream.edges.changelog import current, read_to_end, readable
from platestream.edges.edge import Topics
from platestream.hotlist.entry import check_complete, make_entry
from platestream.hotlist.files.column_map import NO_PLATE
from platestream.hotlist.manifest import Manifest
from platestream.schemas import topics
from platestream.schemas.designation import Designations
from platestream.schemas.hotlist import BOLO_SOURCE, OWN_SOURCE, PARTNER_SOURCE, HotListChange, HotListEntry
from platestream.schemas.hotlist_packed import pack, unpack
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.registry import RegistryRecord

WARNINGS = ("instructions", "other")
SHOWN = 1000  # refusals that are listed; the others are only counted
AT_ONCE = 5000  # changes sent in one batch
LENIENT_LINES = 5  # lines from which on one bad line is accepted
CLEAR = "clear"
UNDESIGNATED = "category"  # left out on purpose, which is no sign of a damaged file


# Shares from which on a file is refused as a whole. A single bad line is accepted from ENOUGH lines on, and a
# single entry may always be removed, because of a short list one is more than any share.
INVALID_SHARE, REMOVED_SHARE = 0.02, 0.2
DELTA_INVALID_SHARE = 0.2  # a delta is short, and refusing it refuses all that follow it
LEFT_OUT = (UNDESIGNATED, NO_PLATE)


@dataclass
class Import:
    """The plan of an import. Entries are packed, because a list may have millions. `before` counts entries in
    force, `added` the changed entries that are new, and `ended` lists removed entries that were not in force.
    """

    source: str
    delta: bool = False
    removes: float = REMOVED_SHARE
    lines: int = 0
    changed: dict[str, bytes] = field(default_factory=dict)
    widened: set[str] = field(default_factory=set)
    removed: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    unchanged: int = 0
    added: int = 0
    before: int = 0
    doubled: int = 0
    refused: list[str] = field(default_factory=list)
    letters: list[tuple[int, RefusedError]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def bad(self) -> int:
        """The number of invalid lines, without those that are left out on purpose, which may be many."""
        return self.reasons.total() - sum(self.reasons[one] for one in LEFT_OUT)

    @property
    def entries(self) -> Iterator[HotListEntry]:
        """The new and changed entries."""
        return map(unpack, self.changed.values())

    @property
    def summary(self) -> str:
        """The plan in numbers."""
        return (
            f"{len(self.changed)} new or changed, {len(self.removed)} removed, {self.unchanged} unchanged, "
            f"{self.doubled} doubled, {self.reasons.total()} refused"
        )

    @property
    def wrong(self) -> str:
        """The reason why the file looks empty, cut off or damaged; empty where it does not."""
        if not (self.changed or self.unchanged or self.delta):
            return f"none of its {self.lines} lines is an entry that can be listed"
        share = DELTA_INVALID_SHARE if self.delta else INVALID_SHARE
        if self.bad > max(self.delta or self.lines >= LENIENT_LINES, share * self.lines):
            return f"{self.bad} of {self.lines} lines are bad, over {share:.0%}"
        return self.held

    @property
    def held(self) -> str:
        """The reason why a person has to look at the file first: it removes many entries; empty where not."""
        gone = len(self.removed) - len(self.ended)
        if gone > max(1, self.removes * self.before):
            return f"{gone} of {self.before} entries are gone, over {self.removes:.0%}"
        return ""

    def check(self) -> None:
        """Raise RefusedError for a file that looks empty, cut off or damaged."""
        if self.wrong:
            raise RefusedError("import", f"{self.wrong}: nothing was changed")

    def drop(self, entry_id: str, refusal: str) -> None:
        """Leave out a new or changed entry that may not be listed."""
        del self.changed[entry_id]
        self.widened.discard(entry_id)
        self.reasons["words"] += 1
        if len(self.refused) < SHOWN:
            self.refused.append(f"{entry_id}: {refusal}")

    def refuse(self, number: int, error: RefusedError) -> None:
        """Note a refused line."""
        self.reasons[error.reason] += 1
        if len(self.refused) < SHOWN:
            self.refused.append(f"line {number}: {error.detail}")
            if error.reason not in LEFT_OUT:
                self.letters.append((number, error))


def listed(streams: Topics) -> dict[str, HotListEntry]:
    """Return the current entries of the list by id."""
    return entries_of(streams, "")


def own_entries(streams: Topics) -> dict[str, HotListEntry]:
    """Return the entries of our own list; entries of other sources are not decoded."""
    return entries_of(streams, OWN_SOURCE)


def entries_of(streams: Topics, source: str) -> dict[str, HotListEntry]:
    """Return the current entries of one source by id, of all of them if it is empty."""
    changes = current(streams, topics.HOTLIST, f"{source}:".encode() if source else b"")
    return {one.entry_id: one.entry for one in changes if one.entry is not None}


def refuse_partners(source: str) -> None:
    """Raise RefusedError for a source of other agencies' entries, which can only be accepted or dropped
    here.
    """
    if source == BOLO_SOURCE:
        raise RefusedError(
            "source",
            "BOLOs are taken by `platestream bolo take`, which asks whether there is an MOU with the sender",
        )
    if source == PARTNER_SOURCE:
        raise RefusedError(
            "source",
            f"entries of `{PARTNER_SOURCE}` are other agencies': platestream partners accept accepts one, "
            "platestream hotlist remove drops it, and nothing of it is changed here",
        )


def designations(streams: Topics) -> Designations:
    """Return the currently designated sources and categories."""
    return Designations(registry(streams).values())


def registry(streams: Topics) -> dict[str, RegistryRecord]:
    """Return the current registry by key."""
    return {one.key: one for one in current(streams, topics.REGISTRY)}


def plan_import(
    streams: Topics,
    source: str,
    lines: Iterable[tuple[int, Mapping[str, Any] | RefusedError]],
    now: datetime,
    zone: tzinfo = UTC,
    *,
    by_hand: bool = False,
    delta: bool = False,
    removes: float = REMOVED_SHARE,
) -> Import:
    """Plan the changes that make the list of `source` equal to the lines; nothing is sent.

    With `by_hand` the lines are a person's: each needs everything of section H, and from a list that others
    maintain nothing is removed. With `delta` only entries are removed whose lines say `clear`. `removes` is
    the most that may go, as a share of the list. Raises RefusedError for a source that is not designated.
    """
    allowed = designations(streams)
    allowed.check_source(source)
    before = _packed(streams, source)
    past = {name for name, packed in before.items() if unpack(packed).expires_at <= now}
    plan = Import(source, delta, removes, before=len(before) - len(past))
    kept: set[str] = set()
    seen: set[str] = set()
    cleared: set[str] = set()
    for number, fields in lines:
        plan.lines += 1
        try:
            if isinstance(fields, RefusedError):
                raise fields
            if by_hand:
                check_complete(fields)
            elif fields.get("action") == CLEAR:
                name = _cleared(source, fields)
                cleared.add(name)
                seen.discard(name)
                plan.changed.pop(name, None)
                plan.widened.discard(name)
                continue
            entry = _entry(source, fields, before, allowed, now, zone)
        except RefusedError as error:
            plan.refuse(number, error)
            if not isinstance(fields, RefusedError) and error.reason != UNDESIGNATED:
                kept.add(f"{source}:{fields.get('reference', '')}")  # a bad line is no removal
        else:
            plan.doubled += entry.entry_id in seen
            seen.add(entry.entry_id)
            cleared.discard(entry.entry_id)
            _compare(plan, entry, before.get(entry.entry_id), now)
    plan.unchanged = len(seen) - len(plan.changed)
    plan.added = len(plan.changed.keys() - before.keys())
    if delta:
        plan.removed = sorted(before.keys() & cleared)
        plan.unchanged = len(before.keys() | seen) - len(plan.changed) - len(plan.removed)
    elif source == OWN_SOURCE or not by_hand:
        plan.removed = sorted(before.keys() - seen - (kept - cleared))
    plan.ended = sorted(past.intersection(plan.removed))
    return plan


def changes(plan: Import) -> Iterator[Message]:
    """Yield the messages that carry out the plan, in the order of sending."""
    for name in plan.removed:
        yield topics.HOTLIST.encode(HotListChange(name, None))
    for entry in plan.entries:
        yield topics.HOTLIST.encode(HotListChange(entry.entry_id, entry))


def share_removed(feed: RegistryRecord | None) -> float:
    """Return the share of its list that a file of this feed may remove."""
    percent = None if feed is None else feed.feed_removes_percent
    return REMOVED_SHARE if percent is None else percent / 100


def imported(streams: Topics, source: str, now: datetime, manifest: Manifest | None = None) -> Message:
    """Return the record of `source` with the time of this import, and the number of its file."""
    key = f"hotlist_source/{source}"
    known = registry(streams).get(key) or RegistryRecord(kind="hotlist_source", id=source, name=source)
    changed = datetime.now(UTC).replace(microsecond=0)
    known = msgspec.structs.replace(known, refreshed_at=now, changed_at=changed)
    if manifest is not None:
        number, made = manifest.sequence, manifest.made_at
        known = msgspec.structs.replace(known, feed_sequence=number, feed_made_at=made)
    return topics.REGISTRY.encode(known)


def send(permit: Permit, streams: Topics, plan: Import, bulk: Bulk, source: Message) -> None:
    """Send the changes, then the record of the source: all of `bulk`, which the act names.

    Raises OtherRecordError for a message that the act does not name, and BrokerError.
    """
    proved = (bulk.proved(permit, number, message) for number, message in enumerate(changes(plan)))
    while batch := list(islice(proved, AT_ONCE)):
        publish_encoded(streams, topics.HOTLIST, batch)
    record = bulk.proved(permit, bulk.size - 1, source)
    publish_encoded(streams, topics.REGISTRY, [record])


def keep_listed_at(entry: HotListEntry, before: HotListEntry | None, now: datetime) -> HotListEntry:
    """Return the entry with `listed_at`, the time since which it lists the same vehicles: earlier reads are
    historical.
    """
    kept = before is not None and before.breadth == entry.breadth and before.expires_at > now
    return msgspec.structs.replace(entry, listed_at=before.listed_at if kept and before is not None else now)


def _compare(plan: Import, entry: HotListEntry, before: bytes | None, now: datetime) -> None:
    old = None if before is None else unpack(before)
    if old is not None:  # a warning for officers remains although the file lacks it
        warnings = {name: getattr(old, name) for name in WARNINGS if not getattr(entry, name).strip()}
        entry = msgspec.structs.replace(entry, **warnings)
    new = keep_listed_at(entry, old, now)
    if old == new:
        plan.changed.pop(entry.entry_id, None)
        return
    if new.listed_at == now:
        plan.widened.add(entry.entry_id)
    plan.changed[entry.entry_id] = pack(new)


def _cleared(source: str, fields: Mapping[str, Any]) -> str:
    """Return the id of the entry that a line clears. Raises RefusedError for a line that names none."""
    if not fields.get("reference"):
        raise RefusedError("schema", "`reference` is missing: the line clears no entry")
    return f"{source}:{fields['reference']}"


def _entry(
    source: str,
    fields: Mapping[str, Any],
    before: Mapping[str, bytes],
    allowed: Designations,
    now: datetime,
    zone: tzinfo,
) -> HotListEntry:
    if not fields.get("expires_at") and source != OWN_SOURCE:
        longest = allowed.longest(str(fields.get("category", "")))
        old = before.get(f"{source}:{fields.get('reference', '')}")
        fields = {
            **fields,
            "expires_at": _expiry(unpack(old) if old else None, longest, now.astimezone(zone)),
        }
    entry = make_entry(source, fields, zone)
    allowed.check(entry, now)
    return entry


def _expiry(before: HotListEntry | None, longest: timedelta, now: datetime) -> str:
    """Return the expiry of an entry whose file has none: the current one while over a third of it is left,
    otherwise the longest allowed.

    Renewing all of them every day would send the whole list every day. The share varies by id, so that a list
    that came in one day is not renewed in one day.
    """
    if before is not None:
        share = 1 / 3 + crc32(before.entry_id.encode()) % 100 / 300
        if before.expires_at - now > share * longest:
            return before.expires_at.isoformat()
    return (now + longest).replace(hour=23, minute=59, second=59, microsecond=0).isoformat()


def _packed(streams: Topics, source: str) -> dict[str, bytes]:
    """Return the current entries of one source, packed, by id."""
    found: dict[str, bytes] = {}
    for message in read_to_end(streams, topics.HOTLIST, f"{source}:".encode()):
        found.pop((message.key or b"").decode(errors="replace"), None)
        for change in readable(topics.HOTLIST, [message]):
            if change.entry is not None and change.entry.source == source:  # `ncic:x:1` may be of `ncic:x`
                found[change.entry_id] = pack(change.entry)
    return found
