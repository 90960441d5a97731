"""Two small letters one above the other in front of a serial ("CL" before 34230 in Oregon).

They are part of the official number, and no part of the row: a recogniser of rows takes them for one
character. So they are found by what no character has, an empty stripe across its middle, taken out of the row
and read by themselves.
"""

import cv2
import numpy as np

from operators.reading.geometry import CROP_HEIGHT, Image
from operators.reading.glyphs import Decoded, Floats

STEP = 8
"""Pixels of a crop 48 high for one step of the recogniser."""
EMPTY, INK = 0.03, 0.1
"""Share of a stripe that may be ink in the middle, and must be above and below."""
_TEXT, _MIDDLE = slice(8, 40), slice(10, 22)
"""Where a crop's text is, and of that the middle; rows."""


def pair_before(crop: Image, read: Decoded) -> tuple[int, int] | None:
    """The columns (pixels of the crop) of a pair that was read as the first character, None where none is."""
    if len(read.steps) < 4:
        return None
    at = STEP * (np.asarray(read.steps) + 0.5)
    pitch = float(np.median(np.diff(at)))
    left, right = max(0, round(at[0] - 0.5 * pitch)), round(at[0] + 0.4 * pitch)
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)[_TEXT]
    row = grey[:, round(at[1] - 0.5 * pitch) : round(at[-1] + 0.5 * pitch)]
    level, _ = cv2.threshold(row, 0, 255, cv2.THRESH_OTSU)
    dark = bool((row <= level).mean() < 0.5)
    ink = ((grey <= level) == dark)[:, left:right].mean(axis=1)
    above, below = ink[: _MIDDLE.start].max(), ink[_MIDDLE.stop :].max()
    found = ink[_MIDDLE].min() < EMPTY and min(above, below) > INK
    return (left, right) if found else None


def without_pair(table: Floats, read: Decoded) -> Floats:
    """The steps x 37 table with nothing in the place of the first character."""
    out = table.copy()
    out[: (read.steps[0] + read.steps[1] + 1) // 2] = 0.0
    out[: (read.steps[0] + read.steps[1] + 1) // 2, 0] = 1.0
    return out


def halves(crop: Image, columns: tuple[int, int]) -> list[Image]:
    """The upper and the lower letter of a pair, each as a crop of its own."""
    left, right = columns
    middle = CROP_HEIGHT // 2
    return [_alone(crop[rows, left:right]) for rows in (slice(4, middle + 2), slice(middle - 2, 44))]


def _alone(letter: Image) -> Image:
    """A letter with its edge repeated around it, 48 pixels high."""
    scale = CROP_HEIGHT / (letter.shape[0] + 8)
    framed = cv2.copyMakeBorder(letter, 4, 4, 24, 24, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(framed, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
