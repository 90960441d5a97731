"""Combination of the reads of one vehicle on one camera into one detection, with the best picture.

A pass opens with the first read of a vehicle. It closes when the camera's frames are `gap` past its last
read, or when no frame arrived for `idle` of real time. A vehicle that is read surely and stands in view
longer than `settled` is published then, and reported as in view every `again` until it leaves.

A plate that was only followed in a frame (`PlateRead.followed`) is no vote: the vehicle is seen at that time,
and its pass continues. It opens no pass, because such a frame has no picture of it.

Time is the frames' capture time, so a replay makes the same passes with the same ids. Only a pass that the
idle clock closed may still get a late frame; it is remembered for `memory` and absorbs the frame. A camera
without frames is remembered for `silence` of real time: a vehicle whose frames an outage separates by more is
detected twice.

After a frame that reaches this step late, others follow as late (a backlog is processed). The idle clock
therefore waits as long as the camera's last frame was late, at most `patience`, and that long after a
restart. If the clock fires late, the process was stopped, not the camera, and the frames of that time still
wait to be read. It is then set again, for as long as it was late.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from bytewax.operators import StatefulLogic

from platestream.operators.frame_reads import FrameReads, Sighting
from platestream.operators.merge_reads import Merged
from platestream.operators.second_opinion import compare, similarity
from platestream.operators.vehicle import Examine, Views, unexamined
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.detection import Alternative, Detection, detection_id
from platestream.schemas.fields import Box
from platestream.schemas.in_view import VehicleInView
from platestream.schemas.plates import equate

LEAST_FRAMES = 3
"""Frames by which a read may be sure before its pass ends."""


@dataclass(frozen=True)
class PassRules:
    """Rules by which two reads belong to the same vehicle.

    `similarity` is 1 - edit distance / length over folded plates. `jump` is the distance that the plate may
    move between two frames, in plate widths, unless both read the same plate.
    """

    gap: timedelta = timedelta(seconds=2)
    settled: timedelta = timedelta(seconds=3)
    sure: float = 0.9
    again: timedelta = timedelta(seconds=3)
    longest: timedelta = timedelta(seconds=60)
    idle: timedelta = timedelta(seconds=2)
    patience: timedelta = timedelta(seconds=30)
    memory: timedelta = timedelta(minutes=5)
    silence: timedelta = timedelta(hours=1)
    similarity: float = 0.7
    jump: float = 6.0


class _Votes(msgspec.Struct):
    """The votes for one string: its frames, and its best read in the form in which it would be published."""

    frames: int
    best: Detection


class _Pass(msgspec.Struct):
    id: UUID
    opened_at: datetime
    last_at: datetime
    plate: str
    box: tuple[int, int, int, int]
    frames: list[datetime]
    votes: dict[str, _Votes]
    merged: Merged
    closed: bool = False
    ours: bool = True  # the votes are the reader's, not the camera's
    camera: CameraRead | None = None  # the camera's most confident read
    pushed: bool = False
    unseen: bool = False  # no picture so far
    published: Detection | None = None  # while the vehicle stands in view still
    reported_at: datetime | None = None
    views: Views = msgspec.field(default_factory=Views)

    def finish(self) -> None:
        """End the votes: further frames of the vehicle are absorbed."""
        self.closed, self.votes, self.frames, self.merged, self.views = True, {}, [], Merged(), Views()


Published = Detection | VehicleInView


class VehiclePasses(StatefulLogic[FrameReads, Published, bytes]):
    """The open and recently closed passes of one camera.

    `models` are the names of the models that read them, `examine` describes each pass from its best views.
    """

    def __init__(
        self,
        resume: bytes | None,
        models: Sequence[str],
        rules: PassRules,
        now: Callable[[], datetime],
        examine: Examine = unexamined,
    ) -> None:
        self._models, self._rules, self._now, self._examine = tuple(models), rules, now, examine
        self._passes = [] if resume is None else msgspec.msgpack.decode(resume, type=list[_Pass])
        self._heard, self._late = now(), rules.patience
        self._stood_still = False

    def on_item(self, value: FrameReads) -> tuple[list[Published], bool]:
        self._heard, self._stood_still = self._now(), False
        self._late = self._heard - value.captured_at
        taken: dict[UUID, _Pass] = {}
        for position, sighting in enumerate(value.sightings):
            known = self._find(value.captured_at, sighting, taken)
            if known is None and sighting.read.followed:
                continue
            if known is None:
                known = self._open(value, position, sighting)
            taken[known.id] = known
            self._add(known, value, sighting)
        standing = [one for known in taken.values() if (one := self._report(known)) is not None]
        return [*self._close(value.captured_at), *standing], self._forget(value.captured_at)

    def on_notify(self) -> tuple[list[Published], bool]:
        now, due = self._now(), self.notify_at()
        if due is None or now < due:  # set before a frame of the same activation
            return [], not self._passes
        if now - due >= self._rules.idle and not self._stood_still:
            self._heard, self._late, self._stood_still = now, now - due, True
            return [], False
        published: list[Published] = [*self._close(None)]
        if now - self._heard >= self._rules.silence:
            self._passes = []  # no plate of a silent camera stays in the recovery store
        return published, not self._passes

    def on_eof(self) -> tuple[list[Published], bool]:
        return [*self._close(None)], False

    def notify_at(self) -> datetime | None:
        waiting = any(not one.closed or one.published is not None for one in self._passes)
        if not waiting:
            return self._heard + self._rules.silence if self._passes else None
        return self._heard + max(self._rules.idle, min(self._late, self._rules.patience))

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(self._passes)

    def _find(self, at: datetime, sighting: Sighting, taken: Container[UUID]) -> _Pass | None:
        """Return the pass that is most similar to this sighting, or None if it is a new vehicle."""
        alike = [
            (similarity(one.plate, sighting.read.plate), one)
            for one in self._passes
            if one.id not in taken and self._continues(one, at, sighting)
        ]
        return max(alike, key=lambda pair: pair[0])[1] if alike else None

    def _continues(self, one: _Pass, at: datetime, sighting: Sighting) -> bool:
        rules = self._rules
        if at - one.last_at > rules.gap or one.opened_at - at > rules.gap:
            return False
        if at - one.opened_at > rules.longest:
            return False
        if equate(one.plate) == equate(sighting.read.plate):
            return True
        if _is_same_by_camera(one.camera, sighting.camera):
            return True
        if not (one.ours and sighting.ours):
            return False  # positions of a device's reads are unknown
        near = _jump(one.box, sighting.read.box) <= rules.jump
        return near and similarity(one.plate, sighting.read.plate) >= rules.similarity

    def _open(self, seen: FrameReads, position: int, sighting: Sighting) -> _Pass:
        known = {one.id for one in self._passes}
        while detection_id(seen.camera_id, seen.captured_at, position) in known:
            position += 1  # another frame of the same time: devices send times in whole seconds
        opened = _Pass(
            id=detection_id(seen.camera_id, seen.captured_at, position),
            opened_at=seen.captured_at,
            last_at=seen.captured_at,
            plate=sighting.read.plate,
            box=sighting.read.box,
            frames=[],
            votes={},
            merged=Merged(),
            ours=sighting.ours,
            unseen=seen.unseen,
        )
        self._passes.append(opened)
        return opened

    def _add(self, known: _Pass, seen: FrameReads, sighting: Sighting) -> None:
        """Count a sighting once for each frame, unless the pass is already published."""
        known.last_at = max(known.last_at, seen.captured_at)
        known.box = sighting.read.box
        if sighting.read.followed:
            if not known.closed:
                known.camera = _more_confident(known.camera, sighting.camera)
            return
        if known.closed or (seen.captured_at in known.frames and (seen.unseen or not known.unseen)):
            return
        known.frames.append(seen.captured_at)
        known.pushed, known.unseen = known.pushed or seen.pushed, known.unseen and seen.unseen
        known.camera = _more_confident(known.camera, sighting.camera)
        if sighting.ours and not known.ours:  # from here on the reader's reads count alone
            known.ours, known.votes, known.merged = True, {}, Merged()
        elif known.ours and not sighting.ours:
            return
        read = sighting.read
        known.views.add(sighting.view, read.box[2], read.confidence)
        votes = known.votes.get(read.plate)
        if votes is None or read.confidence > votes.best.confidence:
            votes = _Votes(0 if votes is None else votes.frames, self._detection(known, seen, sighting))
        known.votes[read.plate] = _Votes(votes.frames + 1, votes.best)
        known.merged.add(read)
        known.plate = known.merged.ranked(1)[0].plate

    def _detection(self, known: _Pass, seen: FrameReads, sighting: Sighting) -> Detection:
        read = sighting.read
        return Detection(
            detection_id=known.id,
            camera_id=seen.camera_id,
            captured_at=known.opened_at,
            best_at=seen.captured_at,
            latitude=seen.latitude,
            longitude=seen.longitude,
            plate=read.plate,
            confidence=read.confidence,
            state=read.state,
            state_confidence=read.state_confidence,
            alternatives=tuple(Alternative(other.plate, other.confidence) for other in read.alternatives),
            box=Box(*read.box),
            frames=1,
            agreeing=1,
            models=self._models,
            vehicle=seen.vehicle if sighting.camera is None else sighting.camera.described,
            crop=sighting.crop,
            picture=sighting.picture,
        )

    def _report(self, known: _Pass) -> Published | None:
        """Return the detection of a vehicle that is read surely and stays, later that it is in view still."""
        rules = self._rules
        if not known.closed:
            if known.last_at - known.opened_at < rules.settled or not _is_sure(known, rules.sure):
                return None
            known.published = _published(known, self._examine)
            known.reported_at = known.last_at
            known.finish()
            return known.published
        if known.published is None or known.reported_at is None:
            return None
        if known.last_at - known.reported_at < rules.again:
            return None
        known.reported_at = known.last_at
        return VehicleInView(detection=known.published, seen_at=known.last_at)

    def _close(self, at: datetime | None) -> list[Detection]:
        """Return the detections of passes that ended by capture time `at` (None: of all open ones)."""
        ended = [one for one in self._passes if at is None or abs(at - one.last_at) > self._rules.gap]
        published = [_published(one, self._examine) for one in ended if not one.closed]
        for one in ended:
            one.finish()
            one.published = None
        return published

    def _forget(self, at: datetime) -> bool:
        """Drop passes older than `memory`. Returns whether none are left."""
        self._passes = [
            one for one in self._passes if not one.closed or abs(at - one.last_at) <= self._rules.memory
        ]
        return not self._passes


def _published(one: _Pass, examine: Examine) -> Detection:
    """Return the combined read of all frames with the best picture and the vehicle's description.

    The picture is from the frame that read this string with the most confidence, or, if none did, from a
    frame with the most similar string.
    """
    said, *others = one.merged.ranked()
    votes = one.votes.get(said.plate)
    best = max(
        (other.best for other in one.votes.values()) if votes is None else [votes.best],
        key=lambda read: (similarity(read.plate, said.plate), read.confidence),
    )
    return msgspec.structs.replace(
        best,
        vehicle=one.views.describe(best.vehicle, examine),
        plate=said.plate,
        confidence=said.confidence,
        alternatives=tuple(Alternative(other.plate, other.confidence) for other in others),
        frames=len(one.frames),
        stayed_ms=max(0, (one.last_at - best.captured_at) // timedelta(milliseconds=1)),
        agreeing=0 if votes is None else votes.frames,
        camera_read=one.camera,
        opinion=compare(said.plate, one.camera, ours=one.ours, pushed=one.pushed, unseen=one.unseen),
    )


def detections_of(one: Published) -> list[Detection]:
    """Return the detection, or nothing for a vehicle whose detection was published before."""
    return [one] if isinstance(one, Detection) else []


def _is_sure(one: _Pass, least: float) -> bool:
    """Return whether the reader's own votes suffice; a camera's read may get its picture later."""
    return one.ours and len(one.frames) >= LEAST_FRAMES and one.merged.ranked(1)[0].confidence >= least


def _is_same_by_camera(known: CameraRead | None, read: CameraRead | None) -> bool:
    """Return whether the camera read the same plate, or says that it followed the vehicle."""
    if known is None or read is None:
        return False
    followed = read.track is not None and read.track == known.track
    return followed or equate(known.plate) == equate(read.plate)


def _more_confident(known: CameraRead | None, read: CameraRead | None) -> CameraRead | None:
    """Return the read with more confidence; of equal ones the first."""
    if known is None or read is None:
        return known or read
    return read if (read.confidence or 0.0) > (known.confidence or 0.0) else known


def _jump(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """Return the distance of two boxes' centers in widths of the wider one."""
    across = (a[0] + a[2] / 2) - (b[0] + b[2] / 2)
    down = (a[1] + a[3] / 2) - (b[1] + b[3] / 2)
    return float((across**2 + down**2) ** 0.5 / max(a[2], b[2], 1))
