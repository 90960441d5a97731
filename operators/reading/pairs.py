"""Two small letters one above the other before or behind a serial ("CL" before 34230 in Oregon).

They are part of the official number, and no part of the row: a recogniser of rows takes them for one
character. So where they are clear they are read by themselves and painted over in the row.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from operators.reading import ends
from operators.reading.geometry import CROP_HEIGHT, Image
from schemas import plates
from schemas.reading import PlateRead, Reading

ROOM = 3
"""Pixels around a letter, and around a pair that is painted over."""

LETTER = 0.9
"""Certainty of a small letter that was clear enough to be read."""


@dataclass(frozen=True)
class Pair:
    """Where a pair stands, in heights of its line from the line's left end, and its two letters."""

    left: float
    right: float
    letters: tuple[Image, Image]
    behind: bool


def pair_of(found: ends.Pair, flat: Image, behind: bool, longer: float = 0.0) -> Pair:
    """A pair that was found in the crop of a line and what is beside it (`ends.ends_of`); `longer` tells by
    how many heights the line was made longer on the left since.
    """
    start, end = (x / CROP_HEIGHT - ends.BESIDE + longer for x in (found.left, found.right))
    return Pair(start, end, (_alone(flat, found.upper), _alone(flat, found.lower)), behind)


def _alone(flat: Image, piece: ends.Piece) -> Image:
    """A letter with its edge repeated around it, 48 pixels high."""
    rows = slice(max(piece.top - ROOM, 0), piece.foot + ROOM)
    letter = flat[rows, max(piece.left - ROOM, 0) : piece.right + ROOM]
    scale = CROP_HEIGHT / (letter.shape[0] + 8)
    framed = cv2.copyMakeBorder(letter, 4, 4, 24, 24, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(framed, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)


def painted_over(crop: Image, pair: Pair, along: float, stretch: float) -> Image:
    """A crop of the line, with margins `along` at its ends (heights) and stretched, without the pair."""
    left, right = (round((x + along) * CROP_HEIGHT * stretch) for x in (pair.left, pair.right))
    left, right = max(left - ROOM, 0), min(right + ROOM, crop.shape[1])
    if right <= left:
        return crop
    out = crop.copy()
    out[:, left:right] = np.median(crop[:, left:right].reshape(-1, 3), axis=0)
    return out


def official(read: PlateRead, stacked: tuple[str, str]) -> PlateRead:
    """A read of the serial in full-size characters as one of the official number, which has the small letters
    before and behind it, too, and is that much less sure. The serial alone is the next reading: lists and
    labels may leave them out.
    """
    before, behind = stacked
    whole = before + read.plate + behind
    if len(whole) > plates.LONGEST:
        return read
    confidence = read.confidence * LETTER ** len(before + behind)
    rest = max(0.0, 1.0 - confidence - sum(other.confidence for other in read.alternatives))
    alone = Reading(read.plate, min(rest, confidence))
    sure = (*(LETTER,) * len(before), *read.char_confidences, *(LETTER,) * len(behind))
    others = sorted((alone, *read.alternatives), key=lambda reading: -reading.confidence)
    return replace(
        read, plate=whole, confidence=confidence, alternatives=tuple(others), char_confidences=sure,
        stacked=stacked,
    )  # fmt: skip
