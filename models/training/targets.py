"""Targets of the detector for a drawn scene."""

import cv2
import numpy as np

from models.training.scenes import SIDE, Scene
from platestream.reading.geometry import Floats, Image, Line
from platestream.reading.ocr import UNCLIP

SERIAL, EITHER = 1, 2
ACROSS, ALONG = 0.1, 0.15
"""Of a serial's height: what a box grown by `UNCLIP` has above and below it, and at its ends."""


def target(scene: Scene) -> Image:
    """SIDE x SIDE: SERIAL in a serial's inner part, EITHER where any answer is right, else 0."""
    out = np.zeros((SIDE, SIDE), np.uint8)
    for corners in scene.either:
        cv2.fillPoly(out, [corners.astype(np.int32)], (EITHER,))
    for corners in scene.serials:
        cv2.fillPoly(out, [np.round(inner(corners) * 16).astype(np.int32)], (SERIAL,), cv2.LINE_8, 4)
    return out


def inner(serial: Floats) -> Floats:
    """The part of a serial (4 corners) that, grown by `UNCLIP` times its area by its circumference, is the
    serial with its margins.

    In heights of the serial, with w and h of the box and `off` cut from each side of it, `off` is the lesser
    root of off = UNCLIP (w - 2 off)(h - 2 off) / (2 (w + h - 4 off)).
    """
    line = Line(serial)
    wide, high = line.width / max(line.height, 1.0) + 2 * ALONG, 1 + 2 * ACROSS
    square, linear = 4 * UNCLIP + 8, 2 * (UNCLIP + 1) * (wide + high)
    root = float(np.sqrt(max(linear * linear - 4 * square * UNCLIP * wide * high, 0.0)))
    off = (linear - root) / (2 * square)
    return line.grown(ACROSS - off, ALONG - off).corners
