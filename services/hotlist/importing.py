"""The list as a whole: what a file changes, and only that is sent."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zlib import crc32

import msgspec

from connectors.changelog import newest, read_to_end
from connectors.edge import Topics
from schemas import topics
from schemas.designation import Designations
from schemas.hotlist import BOLO_SOURCE, OWN_SOURCE, PARTNER_SOURCE, HotListChange, HotListEntry
from schemas.hotlist_packed import pack, unpack
from schemas.message import Message, RefusedError
from schemas.registry import RegistryRecord
from services.door import Permit
from services.effects import Bulk, publish_encoded
from services.hotlist.entry import check_complete, make_entry

WARNINGS = ("instructions", "other")
SHOWN = 1000  # refusals that are kept word by word; the rest are counted
AT_ONCE = 5000  # changes sent in one go
ENOUGH = 5  # lines from which on one bad line is let pass
UNDESIGNATED = "category"  # left out on purpose: no sign of a damaged file


# Shares from which on a file is refused whole. A single bad line is let pass from ENOUGH lines on, and a
# single entry may always go: of a short list one is more than any share.
BAD, VANISHED = 0.02, 0.2


@dataclass
class Import:
    """What a file comes to. Entries are packed: a list may have millions. `before` counts those in force,
    `added` the changed ones that are new, and `ended` are the removed ones that were not in force.
    """

    source: str
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
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def bad(self) -> int:
        """Lines that should have been entries; of categories that are not designated there may be many."""
        return self.reasons.total() - self.reasons[UNDESIGNATED]

    @property
    def entries(self) -> Iterator[HotListEntry]:
        """What is new or changed."""
        return map(unpack, self.changed.values())

    @property
    def summary(self) -> str:
        """In numbers."""
        return (
            f"{len(self.changed)} new or changed, {len(self.removed)} removed, {self.unchanged} unchanged, "
            f"{self.doubled} doubled, {self.reasons.total()} refused"
        )

    @property
    def wrong(self) -> str:
        """Why the file looks empty, cut off or damaged; empty where it does not."""
        if not self.changed and not self.unchanged:
            return f"none of its {self.lines} lines is an entry that can be listed"
        if self.bad > max(self.lines >= ENOUGH, BAD * self.lines):
            return f"{self.bad} of {self.lines} lines are bad, over {BAD:.0%}"
        gone = len(self.removed) - len(self.ended)
        if gone > max(1, VANISHED * self.before):
            return f"{gone} of {self.before} entries are gone, over {VANISHED:.0%}"
        return ""

    def check(self) -> None:
        """Raises RefusedError for a file that looks empty, cut off or damaged."""
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
        """Note a line that is not taken."""
        self.reasons[error.reason] += 1
        if len(self.refused) < SHOWN:
            self.refused.append(f"line {number}: {error.detail}")


def listed(streams: Topics) -> dict[str, HotListEntry]:
    """The entries on the list now, by id."""
    return {
        key.decode(): HotListEntry.from_json(message.value)
        for key, message in newest(streams, topics.HOTLIST).items()
    }


def own_entries(streams: Topics) -> dict[str, HotListEntry]:
    """Those of our own list; of other sources nothing is decoded."""
    return entries_of(streams, OWN_SOURCE)


def entries_of(streams: Topics, source: str) -> dict[str, HotListEntry]:
    """Those of one source now, by id."""
    found = newest(streams, topics.HOTLIST, f"{source}:".encode())
    return {key.decode(): HotListEntry.from_json(message.value) for key, message in found.items()}


def refuse_partners(source: str) -> None:
    """Raises RefusedError for entries that another agency sent: here they are taken, or dropped, no more."""
    if source == BOLO_SOURCE:
        raise RefusedError(
            "source",
            "BOLOs are taken by `platestream bolo take`, which asks whether there is an MOU with the sender",
        )
    if source == PARTNER_SOURCE:
        raise RefusedError(
            "source",
            f"entries of `{PARTNER_SOURCE}` are other agencies': platestream partners take takes one, "
            "platestream hotlist remove drops it, and nothing of it is changed here",
        )


def designations(streams: Topics) -> Designations:
    """Which sources and categories are designated now."""
    return Designations(registry(streams).values())


def registry(streams: Topics) -> dict[str, RegistryRecord]:
    """The registry now, by key."""
    return {
        key.decode(): topics.REGISTRY.decode(message)
        for key, message in newest(streams, topics.REGISTRY).items()
    }


def plan_import(
    streams: Topics,
    source: str,
    lines: Iterable[tuple[int, Mapping[str, Any] | RefusedError]],
    now: datetime,
    zone: tzinfo = UTC,
    *,
    by_hand: bool = False,
) -> Import:
    """What would make the list of `source` what the lines say: what is new, changed or gone; nothing is sent.

    With `by_hand` the lines are a person's: each needs all of section H, and of a list that others keep
    nothing is removed. Raises RefusedError for a source that is not designated.
    """
    allowed = designations(streams)
    allowed.check_source(source)
    before = _packed(streams, source)
    past = {name for name, packed in before.items() if unpack(packed).expires_at <= now}
    plan = Import(source, before=len(before) - len(past))
    kept: set[str] = set()
    seen: set[str] = set()
    for number, told in lines:
        plan.lines += 1
        try:
            if isinstance(told, RefusedError):
                raise told
            if by_hand:
                check_complete(told)
            entry = _entry(source, told, before, allowed, now, zone)
        except RefusedError as error:
            plan.refuse(number, error)
            if not isinstance(told, RefusedError) and error.reason != UNDESIGNATED:
                kept.add(f"{source}:{told.get('reference', '')}")  # a bad line is no sign that it is gone
        else:
            plan.doubled += entry.entry_id in seen
            seen.add(entry.entry_id)
            _compare(plan, entry, before.get(entry.entry_id), now)
    plan.unchanged = len(seen) - len(plan.changed)
    plan.added = len(plan.changed.keys() - before.keys())
    if source == OWN_SOURCE or not by_hand:
        plan.removed = sorted(before.keys() - seen - kept)
    plan.ended = sorted(past.intersection(plan.removed))
    return plan


def changes(plan: Import) -> Iterator[Message]:
    """The messages that make the list what the plan says, in the order in which they are sent."""
    for name in plan.removed:
        yield topics.HOTLIST.encode(HotListChange(name, None))
    for entry in plan.entries:
        yield topics.HOTLIST.encode(HotListChange(entry.entry_id, entry))


def imported(streams: Topics, source: str, now: datetime) -> Message:
    """The record of `source`, which says since when its list is imported."""
    key = f"hotlist_source/{source}"
    known = registry(streams).get(key) or RegistryRecord(kind="hotlist_source", id=source, name=source)
    changed = datetime.now(UTC).replace(microsecond=0)
    return topics.REGISTRY.encode(msgspec.structs.replace(known, refreshed_at=now, changed_at=changed))


def send(
    permit: Permit,
    streams: Topics,
    plan: Import,
    bulk: Bulk,
    source: Message,
    say: Callable[[int], None] = lambda _count: None,
) -> None:
    """Send what changed, then the record of the source: all of `bulk`, which the act names.

    `say` hears how many were sent. Raises OtherRecordError for what the act does not name, and BrokerError.
    """
    batch: list[Message] = []
    for number, message in enumerate(changes(plan)):
        batch.append(bulk.proved(permit, number, message))
        if len(batch) >= AT_ONCE:
            publish_encoded(streams, topics.HOTLIST, batch)
            say(len(batch))
            batch = []
    if batch:
        publish_encoded(streams, topics.HOTLIST, batch)
        say(len(batch))
    record = bulk.proved(permit, bulk.size - 1, source)
    publish_encoded(streams, topics.REGISTRY, [record])


def with_listing(entry: HotListEntry, before: HotListEntry | None, now: datetime) -> HotListEntry:
    """The entry with `listed_at`, since when it lists what it lists: reads before that are history."""
    kept = before is not None and before.breadth == entry.breadth and before.expires_at > now
    return msgspec.structs.replace(entry, listed_at=before.listed_at if kept and before is not None else now)


def _compare(plan: Import, entry: HotListEntry, before: bytes | None, now: datetime) -> None:
    old = None if before is None else unpack(before)
    if old is not None:  # what an officer is warned of does not go because a file does not say it
        kept = {name: getattr(old, name) for name in WARNINGS if not getattr(entry, name).strip()}
        entry = msgspec.structs.replace(entry, **kept)
    new = with_listing(entry, old, now)
    if old == new:
        plan.changed.pop(entry.entry_id, None)
        return
    if new.listed_at == now:
        plan.widened.add(entry.entry_id)
    plan.changed[entry.entry_id] = pack(new)


def _entry(
    source: str,
    told: Mapping[str, Any],
    before: Mapping[str, bytes],
    allowed: Designations,
    now: datetime,
    zone: tzinfo,
) -> HotListEntry:
    if not told.get("expires_at") and source != OWN_SOURCE:
        longest = allowed.longest(str(told.get("category", "")))
        old = before.get(f"{source}:{told.get('reference', '')}")
        told = {**told, "expires_at": _expiry(unpack(old) if old else None, longest, now.astimezone(zone))}
    entry = make_entry(source, told, zone)
    allowed.check(entry, now)
    return entry


def _expiry(before: HotListEntry | None, longest: timedelta, now: datetime) -> str:
    """Of an entry whose file names none: what it had while over a third is left, else the longest.

    Renewing all of them every day would send the whole list every day; the share is spread by id, so that
    a list that came in one day is not renewed in one day.
    """
    if before is not None:
        share = 1 / 3 + crc32(before.entry_id.encode()) % 100 / 300
        if before.expires_at - now > share * longest:
            return before.expires_at.isoformat()
    return (now + longest).replace(hour=23, minute=59, second=59, microsecond=0).isoformat()


def _packed(streams: Topics, source: str) -> dict[str, bytes]:
    """The entries of one source now, packed, by id."""
    found: dict[str, bytes] = {}
    for message in read_to_end(streams, topics.HOTLIST, f"{source}:".encode()):
        key = (message.key or b"").decode()
        if message.value is None:
            found.pop(key, None)
        else:
            entry = HotListEntry.from_json(message.value)
            if entry.source == source:  # `ncic:1` is of `ncic`, and `ncic:x:1` may be of a source `ncic:x`
                found[key] = pack(entry)
    return found
