"""What becomes of a capture: checked, timed, compared, cut, and kept in the spool as a frame of the topic."""

import threading

import cv2
import numpy as np

from connectors.cameras.capture import Capture, Pixels
from connectors.cameras.spool import Spool
from operators.decode import Bounds, admit, decode_image
from schemas.fields import rfc3339
from schemas.frame import FRAME_ID, Frame, frame_id
from schemas.message import Message, RefusedError
from services.cameras.changes import LastSent
from services.cameras.clock import CameraClock
from services.cameras.config import UPLOADS, Camera
from services.cameras.live import Live
from services.cameras.state import CameraState

QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 92]
BURST = 10
"""Uploads that may come at once; cameras send the pictures of one event together."""


class Intake:
    """One camera's. For use by many threads."""

    def __init__(
        self,
        name: str,
        camera: Camera,
        bounds: Bounds,
        spool: Spool,
        states: dict[str, CameraState],
        live: Live,
    ) -> None:
        self._live = live
        self._name, self._camera, self._bounds = name, camera, bounds
        self._spool, self._states, self._state = spool, states, states[name]
        self._clock, self._last = CameraClock(camera.trust), LastSent()
        self._lock = threading.Lock()
        self._next = 0.0
        self._sent_at = float("-inf")

    def due(self, seconds: float) -> bool:
        """Whether the rate lets a frame of a watched camera through at `seconds` (any steady clock)."""
        with self._lock:
            if seconds < self._next:
                return False
            self._next = max(self._next + 1 / self._camera.rate, seconds)
            return True

    def take(self, capture: Capture, seconds: float) -> None:
        """Returns when the frame is on the disk, or need not be kept. Raises RefusedError."""
        try:
            self._take(capture, seconds)
        except RefusedError as error:
            self._state.count("too_fast" if error.reason == "rate" else "refused")
            self._state.failed(error.detail)
            raise

    def _take(self, capture: Capture, seconds: float) -> None:
        if self._camera.kind in UPLOADS:
            self._limit(seconds)
        pixels = decode_image(capture.image, self._bounds) if capture.pixels is None else capture.pixels
        self._live.offer(self._name, lambda: self._image(capture, pixels))
        with self._lock:
            at = self._clock.captured_at(capture.told_at, capture.arrived_at)
            self._state.arrived(capture.arrived_at, self._clock.drift)
            if self._camera.changes and not self._news(pixels, seconds):
                self._state.count("unchanged")
                return
        image = self._image(capture, pixels)
        message = Message(
            self._name.encode(),
            image,
            {
                "camera-id": self._name,
                "captured-at": rfc3339(at),
                "latitude": str(self._camera.latitude),
                "longitude": str(self._camera.longitude),
                "region": self._camera.region,
                FRAME_ID: str(frame_id(self._name, capture.told_at or at, image)),
            },
        )
        admit(Frame.from_message(message), capture.arrived_at, self._bounds)
        for camera in self._spool.put(self._name, message, capture.arrived_at.timestamp()):
            if camera in self._states:
                self._states[camera].count("full")
        self._state.count("spooled")

    def _limit(self, seconds: float) -> None:
        """A bucket of `BURST` uploads that fills at the camera's rate."""
        with self._lock:
            step = 1 / self._camera.rate
            if self._next - seconds > (BURST - 1) * step:
                raise RefusedError("rate", f"more than {self._camera.rate:g} frames a second")
            self._next = max(self._next, seconds) + step

    def _news(self, pixels: Pixels, seconds: float) -> bool:
        """Whether the picture changed, or nothing was sent for as long as a still street may send nothing."""
        due = seconds - self._sent_at >= self._camera.still
        if self._last.differs(pixels) or due:
            self._sent_at = seconds
            return True
        return False

    def _image(self, capture: Capture, pixels: Pixels) -> bytes:
        """As it came, where nothing of it is cut off."""
        return capture.image if capture.image and not self._camera.crop else self._jpeg(pixels)

    def _jpeg(self, pixels: Pixels) -> bytes:
        if self._camera.crop:
            left, top, right, bottom = self._camera.crop
            high, wide = pixels.shape[:2]
            pixels = pixels[int(top * high) : round(bottom * high), int(left * wide) : round(right * wide)]
            if min(pixels.shape[:2]) < self._bounds.side:
                raise RefusedError("small", "the camera's `crop` leaves too little to hold a plate")
        done, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels), QUALITY)
        if not done:
            raise RefusedError("corrupt", "a frame that cannot be made a JPEG")
        return bytes(data.tobytes())
