"""Pairs of small letters, one above the other, before or behind a serial ("CL" before 34230 in Oregon).

They belong to the official number but not to the row: a recognizer of rows takes them for one character.
Clear pairs are therefore read separately and painted over in the row.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from platestream.reading import serial_ends
from platestream.reading.geometry import CROP_HEIGHT, Image
from platestream.reading.glyphs import GreedyReading
from platestream.schemas import plates
from platestream.schemas.reading import PlateRead, Reading

ROOM = 3
"""Pixels around a letter, and around a pair that is painted over."""

LETTER = 0.9
"""Confidence of a small letter that was clear enough to be read."""


@dataclass(frozen=True)
class Pair:
    """A pair of small letters.

    Its position is in heights of its line from the line's left end; `whole` is the picture of both letters.
    """

    left: float
    right: float
    letters: tuple[Image, Image]
    whole: Image
    behind: bool


def pair_of(found: serial_ends.Pair, flat: Image, behind: bool, longer: float = 0.0) -> Pair:
    """Return a pair found in the crop of a line and its surroundings (`serial_ends.find_ends`).

    `longer` is the number of heights by which the line was extended on the left since.
    """
    start, end = (x / CROP_HEIGHT - serial_ends.BESIDE + longer for x in (found.left, found.right))
    upper, lower = found
    both = serial_ends.Piece(found.left, upper.top, found.right - found.left, lower.foot - upper.top)
    between = (upper.foot + lower.top) // 2
    letters = _alone(flat, upper, end=between), _alone(flat, lower, begin=between)
    return Pair(start, end, letters, _alone(flat, both), behind)


def letters(upper: GreedyReading, lower: GreedyReading, whole: GreedyReading, least: float) -> str:
    """Return the text of the two letters of a pair, or nothing if one has no more confidence than `least`.

    Also returns nothing if both together are rather one character of the serial, torn apart by the picture:
    two letters together are read as one of themselves, or with little confidence; a torn 3 as 3, and its
    halves as 2 and J.
    """
    text = upper.text + lower.text
    surely = min((*upper.confidences, *lower.confidences), default=0.0)
    if len(upper.text) != 1 or len(lower.text) != 1 or surely <= least:
        return ""
    torn = len(whole.text) == 1 and whole.text not in text and whole.confidences[0] >= surely
    return "" if torn else text


def _alone(flat: Image, piece: serial_ends.Piece, begin: int = 0, end: int = CROP_HEIGHT) -> Image:
    """Return a letter with its edge repeated around it, 48 pixels high.

    Nothing outside of the rows `begin` to `end` is included.
    """
    rows = slice(max(piece.top - ROOM, begin), min(piece.foot + ROOM, end))
    letter = flat[rows, max(piece.left - ROOM, 0) : piece.right + ROOM]
    scale = CROP_HEIGHT / (letter.shape[0] + 8)
    framed = cv2.copyMakeBorder(letter, 4, 4, 24, 24, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(framed, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)


def paint_over(crop: Image, pair: Pair, along: float, stretch: float) -> Image:
    """Return a crop of the line without the pair and the part beyond it.

    The crop has margins `along` at its ends (heights) and is stretched. No character is lost, because the
    pair is at the serial's end.
    """
    left, right = (round((x + along) * CROP_HEIGHT * stretch) for x in (pair.left, pair.right))
    left, right = max(left - ROOM, 0), min(right + ROOM, crop.shape[1])
    if right <= left:
        return crop
    out = crop.copy()
    beyond = slice(left, None) if pair.behind else slice(right)
    out[:, beyond] = np.median(crop[:, left:right].reshape(-1, 3), axis=0)
    return out


def official(read: PlateRead, stacked: tuple[str, str]) -> PlateRead:
    """Return a read of the full-size serial as one of the official number, including the small letters.

    Its confidence is lower accordingly. The serial alone is the next reading, because lists and labels may
    leave the small letters out.
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
