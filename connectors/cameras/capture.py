"""What every kind of camera hands over, and who takes it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Capture:
    """One picture as it arrived: `image` is the file as the camera made it, or `pixels` (height x width x 3,
    BGR) where the source is a video. `told_at` is when it was taken by the camera's own clock.
    """

    arrived_at: datetime
    image: bytes = b""
    pixels: Pixels | None = None
    told_at: datetime | None = None


Accept = Callable[[str, Capture], None]
"""Takes a capture of the camera named. Raises RefusedError; when it returns, the frame is on the disk."""


class CameraError(OSError):
    """A camera cannot be read; the message is one sentence without address and password."""
