"""Detections against the hot list: a join in memory, keyed by buckets of plates that look alike.

The list is not kept in the recovery store: each start reads the changelog again from its beginning, so
nothing that was removed or has expired lives on in it, and a bucket's snapshot is small whatever the size
of the list. What is kept is the reads that wait for the list to be loaded.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
from bytewax.operators import StatefulLogic

from schemas import plates
from schemas.alert_hit import AlertHit, Difference, MatchClass, StateCheck, hit_id
from schemas.detection import Detection
from schemas.hotlist import HotListChange, HotListEntry
from schemas.message import Loaded

BUDGET = 1  # look-alike characters beyond O and 0; the field's default, two at most


@dataclass(frozen=True, slots=True)
class Removed:
    """An entry left this bucket: removed, or listed with another plate."""

    entry_id: str


Event = HotListEntry | Removed | Loaded | Detection


class Placement(StatefulLogic[HotListChange | Loaded, tuple[str, Event], None]):
    """Sends each change of one changelog partition to the bucket of its plate.

    A removal names an entry and no plate, so where each entry went is remembered (not across starts: the
    changelog is read again). A `Loaded` goes to every bucket.
    """

    def __init__(self, _resume: None, buckets: int = plates.BUCKETS) -> None:
        self._buckets = buckets
        self._placed: dict[str, int] = {}

    def on_item(self, value: HotListChange | Loaded) -> tuple[list[tuple[str, Event]], bool]:
        if isinstance(value, Loaded):
            return [(str(bucket), value) for bucket in range(self._buckets)], StatefulLogic.RETAIN
        before = self._placed.pop(value.entry_id, None)
        moved: list[tuple[str, Event]] = []
        after = None
        if value.entry is not None:
            after = plates.bucket(value.entry.plate, self._buckets)
            self._placed[value.entry_id] = after
            moved.append((str(after), value.entry))
        if before is not None and before != after:
            moved.append((str(before), Removed(value.entry_id)))
        return moved, StatefulLogic.RETAIN

    def snapshot(self) -> None:
        return None


class HotListMatcher(StatefulLogic[Event, AlertHit, bytes]):
    """The entries of one bucket, and the reads that came before they were loaded."""

    def __init__(self, resume: bytes | None) -> None:
        self._entries: dict[str, HotListEntry] = {}
        self._by_fold: dict[str, set[str]] = {}
        self._loaded: set[int] = set()
        self._partitions: int | None = None
        self._held = [] if resume is None else msgspec.msgpack.decode(resume, type=list[Detection])

    def on_item(self, value: Event) -> tuple[Iterable[AlertHit], bool]:
        hits: list[AlertHit] = []
        match value:
            case HotListEntry():
                self._remove(value.entry_id)
                self._add(value)
            case Removed():
                self._remove(value.entry_id)
            case Loaded():
                self._loaded.add(value.partition)
                self._partitions = value.partitions
                if self._ready:
                    held, self._held = self._held, []
                    hits = [hit for detection in held for hit in self._hits(detection)]
            case Detection():
                if self._ready:
                    hits = list(self._hits(value))
                else:
                    self._held.append(value)
        return hits, StatefulLogic.RETAIN

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(self._held)

    @property
    def _ready(self) -> bool:
        """Every partition of the changelog has been read to the end it had at this start."""
        return len(self._loaded) == self._partitions

    def _add(self, entry: HotListEntry) -> None:
        self._entries[entry.entry_id] = entry
        self._by_fold.setdefault(plates.fold(entry.plate), set()).add(entry.entry_id)

    def _remove(self, entry_id: str) -> None:
        entry = self._entries.pop(entry_id, None)
        if entry is not None:
            alike = self._by_fold[plates.fold(entry.plate)]
            alike.discard(entry_id)
            if not alike:
                del self._by_fold[plates.fold(entry.plate)]

    def _hits(self, detection: Detection) -> Iterator[AlertHit]:
        for entry_id in sorted(self._by_fold.get(plates.fold(detection.plate), ())):
            hit = match_entry(detection, self._entries[entry_id])
            if hit is not None:
                yield hit


def match_entry(detection: Detection, entry: HotListEntry, budget: int = BUDGET) -> AlertHit | None:
    """The hit that `detection` is of `entry`, or None: expired at capture, or too many look-alikes apart."""
    if entry.expires_at <= detection.captured_at or len(entry.plate) != len(detection.plate):
        return None
    apart = plates.differences(detection.plate, entry.plate)
    if len(apart) > budget or plates.fold(entry.plate) != plates.fold(detection.plate):
        return None
    kind: MatchClass = "look_alike" if apart else "exact"
    return AlertHit(
        hit_id=hit_id(detection.detection_id, entry.entry_id),
        match=kind,
        differences=tuple(
            Difference(position, detection.plate[position], entry.plate[position]) for position in apart
        ),
        state_check=check_state(detection.state, entry.state),
        detection=detection,
        entry=entry,
    )


def check_state(read: str | None, listed: str | None) -> StateCheck:
    """State of issue as read against the entry's; unknown when either is."""
    if read is None or listed is None:
        return "unknown"
    return "same" if read == listed else "contradicts"
