"""Random fields: clouds, asphalt grain, stains. All take their generator and are the same for the same seed."""

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


def sample(field: Field, x: NDArray[np.float64], y: NDArray[np.float64], period: float) -> Field:
    """The field at world places (any shape), repeated every `period` metres, mirrored at its edges."""
    size = field.shape[0]
    u = np.abs((x / period) % 2 - 1) * (size - 1)
    v = np.abs((y / period) % 2 - 1) * (size - 1)
    shape = u.shape
    flat = cv2.remap(field, u.reshape(shape[0], -1).astype(np.float32), v.reshape(shape[0], -1).astype(np.float32),
                     cv2.INTER_LINEAR)  # fmt: skip
    return np.asarray(flat, np.float32).reshape(shape)
