"""Checks of frames against approved deployments (order, sections D.5, E.1.f and G.6) and sensitive places.

The rules hold as soon as the registry has a camera or special detail, including ended ones; before that any
camera is accepted. A special detail that the Chief approved covers its cameras at any location except
sensitive places. No approval permits those; their frames are neither read nor stored, from any sender.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from platestream.operators.boundary import Point, within
from platestream.operators.matching.limits import distance_m
from platestream.operators.sensitive_places import SensitivePlaces
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.deployment import SAID, DeploymentFinding, Rule
from platestream.schemas.frame import FRAME_ID, Frame
from platestream.schemas.frame_count import FRAME_COUNT
from platestream.schemas.hotlist import Area
from platestream.schemas.message import EndOfSnapshot
from platestream.schemas.registry import RegistryRecord

Unapproved = Literal["quarantine", "refuse", "watch"]
FAR_M = 250.0  # radius of a camera's location, including map errors
OF_CAMERA = ("camera-id", "captured-at", "latitude", "longitude", FRAME_ID, FRAME_COUNT)
"""Headers of a frame without data about the vehicle."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A frame, and the rule that it breaks, if any."""

    frame: Frame
    rule: Rule | None = None
    detail: str = ""


def approval(camera: RegistryRecord, at: datetime) -> Rule | None:
    """Return the rule that frames of a registered camera break at this time; None if it is approved.

    The location is not checked.
    """
    if not camera.active:
        return "ended"
    if not camera.approved_by:
        return "unapproved"
    return None if camera.counts_at(at) else "period"


class Approvals:
    """The registry's cameras and details, shared by the workers of a process.

    `mode`: frames of unapproved cameras are quarantined, refused, or read anyway (`watch`); each case makes a
    finding. In `places`, frames are refused in any mode. A camera that moves is approved within the agency's
    `boundary`, at the place of each frame. `known` is the content of the registry at the start
    of the flow, so that no frame is judged before it was read; `register` receives later records. Before a
    frame is found to break a rule of approval, `newer` returns the current records of the registry, because
    neither of the two streams waits for the other: on a busy machine an approval may arrive after frames that
    were sent later.
    """

    def __init__(
        self,
        mode: Unapproved = "quarantine",
        known: Iterable[RegistryRecord] = (),
        places: SensitivePlaces | None = None,
        newer: Callable[[], Iterable[RegistryRecord]] = tuple,
        boundary: Sequence[Point] = (),
    ) -> None:
        self.mode, self._newer, self._boundary = mode, newer, tuple(boundary)
        self._places = places or SensitivePlaces()
        self._cameras: dict[str, RegistryRecord] = {}
        self._details: dict[str, RegistryRecord] = {}
        self._raised: set[str] = set()
        self._lock = threading.Lock()
        for record in known:
            self._put(record)

    def register(self, item: RegistryRecord | EndOfSnapshot) -> Iterator[DeploymentFinding]:
        """Apply the newest version of a record. Yields a finding if it is an unapproved detail."""
        if isinstance(item, EndOfSnapshot):
            return
        self._put(item)
        if item.kind == "detail" and item.active and not item.approved_by and item.since:
            for camera in item.cameras:
                yield DeploymentFinding.of(camera, "detail_unapproved", item.since, item.id)

    def judge(self, frame: Frame) -> Judgement:
        """Judge a frame by the place and time of its capture."""
        where = (frame.camera_id, frame.captured_at, frame.latitude, frame.longitude)
        rule, detail = self.rule(*where)
        if rule is not None and rule != "sensitive_place":
            for record in self._newer():
                if record.kind != "place":  # an older version of a place would replace a newer one
                    self._put(record)
            rule, detail = self.rule(*where)
        return Judgement(frame, rule, detail)

    def rule(self, name: str, at: datetime, latitude: float, longitude: float) -> tuple[Rule | None, str]:
        """Return the rule that frames of a camera break at this time and place, if any, with the special
        detail or the sensitive place.
        """
        if place := self._places.at(latitude, longitude):
            return "sensitive_place", place
        if not self._cameras and not self._details:
            return None, ""
        rule = self._camera_rule(name, at, latitude, longitude)
        for detail in self._covering(name, at) if rule else ():
            return (None, "") if detail.approved_by else ("detail_unapproved", detail.id)
        return rule, ""

    def read_on(self, judged: Judgement) -> Frame | None:
        """Return the frame if it is to be read."""
        watched = self.mode == "watch" and judged.rule != "sensitive_place"
        return judged.frame if judged.rule is None or watched else None

    def findings(self, judged: Judgement) -> Iterator[DeploymentFinding]:
        """Yield the finding of a frame that breaks a rule.

        It is yielded once for each camera, rule and day in this process.
        """
        if judged.rule is None:
            return
        frame = judged.frame
        found = DeploymentFinding.of(frame.camera_id, judged.rule, frame.captured_at, judged.detail)
        name = str(found.finding_id)
        with self._lock:
            if name in self._raised:
                return
            if len(self._raised) > 10_000:  # entries of past days
                self._raised.clear()
            self._raised.add(name)
        yield found

    def quarantined(self, judged: Judgement) -> Frame | None:
        """Return the frame if it waits in quarantine for an approval of its camera."""
        if judged.rule is None or judged.rule == "sensitive_place":
            return None
        return judged.frame if self.mode == "quarantine" else None

    def refused(self, judged: Judgement) -> DeadLetter | None:
        """Return a dead letter without the picture if the frame is refused.

        For a frame of a sensitive place, the camera's data about the vehicle is removed, too.
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
        """Store a record unless a newer version is known: records from `newer` may be ahead of the stream."""
        self._places.put(record)
        known = (self._cameras if record.kind == "camera" else self._details).get(record.id)
        if known and known.changed_at and record.changed_at and record.changed_at < known.changed_at:
            return
        if record.kind == "camera":
            self._cameras[record.id] = record
        elif record.kind == "detail":
            self._details = {**self._details, record.id: record}

    def _camera_rule(self, name: str, at: datetime, latitude: float, longitude: float) -> Rule | None:
        camera = self._cameras.get(name)
        if camera is None:
            return "unregistered"
        if rule := approval(camera, at):
            return rule
        assert camera.latitude is not None  # a camera record without a location is rejected
        assert camera.longitude is not None
        place = Area(camera.latitude, camera.longitude, FAR_M)
        if not camera.moves and distance_m(latitude, longitude, place) > FAR_M:
            return "moved"
        if camera.moves and self._boundary and not within((latitude, longitude), self._boundary):
            return "outside"
        return None

    def _covering(self, camera: str, at: datetime) -> list[RegistryRecord]:
        """Return the details of this camera and time, approved ones first."""
        found = [one for one in self._details.values() if camera in one.cameras and one.counts_at(at)]
        return sorted(found, key=lambda one: (not one.approved_by, one.id))
