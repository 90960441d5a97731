"""Detections against the hot list: a join in memory, keyed by buckets of plates that look alike.

The list is not kept in the recovery store: each start reads the changelog again from its beginning, so
nothing that was removed or has expired lives on in it, and a bucket's snapshot is small whatever the size
of the list. What is kept is the reads that wait for the list to be loaded, and which passes have alerted.
"""

import zlib
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import msgspec
from bytewax.operators import StatefulBatchLogic

from operators.hold import Hold
from operators.matching.deduplication import AlertDeduplication
from operators.matching.events import Entries, Event, PackedEntry, Reads, Removal
from operators.matching.judge import RULES, Rules, match_entry
from operators.matching.patterns import PatternIndex
from schemas import plates
from schemas.alert_hit import AlertHit
from schemas.designation import Designations
from schemas.detection import Detection
from schemas.hotlist import HotListEntry
from schemas.hotlist_packed import packed_plate, unpack
from schemas.message import EndOfSnapshot
from schemas.registry import RegistryRecord

CHANGELOGS = ("hotlist", "registry")
Withheld = Callable[[HotListEntry], None]  # hears of each read that met an entry which may alert nobody


class MatcherState(msgspec.Struct, array_like=True):
    """A bucket's state in the recovery store: reads that wait, those of other readings, and passes.

    `batches` says how many of both each batch that waits has, so that they are judged in their order.
    """

    held: list[Detection] = []
    others: list[Detection] = []
    passes: dict[str, list[Any]] = {}
    batches: list[tuple[int, int]] = []

    @classmethod
    def of(cls, waiting: list[Reads], passes: dict[str, list[Any]]) -> "MatcherState":
        """The state of a bucket in which these batches wait."""
        return cls(
            [read for batch in waiting for read in batch.own],
            [read for batch in waiting for read in batch.others],
            passes,
            [(len(batch.own), len(batch.others)) for batch in waiting],
        )

    @property
    def waiting(self) -> list[Reads]:
        """The batches; what the version before stored is one."""
        own, others = iter(self.held), iter(self.others)
        sizes = self.batches or [(len(self.held), len(self.others))] * bool(self.held or self.others)
        return [Reads(list(islice(own, one)), list(islice(others, other))) for one, other in sizes]


class Bucket:
    """The part of the list that one bucket keeps, and what a read meets in it."""

    def __init__(self, rules: Rules = RULES, withheld: Withheld = lambda _entry: None) -> None:
        self.rules = rules
        self._withheld = withheld
        self._listed: dict[bytes, PackedEntry | tuple[PackedEntry, ...]] = {}
        self.patterns = PatternIndex()
        self.designated = Designations()

    def add_new(self, entries: list[PackedEntry]) -> None:
        """Put entries with whole plates in; hardly two have one shape."""
        known = self._listed.setdefault
        for one in [one for one in entries if known(one.shape, one) is not one]:
            self.add(one)

    def add(self, listed: PackedEntry) -> None:
        """Put an entry in, or its newest version in its place."""
        if not listed.shape:
            self.patterns.add(unpack(listed.packed))
            return
        others = self._others(listed.key, listed.shape)
        self._listed[listed.shape] = (*others, listed) if others else listed

    def remove(self, key: bytes, shape: bytes) -> None:
        """Take an entry out; one that is not there is no matter."""
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
        return () if before is None else tuple(one for one in _several(before) if one.key != key)

    def likely(self, reads: Sequence[Detection]) -> list[Detection]:
        """Those that something listed may look like; the others, nearly all, are told without a call each."""
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
            or (read.alternatives and self._other_is_listed(read))
        ]

    def hits(self, read: Detection, *, patterns: bool) -> list[AlertHit]:
        """Hits by rank; `patterns` only in one of the buckets that a read is given to."""
        entries = [
            unpack(one.packed)
            for shape in self._shapes(read)
            for one in _several(self._listed[shape])
            if read.alternatives or plates.differences(read.plate, packed_plate(one.packed)) is not None
        ]
        if patterns:
            entries += self.patterns.candidates(read.plate)
        met = [hit for entry in entries if (hit := match_entry(read, entry, self.rules)) is not None]
        found = [hit for hit in met if self._may_alert(hit.entry)]
        if len(found) > 1:
            found.sort(key=lambda hit: (hit.rank, hit.entry.entry_id))
        return found

    def _may_alert(self, entry: HotListEntry) -> bool:
        if self.designated.allow(entry):
            return True
        self._withheld(entry)
        return False

    def _other_is_listed(self, read: Detection) -> bool:
        return any(plates.shape(other.plate) in self._listed for other in self.rules.others(read))

    def _shapes(self, read: Detection) -> set[bytes]:
        """Of the read and its other readings, those that a listed plate has."""
        shapes = {plates.shape(read.plate)}
        if read.alternatives:
            shapes |= {plates.shape(other.plate) for other in self.rules.others(read)}
        return {shape for shape in shapes if shape in self._listed}


def _several(listed: PackedEntry | tuple[PackedEntry, ...]) -> tuple[PackedEntry, ...]:
    return listed if isinstance(listed, tuple) else (listed,)


class HotListMatcher(StatefulBatchLogic[list[Event], AlertHit, bytes]):
    """One bucket in the flow: judges reads once list and registry are loaded, and alerts once a pass."""

    def __init__(
        self, resume: bytes | None, rules: Rules = RULES, withheld: Withheld = lambda _entry: None
    ) -> None:
        kept = MatcherState() if resume is None else msgspec.msgpack.decode(resume, type=MatcherState)
        self._bucket = Bucket(rules, withheld)
        self._hold = Hold(CHANGELOGS, kept.waiting)
        self._alerts = AlertDeduplication(kept.passes)

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
            self._bucket.patterns.masks()  # made now, not with the first read
        return self._judge(waiting)

    def _judge(self, batches: list[Reads]) -> list[AlertHit]:
        bucket = self._bucket
        return [
            hit
            for reads in batches
            for some, patterns in ((reads.own, True), (reads.others, False))
            for read in bucket.likely(some)
            for hit in bucket.hits(read, patterns=patterns)
            if self._alerts_now(hit)
        ]

    def _alerts_now(self, hit: AlertHit) -> bool:
        entry, read = hit.entry, hit.detection
        if not entry.again_after_s:
            return True
        key = f"{entry.entry_id}|{read.camera_id}"
        if entry.is_pattern:  # other vehicles fit it, too; a checksum tells them apart and shows no plate
            key += f"|{zlib.crc32(plates.shape(read.plate)):x}"
        at = round(read.captured_at.timestamp() * 1000)
        return self._alerts.alerts(key, read.detection_id, at, entry.again_after_s * 1000, hit.rank)
