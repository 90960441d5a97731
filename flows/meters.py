"""Metrics of the flows: one function for each stream; counting steps do not change the stream."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import ParamSpec, TypeVar

import bytewax.operators as op
from bytewax.dataflow import Stream

from platestream.operators.changelog_hold import ChangelogHold
from platestream.operators.frame_outcomes import Outcome, camera_of
from platestream.operators.frame_reads import FrameReads
from platestream.operators.matching.events import PackedEntry
from platestream.operators.matching.router import Tally
from platestream.runtime.clock import Clock
from platestream.runtime.metrics import meters
from platestream.schemas import metrics
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.delivery import Delivery
from platestream.schemas.deployment import DeploymentFinding
from platestream.schemas.detection import Detection
from platestream.schemas.finding import Finding
from platestream.schemas.frame import Frame
from platestream.schemas.hit_action import HitAction
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.inquiry import SealedInquiry
from platestream.schemas.message import EndOfSnapshot
from platestream.schemas.registry import RegistryRecord

P = ParamSpec("P")
R = TypeVar("R")
X = TypeVar("X")

EXPIRING_DAYS = 7


def count_batches(step_id: str, up: Stream[X], look: Callable[[list[X]], None]) -> Stream[X]:
    """Return `up` unchanged; `look` is called with each batch."""
    if not meters.on:
        return up

    def see(batch: list[X]) -> list[X]:
        look(batch)
        return batch

    return op.flat_map_batch(step_id, up, see)


def show(flow: str) -> None:
    """Show the metrics of this flow on the page, from 0."""
    meters.prepare(*(metric for metric in metrics.METRICS if flow in metric.shown_by))


def models(names: Iterable[str]) -> None:
    """Set the names of the models; those of an earlier flow are removed."""
    meters.forget(metrics.MODEL)
    for name in names:
        meters.put(metrics.MODEL, name, to=1)


def timed(stage: str, call: Callable[P, R]) -> Callable[P, R]:
    """Return `call` with its duration observed as that of a stage."""
    return meters.timed(metrics.STAGE_SECONDS, stage)(call)


def frames(batch: list[Frame]) -> None:
    """Count accepted frames."""
    for frame in batch:
        meters.count(metrics.FRAMES, frame.camera_id)
        meters.newest(metrics.CAMERA_LAST_FRAME, frame.camera_id, to=frame.captured_at.timestamp())


def reads(now: Clock) -> Callable[[list[FrameReads]], None]:
    """Return a counter of read frames and the plates in them."""

    def look(batch: list[FrameReads]) -> None:
        at = now()
        for seen in batch:
            meters.count(metrics.FRAMES_READ, "plate" if seen.sightings else "nothing")
            meters.count(metrics.READS, by=len(seen.sightings))
            meters.observe(metrics.FRAME_DELAY, _since(seen.captured_at, at))

    return look


def repeated(outcome: Outcome) -> None:
    """Count a repeated frame."""
    meters.count(metrics.FRAMES_DOUBLED, camera_of(outcome))


def detections(now: Clock) -> Callable[[list[Detection]], None]:
    """Return a counter of published vehicle passes."""

    def look(batch: list[Detection]) -> None:
        at = now()
        for one in batch:
            meters.count(metrics.DETECTIONS)
            meters.observe(metrics.CONFIDENCE, one.confidence)
            if one.opinion:
                meters.count(metrics.CAMERA_OPINIONS, one.camera_id, one.opinion)
            meters.observe(metrics.AGREEMENT, one.agreeing / one.frames)
            meters.observe(metrics.DETECTION_DELAY, _since(one.captured_at, at))

    return look


def hits(now: Clock) -> Callable[[list[AlertHit]], None]:
    """Return a counter of published alert hits."""

    def look(batch: list[AlertHit]) -> None:
        at = now()
        for hit in batch:
            meters.count(metrics.ALERT_HITS, hit.match, "yes" if hit.historical else "no")
            if not hit.historical:
                meters.observe(metrics.ALERT_DELAY, _since(hit.detection.captured_at, at))

    return look


def withheld(entry: HotListEntry) -> None:
    """Count a read that matched an entry whose source or category is not designated."""
    meters.count(metrics.HITS_WITHHELD, entry.source)


class HotListTally(Tally):
    """Figures of the list's part in one partition: entries by source and day of expiry, and changes."""

    def __init__(self, parts: "list[HotListTally]") -> None:
        self.entries: Counter[tuple[bytes, int]] = Counter()
        self._parts, self._loaded = parts, False
        parts.append(self)

    def added(self, entries: list[PackedEntry]) -> None:
        """Count new entries."""
        self.entries.update([(one.key.partition(b":")[0], one.until.toordinal()) for one in entries])
        if self._loaded:
            for one in entries:
                meters.count(metrics.HOTLIST_CHANGES, _source_and_day(one)[0].decode(), "added")

    def change(self, before: PackedEntry, after: PackedEntry | None) -> None:
        """Count an entry that was replaced or removed."""
        self.entries[_source_and_day(before)] -= 1
        if after is not None:
            self.entries[_source_and_day(after)] += 1
        if self._loaded:
            kind = "removed" if after is None else "changed"
            meters.count(metrics.HOTLIST_CHANGES, _source_and_day(before)[0].decode(), kind)

    def tell(self, now: datetime) -> None:
        """Set the gauges for the partitions of the list that were loaded and that this process owns."""
        self._loaded = True
        soon = now.toordinal() + EXPIRING_DAYS
        entries: Counter[bytes] = Counter()
        expiring: Counter[bytes] = Counter()
        for part in [one for one in self._parts if one._loaded]:
            for (source, day), count in list(part.entries.items()):
                entries[source] += count
                expiring[source] += count if day <= soon else 0
        for source, count in entries.items():
            meters.put(metrics.HOTLIST_ENTRIES, source.decode(), to=count)
            meters.put(metrics.HOTLIST_EXPIRING, source.decode(), to=expiring[source])


def hotlist_tally() -> Callable[[], HotListTally]:
    """Return a factory of the tallies of one flow's partitions; figures of an earlier flow are removed."""
    for metric in (metrics.HOTLIST_ENTRIES, metrics.HOTLIST_EXPIRING):
        meters.forget(metric)
    parts: list[HotListTally] = []
    return lambda: HotListTally(parts)


def _source_and_day(one: PackedEntry) -> tuple[bytes, int]:
    return one.key.partition(b":")[0], one.until.toordinal()


class Notifications:
    """Counter of new deliveries in the ledger; those before the start of the flow were counted then."""

    def __init__(self) -> None:
        self._hold: ChangelogHold[Delivery] = ChangelogHold(("deliveries",))

    def __call__(self, batch: list[Delivery | EndOfSnapshot]) -> None:
        for one in batch:
            if isinstance(one, EndOfSnapshot):
                self._hold.end(one)
            elif self._hold.open:
                meters.count(metrics.NOTIFICATIONS, one.outcome, str(one.priority))
                if one.outcome == "delivered":
                    meters.observe(metrics.NOTIFICATION_DELAY, _since(one.captured_at, one.at))
                    meters.observe(metrics.NOTIFICATION_SECONDS, one.seconds)


class Shifts:
    """Gauge of the people on shift, computed when the page is read, because shifts also expire."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._shifts: dict[str, RegistryRecord] = {}
        meters.follow(metrics.ON_SHIFT, value=self.count)

    def __call__(self, batch: Iterable[RegistryRecord | EndOfSnapshot]) -> None:
        for record in batch:
            if isinstance(record, RegistryRecord) and record.kind == "shift":
                self._shifts[record.id] = record

    def count(self) -> float:
        now = self._now()
        self._shifts = {name: one for name, one in self._shifts.items() if one.until and one.until > now}
        return float(len({one.user for one in self._shifts.values() if one.counts_at(now)}))


def registry(batch: Iterable[RegistryRecord | EndOfSnapshot]) -> None:
    """Set the time of the last import of each hot list source, and the time after which its feed is late."""
    for record in batch:
        if isinstance(record, RegistryRecord) and record.kind == "hotlist_source" and record.refreshed_at:
            meters.put(metrics.HOTLIST_IMPORTED, record.id, to=record.refreshed_at.timestamp())
            late = record.feed_late_after
            if late or not record.active:  # of a withdrawn source nothing is late any more
                meters.put(
                    metrics.HOTLIST_LATE_AFTER, record.id, to=late.total_seconds() if late else math.inf
                )


def inquiries(batch: list[SealedInquiry]) -> None:
    """Count sealed inquiries."""
    for one in batch:
        by = "machine" if one.inquiry.automatic is True else "person"
        meters.count(metrics.INQUIRIES, one.inquiry.kind, one.inquiry.outcome, by)


def findings(batch: list[Finding]) -> None:
    """Count findings of the checks."""
    for one in batch:
        meters.count(metrics.FINDINGS, one.rule, one.grade)


def deployments(batch: list[DeploymentFinding]) -> None:
    """Count findings about cameras and details without approval."""
    for one in batch:
        meters.count(metrics.DEPLOYMENT_FINDINGS, one.rule)


def actions(batch: list[HitAction]) -> None:
    """Count steps of verification and disposition."""
    for one in batch:
        meters.count(metrics.HIT_ACTIONS, one.kind)


def dead_letters(batch: list[DeadLetter]) -> None:
    """Count rejected messages."""
    for letter in batch:
        meters.count(metrics.DEAD_LETTERS, letter.topic, letter.reason)


def _since(then: datetime, now: datetime) -> float:
    """Return the seconds since `then`; 0 if a camera's clock is ahead."""
    return max(0.0, (now - then).total_seconds())
