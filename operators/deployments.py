"""Frames against the deployments that were approved (order, sections D.5, E.1.f and G.6), and against
sensitive places.

These rules hold from the first camera or special detail in the registry on, ended ones included; before that
any camera is taken. A special detail that the Chief approved covers its cameras wherever they are, but for
sensitive places: no approval opens one, and its frames are neither read nor kept, whoever sent them.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import bytewax.operators as op
from bytewax.dataflow import Stream, operator

from operators.matching.limits import metres
from operators.sensitive_places import SensitivePlaces
from schemas.dead_letter import DeadLetter
from schemas.deployment import SAID, DeploymentFinding, Rule
from schemas.frame import FRAME_ID, Frame
from schemas.hotlist import Area
from schemas.message import EndOfSnapshot
from schemas.registry import RegistryRecord

Unapproved = Literal["quarantine", "refuse", "watch"]
FAR_M = 250.0  # a camera's own place, its map's error included
OF_CAMERA = ("camera-id", "captured-at", "latitude", "longitude", FRAME_ID)
"""Headers of a frame that say nothing of a vehicle."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A frame, and the rule that it breaks, if any."""

    frame: Frame
    rule: Rule | None = None
    detail: str = ""


def approval(camera: RegistryRecord, at: datetime) -> Rule | None:
    """Which rule frames of a registered camera break at this moment, wherever it is; None: it is approved."""
    if not camera.active:
        return "ended"
    if not camera.approved_by:
        return "unapproved"
    return None if camera.counts_at(at) else "period"


class Approvals:
    """What the registry says of cameras and details: shared by the workers of a process.

    `mode`: frames of what nobody approved go to quarantine, are refused, or are read all the same (`watch`);
    a finding is raised each time. In `places`, frames are refused in any mode. `known` is what the registry
    held when the flow started, so that no frame is judged before it was read; `register` takes what comes
    later. Before a frame is found to break a rule of approval `newer` is asked what the registry holds by
    now: of two streams neither waits for the other, and on a busy machine an approval may come behind frames
    that were sent after it.
    """

    def __init__(
        self,
        mode: Unapproved = "quarantine",
        known: Iterable[RegistryRecord] = (),
        places: SensitivePlaces | None = None,
        newer: Callable[[], Iterable[RegistryRecord]] = tuple,
    ) -> None:
        self.mode, self._newer = mode, newer
        self._places = places or SensitivePlaces()
        self._cameras: dict[str, RegistryRecord] = {}
        self._details: dict[str, RegistryRecord] = {}
        self._raised: set[str] = set()
        self._lock = threading.Lock()
        for record in known:
            self._put(record)

    def register(self, item: RegistryRecord | EndOfSnapshot) -> Iterator[DeploymentFinding]:
        """The newest version of a record; a finding where it is a detail that nobody approved."""
        if isinstance(item, EndOfSnapshot):
            return
        self._put(item)
        if item.kind == "detail" and item.active and not item.approved_by and item.since:
            for camera in item.cameras:
                yield DeploymentFinding.of(camera, "detail_unapproved", item.since, item.id)

    def judge(self, frame: Frame) -> Judgement:
        """By where and when the frame was captured."""
        if place := self._places.at(frame.latitude, frame.longitude):
            return Judgement(frame, "sensitive_place", place)
        judged = self._judge(frame)
        if judged.rule is None:
            return judged
        for record in self._newer():
            if record.kind != "place":  # of these an older version would be taken for a newer one
                self._put(record)
        return self._judge(frame)

    def _judge(self, frame: Frame) -> Judgement:
        if not self._cameras and not self._details:
            return Judgement(frame)
        rule = self._camera_rule(frame)
        if rule is None:
            return Judgement(frame)
        for detail in self._covering(frame.camera_id, frame.captured_at):
            if detail.approved_by:
                return Judgement(frame)
            return Judgement(frame, "detail_unapproved", detail.id)
        return Judgement(frame, rule)

    def read_on(self, judged: Judgement) -> Frame | None:
        """The frame, where it goes on to be read."""
        watched = self.mode == "watch" and judged.rule != "sensitive_place"
        return judged.frame if judged.rule is None or watched else None

    def findings(self, judged: Judgement) -> Iterator[DeploymentFinding]:
        """Of a frame that breaks a rule, once for each camera, rule and day in this process."""
        if judged.rule is None:
            return
        frame = judged.frame
        found = DeploymentFinding.of(frame.camera_id, judged.rule, frame.captured_at, judged.detail)
        name = str(found.finding_id)
        with self._lock:
            if name in self._raised:
                return
            if len(self._raised) > 10_000:  # days go by
                self._raised.clear()
            self._raised.add(name)
        yield found

    def quarantined(self, judged: Judgement) -> Frame | None:
        """The frame, where it waits in quarantine for whoever approves the camera yet."""
        if judged.rule is None or judged.rule == "sensitive_place":
            return None
        return judged.frame if self.mode == "quarantine" else None

    def refused(self, judged: Judgement) -> DeadLetter | None:
        """A dead letter without the picture, where frames of what nobody approved are refused, and of a frame
        of a sensitive place also without what the camera knew of the vehicle.
        """
        sensitive = judged.rule == "sensitive_place"
        if judged.rule is None or not (sensitive or self.mode == "refuse"):
            return None
        message = judged.frame.message
        known = {name: message.headers[name] for name in OF_CAMERA if name in message.headers}
        return DeadLetter(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            reason="sensitive_place" if sensitive else "unapproved",
            detail=f"{SAID[judged.rule]}: {judged.detail}" if sensitive else SAID[judged.rule],
            key=message.key,
            headers=known if sensitive else message.headers,
            timestamp=message.timestamp,
        )

    def _put(self, record: RegistryRecord) -> None:
        """The newest stands: what was asked for may be ahead of the stream."""
        self._places.put(record)
        known = (self._cameras if record.kind == "camera" else self._details).get(record.id)
        if known and known.changed_at and record.changed_at and record.changed_at < known.changed_at:
            return
        if record.kind == "camera":
            self._cameras[record.id] = record
        elif record.kind == "detail":
            self._details = {**self._details, record.id: record}

    def _camera_rule(self, frame: Frame) -> Rule | None:
        camera = self._cameras.get(frame.camera_id)
        if camera is None:
            return "unregistered"
        if rule := approval(camera, frame.captured_at):
            return rule
        assert camera.latitude is not None  # a record of a camera without a place is refused
        assert camera.longitude is not None
        place = Area(camera.latitude, camera.longitude, FAR_M)
        if not camera.moves and metres(frame.latitude, frame.longitude, place) > FAR_M:
            return "moved"
        return None

    def _covering(self, camera: str, at: datetime) -> list[RegistryRecord]:
        """Details of this camera and time, approved ones first."""
        found = [one for one in self._details.values() if camera in one.cameras and one.counts_at(at)]
        return sorted(found, key=lambda one: (not one.approved_by, one.id))


@dataclass(frozen=True)
class Control:
    """What becomes of frames. All four streams must be wired: one that is not is dropped without a word."""

    read_on: Stream[Frame]
    quarantined: Stream[Frame]
    refused: Stream[DeadLetter]
    findings: Stream[DeploymentFinding]


@operator
def control(
    step_id: str,
    frames: Stream[Frame],
    records: Stream[RegistryRecord | EndOfSnapshot],
    approvals: Approvals,
) -> Control:
    """Each frame to one of three ways, and what is found of frames and of the registry's records.

    A frame stays on its worker, so `records` have to come to each of them. What several workers find of one
    record has one id, as what several starts find has.
    """
    judged = op.map("judge", frames, approvals.judge)
    seen = op.flat_map("seen", judged, approvals.findings)
    registered = op.flat_map("register", records, approvals.register)
    return Control(
        read_on=op.filter_map("read_on", judged, approvals.read_on),
        quarantined=op.filter_map("quarantined", judged, approvals.quarantined),
        refused=op.filter_map("refused", judged, approvals.refused),
        findings=op.merge("findings", seen, registered),
    )
