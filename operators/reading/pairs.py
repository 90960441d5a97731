"""Two small letters one above the other in front of a serial ("CL" before 34230 in Oregon).

They are part of the official number, and no part of the row: a recogniser of rows takes them for one
character. So they are found by what no character has, an empty stripe across its middle, taken out of the row
and read by themselves.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from operators.reading.geometry import CROP_HEIGHT, Image
from operators.reading.glyphs import Decoded, Floats

STEP = 8
"""Pixels of a crop 48 high for one step of the recogniser."""
EMPTY, INK = 0.03, 0.1
"""Share of a stripe that may be ink in the middle, and must be above and below."""
_TEXT, _MIDDLE = slice(8, 40), slice(10, 22)
"""Where a crop's text is, and of that the middle; rows."""


class Pair(NamedTuple):
    """Where a pair stands in a crop, columns of pixels, and whether it was read as the first character."""

    left: int
    right: int
    read: bool


def pair_before(crop: Image, read: Decoded) -> Pair | None:
    """The pair before the row, None where none is."""
    if len(read.steps) < 4:
        return None
    at = STEP * (np.asarray(read.steps) + 0.5)
    pitch = float(np.median(np.diff(at)))
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)[_TEXT]
    row = grey[:, round(at[1] - 0.5 * pitch) : round(at[-1] + 0.5 * pitch)]
    level, _ = cv2.threshold(row, 0, 255, cv2.THRESH_OTSU)
    dark = bool((row <= level).mean() < 0.5)
    ink = (grey <= level) == dark
    for start, end, is_read in ((-0.5, 0.4, True), (-1.5, -0.55, False)):
        left, right = max(0, round(at[0] + start * pitch)), round(at[0] + end * pitch)
        if right > left and _is_pair(ink[:, left:right].mean(axis=1)):
            return Pair(left, right, is_read)
    return None


def _is_pair(ink: npt.NDArray[np.float64]) -> bool:
    """Whether there is ink above and below and none between; `ink` is its share in each row of pixels."""
    above, below = ink[: _MIDDLE.start].max(), ink[_MIDDLE.stop :].max()
    return bool(ink[_MIDDLE].min() < EMPTY and min(above, below) > INK)


def without_pair(table: Floats, read: Decoded) -> Floats:
    """The steps x 37 table with nothing in the place of the first character."""
    out = table.copy()
    out[: (read.steps[0] + read.steps[1] + 1) // 2] = 0.0
    out[: (read.steps[0] + read.steps[1] + 1) // 2, 0] = 1.0
    return out


def halves(crop: Image, pair: Pair) -> list[Image]:
    """The upper and the lower letter of a pair, each as a crop of its own."""
    middle = CROP_HEIGHT // 2
    return [
        _alone(crop[rows, pair.left : pair.right]) for rows in (slice(4, middle + 2), slice(middle - 2, 44))
    ]


def _alone(letter: Image) -> Image:
    """A letter with its edge repeated around it, 48 pixels high."""
    scale = CROP_HEIGHT / (letter.shape[0] + 8)
    framed = cv2.copyMakeBorder(letter, 4, 4, 24, 24, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(framed, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
