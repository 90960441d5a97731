"""Match of detections against the hot list: a join in memory, keyed by buckets of plates that look alike.

The list is not in the recovery store: each start reads the changelog again, so no removed or expired entry
persists in it, and a bucket's snapshot is small for any size of the list. The state consists of the reads
that wait for the list, and of the passes that have alerted.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
from bytewax.operators import StatefulBatchLogic

from platestream.operators.changelog_hold import ChangelogHold
from platestream.operators.matching.deduplication import AlertDeduplication
from platestream.operators.matching.entry_match import RULES, Rules, match_entry
from platestream.operators.matching.events import Entries, Event, PackedEntry, Reads, ReadsInView, Removal
from platestream.operators.matching.patterns import PatternIndex
from platestream.schemas import plates
from platestream.schemas.alert_hit import AlertHit, hit_id
from platestream.schemas.designation import Designations
from platestream.schemas.detection import Detection
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.hotlist_packed import packed_plate, unpack
from platestream.schemas.message import EndOfSnapshot
from platestream.schemas.registry import RegistryRecord

CHANGELOGS = ("hotlist", "registry")
OnWithheld = Callable[
    [HotListEntry], None
]  # called for each read that matches an entry which may alert nobody


class MatcherState(msgspec.Struct, array_like=True):
    """A bucket's state in the recovery store: waiting reads, waiting reads by other readings, and passes.

    `batches` has the numbers of both in each waiting batch, so that they are judged in order.
    """

    held: list[Detection] = []
    others: list[Detection] = []
    passes: dict[str, list[Any]] = {}
    batches: list[tuple[int, int]] = []

    @classmethod
    def of(cls, waiting: list[Reads], passes: dict[str, list[Any]]) -> "MatcherState":
        """Return the state of a bucket in which these batches wait."""
        return cls(
            [read for batch in waiting for read in batch.own],
            [read for batch in waiting for read in batch.others],
            passes,
            [(len(batch.own), len(batch.others)) for batch in waiting],
        )

    @property
    def waiting(self) -> list[Reads]:
        """The waiting batches; the state of the previous version is one batch."""
        own, others = iter(self.held), iter(self.others)
        sizes = self.batches or [(len(self.held), len(self.others))] * bool(self.held or self.others)
        return [Reads(list(islice(own, one)), list(islice(others, other))) for one, other in sizes]


class Bucket:
    """The part of the list in one bucket, and the matches of a read in it."""

    def __init__(self, rules: Rules = RULES, withheld: OnWithheld = lambda _entry: None) -> None:
        self.rules = rules
        self._withheld = withheld
        self._listed: dict[bytes, PackedEntry | tuple[PackedEntry, ...]] = {}
        self.patterns = PatternIndex()
        self.designated = Designations()

    def add_new(self, entries: list[PackedEntry]) -> None:
        """Add entries with complete plates; few share a shape."""
        known = self._listed.setdefault
        for one in [one for one in entries if known(one.shape, one) is not one]:
            self.add(one)

    def add(self, listed: PackedEntry) -> None:
        """Add or replace an entry."""
        if not listed.shape:
            self.patterns.add(unpack(listed.packed))
            return
        others = self._others(listed.key, listed.shape)
        self._listed[listed.shape] = (*others, listed) if others else listed

    def remove(self, key: bytes, shape: bytes) -> None:
        """Remove an entry if it is there."""
        if not shape:
            self.patterns.remove(key.decode())
        elif shape in self._listed:
            left = self._others(key, shape)
            if left:
                self._listed[shape] = left[0] if len(left) == 1 else left
            else:
                del self._listed[shape]

    def _others(self, key: bytes, shape: bytes) -> tuple[PackedEntry, ...]:
        before = self._listed.get(shape)
        return () if before is None else tuple(one for one in _group(before) if one.key != key)

    def likely(self, reads: Sequence[Detection]) -> list[Detection]:
        """Return the reads that may match a listed plate.

        All others, nearly all reads, are excluded without a call each.
        """
        if not reads:
            return []
        listed = self._listed
        last, first, middle = self.patterns.masks()
        written = [read.plate for read in reads]
        shapes = "\n".join(written).encode().translate(plates.SHAPE).split(b"\n")
        return [
            read
            for read, plate, shape in zip(reads, written, shapes, strict=True)
            if shape in listed
            or ((fit := last[plate[-3:]] & first[plate[:2]]) and fit & middle[plate[2:4]])
            or ((read.alternatives or read.camera_read is not None) and self._other_is_listed(read))
        ]

    def hits(self, read: Detection, *, patterns: bool) -> list[AlertHit]:
        """Return hits by rank; `patterns` are matched in only one of the buckets that get a read."""
        entries = [
            unpack(one.packed)
            for shape in self._shapes(read)
            for one in _group(self._listed[shape])
            if read.alternatives
            or read.camera_read is not None
            or plates.differences(read.plate, packed_plate(one.packed)) is not None
        ]
        if patterns:
            entries += self.patterns.candidates(read.plate)
        met = [hit for entry in entries if (hit := match_entry(read, entry, self.rules)) is not None]
        found = [hit for hit in met if self._may_alert(hit.entry)]
        if len(found) > 1:
            found.sort(key=lambda hit: (hit.rank, hit.entry.entry_id))
        return found

    def _may_alert(self, entry: HotListEntry) -> bool:
        if self.designated.allow(entry.source, entry.category):
            return True
        self._withheld(entry)
        return False

    def _other_is_listed(self, read: Detection) -> bool:
        return any(plates.shape(other.plate) in self._listed for other in self.rules.others(read))

    def _shapes(self, read: Detection) -> set[bytes]:
        """Return the shapes of the read and its other readings that a listed plate has."""
        shapes = {plates.shape(read.plate)}
        if read.alternatives or read.camera_read is not None:
            shapes |= {plates.shape(other.plate) for other in self.rules.others(read)}
        return {shape for shape in shapes if shape in self._listed}


def _group(listed: PackedEntry | tuple[PackedEntry, ...]) -> tuple[PackedEntry, ...]:
    return listed if isinstance(listed, tuple) else (listed,)


class HotListMatcher(StatefulBatchLogic[list[Event], AlertHit, bytes]):
    """Logic of one bucket: judges reads once list and registry are loaded, and alerts once for each pass."""

    def __init__(
        self, resume: bytes | None, rules: Rules = RULES, withheld: OnWithheld = lambda _entry: None
    ) -> None:
        state = MatcherState() if resume is None else msgspec.msgpack.decode(resume, type=MatcherState)
        self._bucket = Bucket(rules, withheld)
        self._hold = ChangelogHold(CHANGELOGS, state.waiting)
        self._alerts = AlertDeduplication(state.passes)

    def on_batch(self, values: list[list[Event]]) -> tuple[Iterable[AlertHit], bool]:
        hits = [hit for events in values for event in events for hit in self._event(event)]
        return hits, StatefulBatchLogic.RETAIN

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(MatcherState.of(self._hold.waiting, self._alerts.dump()))

    def _event(self, event: Event) -> Iterable[AlertHit]:
        match event:
            case Entries():
                self._bucket.add_new(event.listed)
            case PackedEntry():
                self._bucket.add(event)
            case Reads():
                return self._judge(self._hold.take(event))
            case ReadsInView():
                return self._judge_in_view(event)
            case Removal():
                self._bucket.remove(event.key, event.shape)
            case EndOfSnapshot():
                return self._end(event)
            case RegistryRecord():
                self._bucket.designated.apply(event)
        return ()

    def _end(self, mark: EndOfSnapshot) -> Iterable[AlertHit]:
        waiting = self._hold.end(mark)
        if self._hold.open:
            self._bucket.patterns.masks()  # built now, not at the first read
        return self._judge(waiting)

    def _judge(self, batches: list[Reads]) -> list[AlertHit]:
        return [hit for reads in batches for hit in self._hits(reads) if self._alerts_now(hit)]

    def _hits(self, reads: Reads) -> Iterator[AlertHit]:
        bucket = self._bucket
        for some, patterns in ((reads.own, True), (reads.others, False)):
            for read in bucket.likely(some):
                yield from bucket.hits(read, patterns=patterns)

    def _judge_in_view(self, some: ReadsInView) -> list[AlertHit]:
        """Return alerts on entries that were listed after the detection of a vehicle that stands in view.

        By its detection each is a historical hit, which the entry's look-back finds; by its newest frame it
        is an alert, once. Nothing waits for the list: the vehicle is reported again while it stands.
        """
        if not self._hold.open:
            return []
        hits = (_as_seen(hit, some.seen_at) for hit in self._hits(some.reads) if hit.historical)
        return [hit for hit in hits if not hit.historical and self._alerts_now(hit, in_view=True)]

    def _alerts_now(self, hit: AlertHit, *, in_view: bool = False) -> bool:
        entry, read = hit.entry, hit.detection
        if not entry.again_after_s and not in_view:
            return True
        key = f"{entry.entry_id}|{read.camera_id}"
        if not entry.again_after_s:
            key += f"|{read.detection_id.hex}"
        if entry.is_pattern:  # several vehicles match; a checksum separates them without a plate
            key += f"|{zlib.crc32(plates.shape(read.plate)):x}"
        gap, old = entry.again_after_s * 1000, hit.historical
        listed = 0 if entry.listed_at is None else _milliseconds(entry.listed_at)
        at = _milliseconds(read.captured_at)
        return self._alerts.alerts(
            key, read.detection_id, at, gap, hit.rank, listed, old=old, again=not in_view
        )


def _as_seen(hit: AlertHit, seen_at: Mapping[UUID, datetime]) -> AlertHit:
    """Return the hit as of the newest frame of its vehicle; it stays historical if that is not newer."""
    read, listed = hit.detection, hit.entry.listed_at
    at = seen_at[read.detection_id]
    if listed is None or at < listed:
        return hit
    stayed = max(read.stayed_ms, _milliseconds(at) - _milliseconds(read.captured_at))
    return msgspec.structs.replace(
        hit,
        hit_id=hit_id(read.detection_id, hit.entry.entry_id, in_view=True),
        historical=False,
        detection=msgspec.structs.replace(read, stayed_ms=stayed),
    )


def _milliseconds(at: datetime) -> int:
    """Return a time in milliseconds since 1970."""
    return round(at.timestamp() * 1000)
