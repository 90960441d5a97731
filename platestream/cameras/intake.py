"""Intake of captures: each is checked, masked, timed, compared, cropped, and stored in the spool as a frame
of the topic.
"""

import threading
from datetime import datetime, timedelta

import cv2
import msgspec
import numpy as np

from platestream.cameras.blackout import Blackout
from platestream.cameras.capture import Capture, Pixels
from platestream.cameras.config import Camera
from platestream.cameras.kinds import UPLOADS
from platestream.cameras.live_picture import Live, uncropped
from platestream.cameras.picture_keeper import PictureKeeper
from platestream.cameras.picture_places import Place, exif_place
from platestream.cameras.spool import Spool
from platestream.cameras.state import CameraState
from platestream.cameras.vehicle_place import VehiclePlace
from platestream.operators.decode import Bounds, admit, decode_image
from platestream.reading.change_detector import Grey, WatchRules, changed_blocks, gray_blocks
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.fields import rfc3339
from platestream.schemas.frame import CAMERA_READS, FRAME_ID, PUSH_FAULT, Frame, frame_id
from platestream.schemas.message import Message, RefusedError

QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 92]
BURST = 10
"""Most uploads at the same time, because cameras send the pictures of one event together."""
MEMORY = timedelta(hours=24)


class CameraClock:
    """Comparison of a camera's clock with ours.

    A frame may be late (the camera stored it while its link was down), but none arrives before it is taken.
    The least delay of the last day is therefore the time by which the camera's clock is behind ours; it is
    negative where the clock is ahead. Within `trust` seconds the clock counts as right, and late frames have
    the camera's time.
    """

    def __init__(self, trust: float) -> None:
        self._trust = trust
        self._least: dict[datetime, float] = {}
        self.drift: float | None = None

    def captured_at(self, camera_time: datetime | None, arrived: datetime) -> datetime:
        """Return the time at which a frame was taken: the camera's own time where its clock is trusted."""
        if camera_time is None:
            return arrived
        delay = (arrived - camera_time).total_seconds()
        hour = arrived.replace(minute=0, second=0, microsecond=0)
        self._least = {at: least for at, least in self._least.items() if hour - at < MEMORY}
        self._least[hour] = min(delay, self._least.get(hour, delay))
        self.drift = min(self._least.values())
        return min(camera_time, arrived) if abs(self.drift) <= self._trust else arrived


class LastSent:
    """The picture that was sent last, as the mean gray value of its blocks."""

    def __init__(self) -> None:
        self._rules = WatchRules()
        self._blocks: Grey | None = None

    def differs(self, pixels: Pixels) -> bool:
        """Return whether `pixels` (height x width x 3) differ from the last picture; if so, store them."""
        blocks, before = gray_blocks(pixels, self._rules.block), self._blocks
        if (
            before is None
            or before.shape != blocks.shape
            or changed_blocks(before, blocks, self._rules).any()
        ):
            self._blocks = blocks
            return True
        return False


class Intake:
    """The intake of one camera, for use by many threads."""

    def __init__(
        self,
        name: str,
        camera: Camera,
        bounds: Bounds,
        spool: Spool,
        states: dict[str, CameraState],
        live: Live,
        vehicle: VehiclePlace | None = None,
    ) -> None:
        self._live, self._vehicle = live, vehicle
        self._name, self._camera, self._bounds = name, camera, bounds
        self._blackout = Blackout(camera.mask, camera.area)
        masks = repr((camera.mask, camera.area))
        report = states[name].picture_is
        self._keeper = PictureKeeper(spool.folder, name, self._blackout, masks, report, spool.keys)
        self._spool, self._states, self._state = spool, states, states[name]
        self._clock, self._last = CameraClock(camera.trust), LastSent()
        self._lock = threading.Lock()
        self._next = 0.0
        self._sent_at = float("-inf")

    def due(self, seconds: float) -> bool:
        """Return whether the rate allows a frame of a watched camera at `seconds` of a steady clock."""
        with self._lock:
            if seconds < self._next:
                return False
            self._next = max(self._next + 1 / self._camera.rate, seconds)
            return True

    def take(self, capture: Capture, seconds: float) -> None:
        """Process a capture; return when the frame is on the disk, or need not be stored. Raises
        RefusedError.
        """
        try:
            self._take(capture, seconds)
        except RefusedError as error:
            refused = "too_fast" if error.reason == "rate" else "refused"
            self._spool.refuse(self._name, refused)
            self._state.count(refused)
            self._state.failed(error.detail)
            raise

    def _take(self, capture: Capture, seconds: float) -> None:
        if self._camera.kind in UPLOADS:
            self._limit(seconds)
        pixels = capture.pixels
        if pixels is None and (capture.image or not capture.reads):
            pixels = decode_image(capture.image, self._bounds, reduced=not self._needs_pixels(capture))
        moment = self._own_moment(capture) if self._camera.moves else None
        if (shown := pixels) is not None:
            pixels = shown = self._blackout(shown)
            if moment is None:  # the scene of a camera that moves is never the same
                self._keeper.offer(shown, capture.arrived_at)
            self._live.offer(self._name, lambda: self._image(capture, shown))
            self._live.offer(uncropped(self._name), lambda: self._uncropped(capture, shown))
        with self._lock:
            if moment is not None:
                at, place = moment
            else:
                at = self._clock.captured_at(capture.camera_time, capture.arrived_at)
                place = self._camera.latitude, self._camera.longitude
            self._state.arrived(capture.arrived_at, self._clock.drift)
            if (
                pixels is not None
                and capture.reads is None
                and self._camera.changes
                and not self._is_changed_or_due(pixels, seconds)
            ):
                self._state.count("unchanged")
                return
        headers = self._headers(at, place)
        if capture.reads is not None:
            headers[CAMERA_READS] = msgspec.json.encode(self._fitting(capture.reads)).decode()
        image = b"" if pixels is None else self._image(capture, pixels)
        content = headers.get(CAMERA_READS, "").encode() + image
        headers[FRAME_ID] = str(frame_id(self._name, capture.camera_time or at, content))
        message = Message(self._name.encode(), image, headers)
        admit(Frame.from_message(message), capture.arrived_at, self._bounds)
        self._put(message, capture.arrived_at, capture.number)
        self._state.count("spooled")

    def alive(self, at: datetime) -> None:
        """Note a heartbeat."""
        self._state.arrived(at, self._clock.drift)

    def refuse(self, body: bytes, error: RefusedError, at: datetime, seconds: float) -> None:
        """Store a push that cannot be used, completely or in part, as a message that becomes a dead letter.

        Raises RefusedError if there are too many, or the spool is full.
        """
        self._limit(seconds)
        headers = self._headers(at, (self._camera.latitude, self._camera.longitude))
        headers[PUSH_FAULT] = f"{error.reason}: {error.detail}"[:300]
        headers[FRAME_ID] = str(frame_id(self._name, at, body))
        self._put(Message(self._name.encode(), body, headers), at)
        self._state.count("refused")
        self._state.failed(error.detail)

    def _own_moment(self, capture: Capture) -> tuple[datetime, Place]:
        """Return time and place of a picture of a camera that moves, by the picture or its push alone, or by
        the vehicle's receiver now.

        Its place at that time decides what the rules allow, so a picture without one is not stored. Raises
        RefusedError.
        """
        if self._vehicle is not None:
            there = self._vehicle.now
            with self._lock:
                return self._clock.captured_at(capture.camera_time, capture.arrived_at), there
        at, place = capture.camera_time, capture.place or exif_place(capture.image)
        if at is None or place is None:
            missing = "time" if at is None else "place"
            raise RefusedError(missing, f"a picture of a camera that moves has no {missing} of its own")
        late = (capture.arrived_at - at).total_seconds()
        if late < -self._camera.trust:
            raise RefusedError("time", f"the picture is {-late:.0f} s ahead of this machine's clock")
        if late > 3600 * self._camera.late_hours:
            raise RefusedError("time", f"the picture is over {self._camera.late_hours:g} hours old")
        return min(at, capture.arrived_at), place

    def _headers(self, at: datetime, place: Place) -> dict[str, str]:
        return {
            "camera-id": self._name,
            "captured-at": rfc3339(at),
            "latitude": str(place[0]),
            "longitude": str(place[1]),
            "region": self._camera.region,
        }

    def _fitting(self, reads: tuple[CameraRead, ...]) -> tuple[CameraRead, ...]:
        """Return the reads without boxes if the picture is cropped, because then they do not fit it."""
        if not self._camera.crop:
            return reads
        return tuple(msgspec.structs.replace(one, box=None, vehicle_box=None) for one in reads)

    def _put(self, message: Message, at: datetime, number: int | None = None) -> None:
        for camera in self._spool.put(self._name, message, at.timestamp(), number):
            if camera in self._states:
                self._states[camera].count("full")

    def _limit(self, seconds: float) -> None:
        """Limit uploads by a bucket of `BURST` that fills at the camera's rate."""
        with self._lock:
            step = 1 / self._camera.rate
            if self._next - seconds > (BURST - 1) * step:
                raise RefusedError("rate", f"more than {self._camera.rate:g} frames a second")
            self._next = max(self._next, seconds) + step

    def _is_changed_or_due(self, pixels: Pixels, seconds: float) -> bool:
        """Return whether the picture changed, or nothing was sent for the longest time allowed for a still
        scene.
        """
        due = seconds - self._sent_at >= self._camera.still
        if self._last.differs(pixels) or due:
            self._sent_at = seconds
            return True
        return False

    @property
    def _untouched(self) -> bool:
        """True where pictures are neither cropped nor masked."""
        return not (self._camera.crop or self._blackout)

    def _needs_pixels(self, capture: Capture) -> bool:
        """Return whether more is needed of a picture than that it can be decoded, which takes half the time
        at an eighth of its size.
        """
        if not self._untouched or (self._camera.changes and capture.reads is None):
            return True
        return not self._camera.moves and self._keeper.is_due(capture.arrived_at)

    def _uncropped(self, capture: Capture, pixels: Pixels) -> bytes:
        return capture.image if capture.image and self._untouched else jpeg(pixels)

    def _image(self, capture: Capture, pixels: Pixels) -> bytes:
        """Return the picture as it came where it is neither cropped nor masked.

        A file as it came may have another picture in it, such as EXIF's preview.
        """
        return capture.image if capture.image and self._untouched else jpeg(self._cropped(pixels))

    def _cropped(self, pixels: Pixels) -> Pixels:
        if not self._camera.crop:
            return pixels
        left, top, right, bottom = self._camera.crop
        high, wide = pixels.shape[:2]
        pixels = pixels[int(top * high) : round(bottom * high), int(left * wide) : round(right * wide)]
        if min(pixels.shape[:2]) < self._bounds.side:
            raise RefusedError("small", "the camera's `crop` leaves too little to hold a plate")
        return pixels


def jpeg(pixels: Pixels) -> bytes:
    """Return a frame as JPEG. Raises RefusedError."""
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels), QUALITY)
    if not done:
        raise RefusedError("corrupt", "a frame that cannot be made a JPEG")
    return bytes(data.tobytes())
