"""What the flows count as records pass, a function a stream; a step that counts changes nothing."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import ParamSpec, TypeVar

import bytewax.operators as op
from bytewax.dataflow import Stream

from connectors.clock import Clock
from connectors.metrics import meters
from operators.frame_outcomes import Outcome, camera_of
from operators.hold import Hold
from operators.matching.events import PackedEntry
from operators.recognize import FrameReads
from schemas import metrics
from schemas.alert_hit import AlertHit
from schemas.dead_letter import DeadLetter
from schemas.delivery import Delivery
from schemas.deployment import DeploymentFinding
from schemas.detection import Detection
from schemas.finding import Finding
from schemas.frame import Frame
from schemas.hit_action import HitAction
from schemas.hotlist import HotListEntry
from schemas.inquiry import SealedInquiry
from schemas.message import EndOfSnapshot
from schemas.registry import RegistryRecord

P = ParamSpec("P")
R = TypeVar("R")
X = TypeVar("X")

EXPIRING_DAYS = 7


def counted(step_id: str, up: Stream[X], look: Callable[[list[X]], None]) -> Stream[X]:
    """`up` as it is; `look` sees each batch."""
    if not meters.on:
        return up

    def see(batch: list[X]) -> list[X]:
        look(batch)
        return batch

    return op.flat_map_batch(step_id, up, see)


def show(flow: str) -> None:
    """Put what this flow counts on the page, from 0."""
    meters.prepare(*(metric for metric in metrics.METRICS if flow in metric.shown_by))


def models(names: Iterable[str]) -> None:
    """Which models read; what a flow before showed is forgotten."""
    meters.forget(metrics.MODEL)
    for name in names:
        meters.put(metrics.MODEL, name, to=1)


def timed(stage: str, call: Callable[P, R]) -> Callable[P, R]:
    """`call`, its time counted as that of a stage."""
    return meters.timed(metrics.STAGE_SECONDS, stage)(call)


def frames(batch: list[Frame]) -> None:
    """Frames taken in."""
    for frame in batch:
        meters.count(metrics.FRAMES, frame.camera_id)
        meters.newest(metrics.CAMERA_LAST_FRAME, frame.camera_id, to=frame.captured_at.timestamp())


def reads(now: Clock) -> Callable[[list[FrameReads]], None]:
    """Frames read, and the plates in them."""

    def look(batch: list[FrameReads]) -> None:
        at = now()
        for seen in batch:
            meters.count(metrics.FRAMES_READ, "plate" if seen.sightings else "nothing")
            meters.count(metrics.READS, by=len(seen.sightings))
            meters.observe(metrics.FRAME_DELAY, _since(seen.captured_at, at))

    return look


def doubled(outcome: Outcome) -> None:
    """A frame came again."""
    meters.count(metrics.FRAMES_DOUBLED, camera_of(outcome))


def detections(now: Clock) -> Callable[[list[Detection]], None]:
    """Vehicle passes as they are published."""

    def look(batch: list[Detection]) -> None:
        at = now()
        for one in batch:
            meters.count(metrics.DETECTIONS)
            meters.observe(metrics.CONFIDENCE, one.confidence)
            meters.observe(metrics.AGREEMENT, one.agreeing / one.frames)
            meters.observe(metrics.DETECTION_DELAY, _since(one.captured_at, at))

    return look


def hits(now: Clock) -> Callable[[list[AlertHit]], None]:
    """Alert hits as they are published."""

    def look(batch: list[AlertHit]) -> None:
        at = now()
        for hit in batch:
            meters.count(metrics.ALERT_HITS, hit.match, "yes" if hit.historical else "no")
            if not hit.historical:
                meters.observe(metrics.ALERT_DELAY, _since(hit.detection.captured_at, at))

    return look


def withheld(entry: HotListEntry) -> None:
    """A read met an entry whose source or category is not designated."""
    meters.count(metrics.HITS_WITHHELD, entry.source)


class HotListTally:
    """How the part of the list in one partition is: entries by source and day of expiry, and its changes."""

    def __init__(self, parts: "list[HotListTally]") -> None:
        self.entries: Counter[tuple[bytes, int]] = Counter()
        self._parts, self._loaded = parts, False
        parts.append(self)

    def added(self, entries: list[PackedEntry]) -> None:
        """Entries were added."""
        self.entries.update([(one.key.partition(b":")[0], one.until.toordinal()) for one in entries])
        if self._loaded:
            for one in entries:
                meters.count(metrics.HOTLIST_CHANGES, _source_and_day(one)[0].decode(), "added")

    def change(self, before: PackedEntry, after: PackedEntry | None) -> None:
        """An entry was replaced or removed."""
        self.entries[_source_and_day(before)] -= 1
        if after is not None:
            self.entries[_source_and_day(after)] += 1
        if self._loaded:
            kind = "removed" if after is None else "changed"
            meters.count(metrics.HOTLIST_CHANGES, _source_and_day(before)[0].decode(), kind)

    def tell(self, now: datetime) -> None:
        """Show how the whole list of this process is."""
        self._loaded = True
        soon = now.toordinal() + EXPIRING_DAYS
        entries: Counter[bytes] = Counter()
        expiring: Counter[bytes] = Counter()
        for part in list(self._parts):
            for (source, day), count in list(part.entries.items()):
                entries[source] += count
                expiring[source] += count if day <= soon else 0
        for source, count in entries.items():
            meters.put(metrics.HOTLIST_ENTRIES, source.decode(), to=count)
            meters.put(metrics.HOTLIST_EXPIRING, source.decode(), to=expiring[source])


def hotlist_tally() -> Callable[[], HotListTally]:
    """Makes the tally of each partition of one flow; figures of a flow before it are forgotten."""
    for metric in (metrics.HOTLIST_ENTRIES, metrics.HOTLIST_EXPIRING):
        meters.forget(metric)
    parts: list[HotListTally] = []
    return lambda: HotListTally(parts)


def _source_and_day(one: PackedEntry) -> tuple[bytes, int]:
    return one.key.partition(b":")[0], one.until.toordinal()


class Notifications:
    """Deliveries of the ledger that are new: what it had at the start of the flow was counted then."""

    def __init__(self) -> None:
        self._hold: Hold[Delivery] = Hold(("deliveries",))

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
    """Who is on shift, asked when somebody reads the page: shifts end by themselves, too."""

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
    """When each hot list source was last imported whole."""
    for record in batch:
        if isinstance(record, RegistryRecord) and record.kind == "hotlist_source" and record.refreshed_at:
            meters.put(metrics.HOTLIST_IMPORTED, record.id, to=record.refreshed_at.timestamp())


def inquiries(batch: list[SealedInquiry]) -> None:
    """Inquiries as they are sealed."""
    for one in batch:
        by = "machine" if one.inquiry.automatic is True else "person"
        meters.count(metrics.INQUIRIES, one.inquiry.kind, one.inquiry.outcome, by)


def findings(batch: list[Finding]) -> None:
    """What the checks found."""
    for one in batch:
        meters.count(metrics.FINDINGS, one.rule, one.grade)


def deployments(batch: list[DeploymentFinding]) -> None:
    """Cameras and details without approval."""
    for one in batch:
        meters.count(metrics.DEPLOYMENT_FINDINGS, one.rule)


def actions(batch: list[HitAction]) -> None:
    """Steps of verification and disposition."""
    for one in batch:
        meters.count(metrics.HIT_ACTIONS, one.kind)


def dead_letters(batch: list[DeadLetter]) -> None:
    """What was refused."""
    for letter in batch:
        meters.count(metrics.DEAD_LETTERS, letter.topic, letter.reason)


def _since(then: datetime, now: datetime) -> float:
    """Seconds; a camera's clock may be ahead."""
    return max(0.0, (now - then).total_seconds())
