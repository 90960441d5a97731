"""Angle at which a camera sees a plate, from the letters of its serial.

The tilt is measured: the slope of the line through the middles of the letters. The view from the side or from
above is only estimated, by the spacing of the letters against their height, which differs between plates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from platestream.schemas.fields import Box

Pixels = npt.NDArray[np.uint8]
HEIGHT = 96
"""Pixels to which the part with the serial is scaled."""
LEAST_LETTERS = 4
ALIKE = 0.25
"""Most difference of a letter's height from the usual one."""
BESIDE = 0.15
"""Most distance of a letter's middle from the line, in heights."""
SPACING = 0.5
"""Usual spacing of letters by their height from the front; 0.46 to 0.57 of drawn US plates."""


@dataclass(frozen=True)
class PlateAngle:
    """Tilt in degrees, clockwise, and the estimated degrees from the side; 0 where none shows."""

    tilt: float
    side: float


def measure_angle(picture: Pixels, serial: Box) -> PlateAngle | None:
    """Return the angle of a serial in a picture (height x width x 3, BGR); None where its letters are not
    apart.
    """
    margin = max(2, serial.height // 8)
    top, left = max(0, serial.y - margin), max(0, serial.x - margin)
    part = picture[top : serial.y + serial.height + margin, left : serial.x + serial.width + margin]
    if min(part.shape[:2]) < 8:
        return None
    scale = HEIGHT / part.shape[0]
    gray = cv2.cvtColor(
        cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), cv2.COLOR_BGR2GRAY
    )
    rows = max((_letters(np.asarray(one, np.uint8)) for one in (gray, 255 - gray)), key=len)
    if len(rows) < LEAST_LETTERS:
        return None
    middles = _middles(rows)
    across, down, x, y = cv2.fitLine(middles, cv2.DIST_HUBER, 0, 0.01, 0.01).ravel()
    off = np.abs((middles - (x, y)) @ (-down, across))  # a sticker or a symbol is beside the line
    rows = [one for one, far in zip(rows, off, strict=True) if far <= BESIDE * one[3]]
    if len(rows) < LEAST_LETTERS:
        return None
    middles = _middles(rows)
    across, down, _x, _y = cv2.fitLine(middles, cv2.DIST_HUBER, 0, 0.01, 0.01).ravel()
    tilt = (float(np.degrees(np.arctan2(down, across))) + 90) % 180 - 90
    along = np.sort(middles @ np.array([across, down], np.float32) * np.sign(across or 1))
    steps = [after - before for before, after in pairwise(along)]
    # A tilted letter is higher by a part of its width.
    wide, high = (float(np.median([one[place] for one in rows])) for place in (2, 3))
    straight = (high - wide * abs(np.sin(np.radians(tilt)))) / max(0.5, np.cos(np.radians(tilt)))
    ratio = float(np.median(steps)) / max(straight, 1.0) / SPACING
    return PlateAngle(tilt, float(np.degrees(np.arccos(min(1.0, ratio)))))


def _middles(rows: Sequence[tuple[int, int, int, int]]) -> npt.NDArray[np.float32]:
    return np.array([(x + wide / 2, y + high / 2) for x, y, wide, high in rows], np.float32)


def _letters(gray: Pixels) -> Sequence[tuple[int, int, int, int]]:
    """Return the boxes of dark parts that are alike in height, as letters are, from left to right."""
    _level, dark = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    _count, _labels, stats, _middles = cv2.connectedComponentsWithStats(dark, connectivity=8)
    found = [(int(x), int(y), int(w), int(h)) for x, y, w, h, _area in stats[1:]]
    shaped = [one for one in found if one[3] >= HEIGHT / 5 and 0.1 * one[3] <= one[2] <= 1.2 * one[3]]
    if not shaped:
        return []
    usual = float(np.median([one[3] for one in shaped]))
    return sorted(one for one in shaped if abs(one[3] - usual) <= ALIKE * usual)
