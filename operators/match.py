"""Detections against the hot list: a join in memory, keyed by buckets of plates that look alike.

The list is not kept in the recovery store: each start reads the changelog again from its beginning, so
nothing that was removed or has expired lives on in it, and a bucket's snapshot is small whatever the size
of the list. What is kept is the reads that wait for the list to be loaded, and which passes have alerted.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import msgspec
from bytewax.operators import StatefulBatchLogic

from operators.matching.events import Another, Event, Listed, Ready, Removed
from operators.matching.judge import RULES, Rules, match_entry
from operators.matching.passes import Passes
from operators.matching.patterns import PatternIndex
from schemas import plates
from schemas.alert_hit import AlertHit
from schemas.designation import Designations
from schemas.detection import Detection
from schemas.hotlist import HotListEntry, unpack
from schemas.registry import RegistryRecord

CHANGELOGS = ("hotlist", "registry")


class Kept(msgspec.Struct, array_like=True):
    """A bucket's state in the recovery store: reads that wait, those of other readings, and passes."""

    held: list[Detection] = []
    others: list[Detection] = []
    passes: dict[str, list[Any]] = {}


class Bucket:
    """The part of the list that one bucket keeps, and what a read meets in it."""

    def __init__(self, rules: Rules = RULES) -> None:
        self._rules = rules
        self._listed: dict[bytes, Listed | tuple[Listed, ...]] = {}
        self.patterns = PatternIndex()
        self.designated = Designations()

    def add(self, listed: Listed) -> None:
        """Put an entry in, or its newest version in its place."""
        if not listed.shape:
            self.patterns.add(unpack(listed.packed))
            return
        self.remove(listed.entry_id, listed.shape)
        before = self._listed.get(listed.shape)
        self._listed[listed.shape] = listed if before is None else (*_several(before), listed)

    def remove(self, entry_id: str, shape: bytes) -> None:
        """Take an entry out; one that is not there is no matter."""
        if not shape:
            self.patterns.remove(entry_id)
        elif (before := self._listed.get(shape)) is not None:
            left = tuple(one for one in _several(before) if one.entry_id != entry_id)
            if left:
                self._listed[shape] = left[0] if len(left) == 1 else left
            else:
                del self._listed[shape]

    def likely(self, reads: Sequence[Detection]) -> list[Detection]:
        """Those that something listed may look like; the others, nearly all, are told without a call each."""
        listed, table = self._listed, plates.SHAPE
        last, second, first, third = self.patterns.masks()
        return [
            read
            for read in reads
            if (plate := read.plate).encode().translate(table) in listed
            or last[plate[-2:]] & second[plate[-4:-2]] & first[plate[:2]] & third[plate[2:3]]
            or (read.alternatives and not self.misses(read, patterns=False))
        ]

    def misses(self, read: Detection, *, patterns: bool) -> bool:
        """Nothing listed looks like any reading: true of nearly all reads, so this is the quick way."""
        listed = self._listed
        if plates.shape(read.plate) in listed:
            return False
        for other in read.alternatives[: self._rules.alternatives] if read.alternatives else ():
            if plates.shape(other.plate) in listed:
                return False
        return not patterns or not self.patterns.mask(read.plate)

    def hits(self, read: Detection, *, patterns: bool) -> Iterator[AlertHit]:
        """Hits by rank; `patterns` only in one of the buckets that a read is given to."""
        entries = self._entries(read)
        if patterns:
            entries += self.patterns.candidates(read.plate)
        found = (match_entry(read, entry, self._rules) for entry in entries if self.designated.allow(entry))
        yield from sorted(
            (hit for hit in found if hit is not None), key=lambda hit: (hit.rank, hit.entry.entry_id)
        )

    def _entries(self, read: Detection) -> list[HotListEntry]:
        others = read.alternatives[: self._rules.alternatives]
        shapes = {plates.shape(read.plate), *(plates.shape(other.plate) for other in others)}
        return [unpack(one.packed) for shape in shapes for one in _several(self._listed.get(shape, ()))]


def _several(listed: Listed | tuple[Listed, ...]) -> tuple[Listed, ...]:
    return listed if isinstance(listed, tuple) else (listed,)


class HotListMatcher(StatefulBatchLogic[Event, AlertHit, bytes]):
    """One bucket in the flow: judges reads once list and registry are loaded, and alerts once a pass."""

    def __init__(self, resume: bytes | None, rules: Rules = RULES) -> None:
        kept = Kept() if resume is None else msgspec.msgpack.decode(resume, type=Kept)
        self._bucket = Bucket(rules)
        self._held: list[Detection | Another] = [*kept.held, *map(Another, kept.others)]
        self._passes = Passes(kept.passes)
        self._marks: dict[str, set[int]] = {name: set() for name in CHANGELOGS}
        self._missing = set(CHANGELOGS)

    def on_batch(self, values: list[Event]) -> tuple[Iterable[AlertHit], bool]:
        if not self._missing and set(map(type, values)) == {Detection}:
            values = list(self._bucket.likely(cast(list[Detection], values)))
        hits = [hit for value in values for hit in self._event(value)]
        return hits, StatefulBatchLogic.RETAIN

    def snapshot(self) -> bytes:
        held = [one for one in self._held if isinstance(one, Detection)]
        others = [one.read for one in self._held if isinstance(one, Another)]
        return msgspec.msgpack.encode(Kept(held, others, self._passes.dump()))

    def _event(self, value: Event) -> Iterable[AlertHit]:
        match value:
            case Listed():
                self._bucket.add(value)
            case Removed():
                self._bucket.remove(value.entry_id, value.shape)
            case RegistryRecord():
                self._bucket.designated.apply(value)
            case Ready():
                return self._ready(value)
            case _ if self._missing:
                self._held.append(value)
            case _:
                return self._judge(value)
        return ()

    def _ready(self, mark: Ready) -> list[AlertHit]:
        """Once both changelogs have been read to their ends, the reads that waited are judged."""
        self._marks[mark.changelog].add(mark.partition)
        if len(self._marks[mark.changelog]) < mark.partitions:
            return []
        self._missing.discard(mark.changelog)
        if self._missing:
            return []
        self._bucket.patterns.masks()  # made now, not with the first read
        held, self._held = self._held, []
        return [hit for read in held for hit in self._judge(read)]

    def _judge(self, value: Detection | Another) -> list[AlertHit]:
        first = isinstance(value, Detection)
        read = value if isinstance(value, Detection) else value.read
        return [hit for hit in self._bucket.hits(read, patterns=first) if self._alerts(hit)]

    def _alerts(self, hit: AlertHit) -> bool:
        entry, read = hit.entry, hit.detection
        if not entry.again_after_s:
            return True
        key = f"{entry.entry_id}|{read.camera_id}"
        if entry.is_pattern:  # other vehicles fit it, too; a checksum tells them apart and shows no plate
            key += f"|{zlib.crc32(plates.shape(read.plate)):x}"
        at = round(read.captured_at.timestamp() * 1000)
        return self._passes.alerts(key, read.detection_id, at, entry.again_after_s * 1000, hit.rank)
