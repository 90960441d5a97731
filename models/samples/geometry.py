"""A pinhole camera over a flat street.

The world is in metres: x to the right, y up, z along the street and away from the camera, which stands at
(x, height, 0). Image coordinates are pixels, right and down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """Place and direction of a camera. `focal` is in pixels; yaw turns right, pitch turns down (degrees)."""

    width: int = 1280
    height: int = 720
    focal: float = 3000.0
    x: float = 0.0
    eye: float = 1.5
    yaw: float = 0.0
    pitch: float = 3.0

    def scaled(self, width: int, height: int) -> View:
        """The same view on a sensor with another number of pixels."""
        return replace(self, width=width, height=height, focal=self.focal * width / self.width)

    def _axes(self) -> Floats:
        """Rows: the image's right, down and forward in the world."""
        yaw, pitch = np.radians(self.yaw), np.radians(self.pitch)
        right = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
        level = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
        up = np.array([0.0, 1.0, 0.0])
        forward = np.cos(pitch) * level - np.sin(pitch) * up
        down = -np.cos(pitch) * up - np.sin(pitch) * level
        return np.stack([right, down, forward])

    @property
    def centre(self) -> Floats:
        """The camera's place in the world (3,)."""
        return np.array([self.x, self.eye, 0.0])

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """World points (..., 3) to pixels (..., 2) and depths (...). Points behind are put just before it."""
        seen = (points - self.centre) @ self._axes().T
        depth = np.maximum(seen[..., 2], 0.2)
        pixels = seen[..., :2] / depth[..., None] * self.focal
        return pixels + np.array([self.width / 2, self.height / 2]), depth

    def rays(self, first: int, last: int) -> NDArray[np.float32]:
        """The direction each pixel of rows first to last - 1 looks in (rows, width, 3), not normalised."""
        x = (np.arange(self.width, dtype=np.float32) + 0.5 - self.width / 2) / self.focal
        y = (np.arange(first, last, dtype=np.float32) + 0.5 - self.height / 2) / self.focal
        gx, gy = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
        local = np.stack([gx, gy, np.ones_like(gx)], axis=-1)
        turned: NDArray[np.float32] = local @ self._axes().astype(np.float32)
        return turned

    def skyline(self) -> int:
        """The first row (px) that shows ground; all rows above it are sky, as the camera is held level."""
        return int(np.clip(np.ceil(self.horizon()) + 2, 1, self.height - 1))

    def horizon(self) -> float:
        """The row (px) of the horizon in the middle of the picture."""
        return self.height / 2 - self.focal * float(np.tan(np.radians(self.pitch)))
