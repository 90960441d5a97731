"""Two small letters one above the other before or behind a serial ("CL" before 34230 in Oregon).

They are part of the official number, and no part of the row: a recogniser of rows takes them for one
character. So where they are clear they are read by themselves and painted over in the row.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from operators.reading import ends
from operators.reading.geometry import CROP_HEIGHT, Image
from operators.reading.glyphs import Decoded
from schemas import plates
from schemas.reading import PlateRead, Reading

ROOM = 3
"""Pixels around a letter, and around a pair that is painted over."""

LETTER = 0.9
"""Certainty of a small letter that was clear enough to be read."""


@dataclass(frozen=True)
class Pair:
    """Where a pair stands, in heights of its line from the line's left end, its two letters, and both of them
    in one picture.
    """

    left: float
    right: float
    letters: tuple[Image, Image]
    whole: Image
    behind: bool


def pair_of(found: ends.Pair, flat: Image, behind: bool, longer: float = 0.0) -> Pair:
    """A pair that was found in the crop of a line and what is beside it (`ends.ends_of`); `longer` tells by
    how many heights the line was made longer on the left since.
    """
    start, end = (x / CROP_HEIGHT - ends.BESIDE + longer for x in (found.left, found.right))
    upper, lower = found
    both = ends.Piece(found.left, upper.top, found.right - found.left, lower.foot - upper.top)
    between = (upper.foot + lower.top) // 2
    letters = _alone(flat, upper, end=between), _alone(flat, lower, begin=between)
    return Pair(start, end, letters, _alone(flat, both), behind)


def letters(upper: Decoded, lower: Decoded, whole: Decoded, least: float) -> str:
    """What the two letters of a pair say, each surer than `least`; nothing where one is not, and nothing
    where both together are rather one character of the serial whose halves the picture has torn apart.

    Together two letters are read as one of themselves, or as nothing sure; a torn 3 as 3, and its halves as
    2 and J.
    """
    said = upper.text + lower.text
    surely = min((*upper.sure, *lower.sure), default=0.0)
    if len(upper.text) != 1 or len(lower.text) != 1 or surely <= least:
        return ""
    torn = len(whole.text) == 1 and whole.text not in said and whole.sure[0] >= surely
    return "" if torn else said


def _alone(flat: Image, piece: ends.Piece, begin: int = 0, end: int = CROP_HEIGHT) -> Image:
    """A letter with its edge repeated around it, 48 pixels high, and nothing above or below those rows."""
    rows = slice(max(piece.top - ROOM, begin), min(piece.foot + ROOM, end))
    letter = flat[rows, max(piece.left - ROOM, 0) : piece.right + ROOM]
    scale = CROP_HEIGHT / (letter.shape[0] + 8)
    framed = cv2.copyMakeBorder(letter, 4, 4, 24, 24, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(framed, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)


def painted_over(crop: Image, pair: Pair, along: float, stretch: float) -> Image:
    """A crop of the line, with margins `along` at its ends (heights) and stretched, without the pair and what
    is beyond it: no character, since the pair stands at the serial's end.
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
