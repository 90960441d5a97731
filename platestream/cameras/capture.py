"""Picture from a camera of any kind, and the callback that accepts it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from platestream.cameras.capture_times import instant
from platestream.cameras.picture_places import Place
from platestream.schemas.camera_read import CameraRead

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Capture:
    """One picture as it arrived.

    `image` is the file as the camera made it, or `pixels` (height x width x 3, BGR) if the source is a video.
    `camera_time` is the time by the camera's own clock, which becomes UTC here, as do the times of `reads`.
    These are plates that the camera read by itself, and None if it does not read; with them there may be no
    picture. `place` is where a camera that moves was by its push or its upload's headers. `number` is the
    camera's own number of it.
    """

    arrived_at: datetime
    image: bytes = b""
    pixels: Pixels | None = None
    camera_time: datetime | None = None
    reads: tuple[CameraRead, ...] | None = None
    place: Place | None = None
    number: int | None = None

    def __post_init__(self) -> None:
        if self.camera_time is not None:
            object.__setattr__(self, "camera_time", instant(self.camera_time, self.arrived_at))
        if self.reads:
            object.__setattr__(self, "reads", tuple(self._in_utc(one) for one in self.reads))

    def _in_utc(self, one: CameraRead) -> CameraRead:
        at = one.device_at
        return one if at is None else replace(one, device_at=instant(at, self.arrived_at))


Accept = Callable[[str, Capture], None]
"""Callback that accepts a capture of a camera. Raises RefusedError; on return the frame is on the disk."""


class CameraError(OSError):
    """A camera cannot be read. The message is one sentence without address and password."""
