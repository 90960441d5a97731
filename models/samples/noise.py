"""Random fields: clouds, asphalt grain, stains; the same for the same generator."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def octaves(rng: np.random.Generator, size: int, base: int, count: int, gain: float = 0.5) -> Field:
    """A square field (size, size) of `count` octaves, the coarsest with `base` cells a side; 0 to 1."""
    total = np.zeros((size, size), np.float32)
    weight, cells = 1.0, base
    for _ in range(count):
        coarse = rng.random((cells, cells), dtype=np.float32)
        total += weight * cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
        weight, cells = weight * gain, min(size, cells * 2)
    low, high = float(total.min()), float(total.max())
    return (total - low) / (high - low)


def sample(field: Field, x: Field, y: Field, period: float) -> Field:
    """The field at world places (h, w), repeated every `period` metres, mirrored at its edges."""
    last = np.float32(field.shape[0] - 1)
    u = np.abs((x / np.float32(period)) % 2 - 1) * last
    v = np.abs((y / np.float32(period)) % 2 - 1) * last
    return np.asarray(cv2.remap(field, u, v, cv2.INTER_LINEAR), np.float32)
