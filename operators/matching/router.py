"""Routing of changes, designations and reads: to the bucket of the plate, or to all buckets."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TypeGuard

from bytewax.operators import StatefulBatchLogic

from platestream.operators.matching.entry_match import RULES, Rules
from platestream.operators.matching.events import (
    BucketEvents,
    Changes,
    Entries,
    Event,
    PackedEntry,
    Reads,
    ReadsInView,
    Removal,
)
from platestream.schemas import plates
from platestream.schemas.detection import Detection
from platestream.schemas.hotlist import HotListChange
from platestream.schemas.in_view import VehicleInView
from platestream.schemas.message import EndOfSnapshot
from platestream.schemas.registry import RegistryRecord

EXPIRY_INTERVAL = timedelta(seconds=60)
GRACE = timedelta(hours=1)  # an entry is removed this long after its expiry, for reads that are late

ALL_BUCKETS = tuple(str(bucket) for bucket in range(plates.BUCKETS))
NEVER = datetime.max.replace(tzinfo=UTC)


class Tally:
    """Observer of each change of the list, which also reports its state; this one does nothing."""

    def added(self, entries: list[PackedEntry]) -> None:
        """Count new entries."""

    def change(self, before: PackedEntry, after: PackedEntry | None) -> None:
        """Count an entry that was replaced or removed."""

    def tell(self, now: datetime) -> None:
        """Report the list after it was loaded and all changes so far were counted."""


class HotListRouter(StatefulBatchLogic[list[Changes | EndOfSnapshot], BucketEvents | HotListChange, None]):
    """Router of one changelog partition: sends each change to its bucket, patterns to every bucket.

    A removal names an entry and no plate, so the place of each entry is remembered (not across starts, as the
    changelog is read again). Expired entries come out as removals for the changelog itself. A partition that
    another process `owns` is routed only: no figures, no removals.
    """

    def __init__(
        self,
        _resume: None,
        now: Callable[[], datetime],
        tally: Tally | None = None,
        owns: Callable[[int], bool] = lambda _partition: True,
    ) -> None:
        self._now, self._owns = now, owns
        self._tally = tally or Tally()
        self._placed: dict[bytes, PackedEntry] = {}
        self._by_bucket = _ByBucket()
        self._soonest = NEVER
        self._look: datetime | None = None

    def on_batch(
        self, values: list[list[Changes | EndOfSnapshot]]
    ) -> tuple[Iterable[BucketEvents | HotListChange], bool]:
        moved = self._move(chain.from_iterable(values))
        if self._look is not None:
            self._tally.tell(self._now())
        return moved, StatefulBatchLogic.RETAIN

    def on_notify(self) -> tuple[Iterable[BucketEvents | HotListChange], bool]:
        """Remove expired entries."""
        now = self._now()
        self._look = now + EXPIRY_INTERVAL
        end = now - GRACE
        if end < self._soonest:
            self._tally.tell(now)
            return [], StatefulBatchLogic.RETAIN
        gone = [key for key, one in self._placed.items() if one.until <= end]
        moved = self._move([Changes(0, [], gone)])
        self._soonest = min((one.until for one in self._placed.values()), default=NEVER)
        self._tally.tell(now)
        return [*moved, *(HotListChange(key.decode(), None) for key in gone)], StatefulBatchLogic.RETAIN

    def notify_at(self) -> datetime | None:
        return self._look

    def snapshot(self) -> None:
        return None

    def _move(self, changes: Iterable[Changes | EndOfSnapshot]) -> list[BucketEvents]:
        out = defaultdict[str, list[Event]](list)
        for change in changes:
            if isinstance(change, EndOfSnapshot):
                self._look = self._now() if self._owns(change.partition) else None
                _send(out, ALL_BUCKETS, change)
                continue
            if change.listed:
                self._list(change.listed, out)
            for key in change.removed:
                if (before := self._placed.pop(key, None)) is not None:
                    self._tally.change(before, None)
                    _send(out, _buckets(before), Removal(key, before.shape))
        return list(out.items())

    def _list(self, entries: list[PackedEntry], out: dict[str, list[Event]]) -> None:
        """Route entries. Nearly all are new with a complete plate, and go to their buckets together."""
        known = self._placed.setdefault
        changed = [one for one in entries if known(one.key, one) is not one]
        if changed:
            keys = {one.key for one in changed}
            entries = [one for one in entries if one.key not in keys]
        for one in changed:
            self._replace(one, out)
        self._soonest = min(self._soonest, min([one.until for one in entries], default=NEVER))
        self._tally.added(entries)
        by_bucket = self._by_bucket
        for one in entries:
            by_bucket[one.shape[-3:]].append(one)
        for bucket, some in by_bucket.buckets.items():
            if some:
                out[bucket].append(Entries(some.copy()))
                some.clear()
        for one in by_bucket.patterns:
            _send(out, ALL_BUCKETS, one)
        by_bucket.patterns.clear()

    def _replace(self, after: PackedEntry, out: dict[str, list[Event]]) -> None:
        before = self._placed[after.key]
        self._tally.change(before, after)
        if before.shape != after.shape:
            _send(out, _buckets(before), Removal(before.key, before.shape))
        self._placed[after.key] = after
        self._soonest = min(self._soonest, after.until)
        _send(out, _buckets(after), after)


class _ByBucket(dict[bytes, list[PackedEntry]]):
    """Map from the end of a shape to the list of its bucket's entries.

    Patterns, which have no shape, have a list of their own.
    """

    def __init__(self) -> None:
        self.buckets: dict[str, list[PackedEntry]] = {bucket: [] for bucket in ALL_BUCKETS}
        self.patterns: list[PackedEntry] = []
        self[b""] = self.patterns

    def __missing__(self, end: bytes) -> list[PackedEntry]:
        found = self[end] = self.buckets[plates.shape_bucket(end)]
        return found


def by_partition(changes: list[Changes | EndOfSnapshot]) -> list[tuple[str, list[Changes | EndOfSnapshot]]]:
    """Return changes keyed by their partition of the changelog, in order within each."""
    found: dict[int, list[Changes | EndOfSnapshot]] = {}
    for change in changes:
        found.setdefault(change.partition, []).append(change)
    return [(str(partition), of_it) for partition, of_it in found.items()]


def is_expired(item: BucketEvents | HotListChange) -> TypeGuard[HotListChange]:
    """Return whether an item is a removal for the changelog itself, not an event for a bucket."""
    return isinstance(item, HotListChange)


def designate(records: list[RegistryRecord | EndOfSnapshot]) -> list[BucketEvents]:
    """Return designations and the registry's marks for every bucket; other records are left out."""
    events: list[Event] = [
        record
        for record in records
        if isinstance(record, EndOfSnapshot) or record.kind in ("hotlist_source", "hotlist_category")
    ]
    return [(bucket, events) for bucket in ALL_BUCKETS] if events else []


def probe(reads: list[Detection], rules: Rules = RULES) -> list[BucketEvents]:
    """Return each read with its bucket, and with every other bucket of one of its other readings.

    An entry is in one bucket, which gets the whole read. The best way in which both match is therefore chosen
    in one place, and a hit comes out once. A read with too little confidence to alert is left out; it is in
    the table of detections and can be searched.
    """
    own, others = defaultdict[str, list[Detection]](list), defaultdict[str, list[Detection]](list)
    for read in reads:
        if not rules.may_alert(read):
            continue
        first = plates.bucket(read.plate)
        own[first].append(read)
        if (read.alternatives or read.camera_read is not None) and (said := rules.others(read)):
            for bucket in {plates.bucket(other.plate) for other in said} - {first}:
                others[bucket].append(read)
    return [(bucket, [Reads(own.get(bucket, []), others.get(bucket, []))]) for bucket in {**own, **others}]


def probe_in_view(seen: list[VehicleInView], rules: Rules = RULES) -> list[BucketEvents]:
    """Return vehicles in view with the buckets that `probe` gives their detections."""
    seen_at = {one.detection.detection_id: one.seen_at for one in seen}
    probes = probe([one.detection for one in seen], rules)
    return [
        (bucket, [ReadsInView(one, seen_at) for one in events if isinstance(one, Reads)])
        for bucket, events in probes
    ]


def _buckets(where: PackedEntry) -> tuple[str, ...]:
    return (plates.shape_bucket(where.shape),) if where.shape else ALL_BUCKETS


def _send(out: dict[str, list[Event]], buckets: tuple[str, ...], event: Event) -> None:
    for bucket in buckets:
        out[bucket].append(event)
