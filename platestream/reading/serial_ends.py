"""Ends of a serial's row: further characters, or pairs of small letters one above the other.

A box that ends inside a serial, or before a gap in it, gives a reading whose characters are all confident,
and which is still wrong. The picture on both sides of the box is therefore examined, too. A piece with the
ink of the serial, as high as its characters and no wider, is another character; two pieces half as high, one
above the other, are a pair (`platestream.reading.pairs`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from platestream.reading.geometry import CROP_HEIGHT, Image, Line, crop

BESIDE = 1.3
"""Width of the search beyond each end, in heights of the line."""
AS_HIGH, AS_WIDE = (0.75, 1.2), (0.1, 0.95)
"""Height and width of a character relative to the serial's height."""
LEVEL = 0.14
"""Tolerance of a character's top and foot, relative to the serial's height."""
HALF = (0.28, 0.58)
"""Height of a small letter relative to the serial's."""
LEAST_GAP, CLEAR_GAP, WIDEST_GAP = 0.02, 0.06, 0.45
"""Gap between the letters of a pair, relative to the serial's height."""
NARROWER = 0.85
"""Width of a pair without a clear gap by that of the serial's characters: halves of a broken 8 are wider."""


class Piece(NamedTuple):
    """A connected component of ink, in pixels of the crop."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def foot(self) -> int:
        return self.top + self.height

    @property
    def middle(self) -> float:
        return self.left + self.width / 2


class Pair(NamedTuple):
    """The upper and the lower of two small letters."""

    upper: Piece
    lower: Piece

    @property
    def left(self) -> int:
        return min(self.upper.left, self.lower.left)

    @property
    def right(self) -> int:
        return max(self.upper.right, self.lower.right)


@dataclass(frozen=True)
class SerialEnds:
    """Extension of a serial, and the pairs at its ends.

    `before` and `behind` are in heights of the line, 0 if there is none; `flat` is the crop with the pairs,
    which begins `BESIDE` heights before the line.
    """

    before: float = 0.0
    behind: float = 0.0
    pairs: Sequence[Pair] = ()
    flat: Image | None = None


def find_ends(image: Image, line: Line) -> SerialEnds:
    """Return the parts beside a line that look like more of its serial, or like a pair."""
    flat, edge = crop(image, line.grown(0.0, BESIDE)), round(BESIDE * CROP_HEIGHT)
    pieces = _pieces(flat, edge)
    row = _row([p for p in pieces if edge <= p.middle <= flat.shape[1] - edge])
    if row is None:
        return SerialEnds()
    full = [p for p in pieces if _is_character(p, *row)]
    before = [(edge - p.left) / CROP_HEIGHT for p in full if p.left > 0 and p.middle < edge]
    end = flat.shape[1] - edge
    behind = [(p.right - end) / CROP_HEIGHT for p in full if p.right < flat.shape[1] and p.middle > end]
    return SerialEnds(max(before, default=0.0), max(behind, default=0.0), _pairs(pieces, full, *row), flat)


def _pieces(flat: Image, edge: int) -> list[Piece]:
    """Return all connected ink like the serial's characters that ends within the line.

    It is as dark, or as bright. Pieces that continue above and below are a frame's side or the ground.
    """
    grey = cv2.cvtColor(flat, cv2.COLOR_BGR2GRAY)
    middle = grey[8:40, edge:-edge]
    level, _ = cv2.threshold(middle, 0, 255, cv2.THRESH_OTSU)
    dark = bool((middle <= level).mean() < 0.5)
    ink = ((grey <= level) == dark).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    pieces = [Piece(*map(int, stat[:4])) for stat in stats[1:]]
    return [piece for piece in pieces if piece.height < CROP_HEIGHT]


def _row(pieces: Sequence[Piece]) -> tuple[int, int] | None:
    """Return top and foot of the serial: the median of its characters'."""
    high = [(p.top, p.foot) for p in pieces if p.height > 0.4 * CROP_HEIGHT and p.width < CROP_HEIGHT]
    if len(high) < 2:
        return None
    top, foot = np.median(np.array(high), axis=0)
    return int(top), int(foot)


def _is_character(piece: Piece, top: int, foot: int) -> bool:
    tall = foot - top
    return (
        AS_HIGH[0] < piece.height / tall < AS_HIGH[1]
        and AS_WIDE[0] < piece.width / tall < AS_WIDE[1]
        and abs(piece.top - top) < LEVEL * tall + 1
        and abs(piece.foot - foot) < LEVEL * tall + 1
    )


def _pairs(pieces: Sequence[Piece], full: Sequence[Piece], top: int, foot: int) -> list[Pair]:
    """Return at most one pair before the serial and one behind it: the nearest."""
    if len(full) < 2:
        return []
    tall, first, last = foot - top, min(p.left for p in full), max(p.right for p in full)
    narrow = NARROWER * float(np.median([p.width for p in full]))
    small = [p for p in pieces if HALF[0] < p.height / tall < HALF[1] and 0.1 < p.width / tall < 0.6]
    found = [
        Pair(a, b) for a in small for b in small
        if _is_above(a, b, top, foot)
        and (b.top - a.foot >= CLEAR_GAP * tall or max(a.width, b.width) < narrow)
    ]  # fmt: skip
    before = [pair for pair in found if pair.right < first + 0.05 * tall]
    behind = [pair for pair in found if pair.left > last - 0.05 * tall]
    return [*sorted(before, key=lambda p: -p.right)[:1], *sorted(behind, key=lambda p: p.left)[:1]]


def _is_above(a: Piece, b: Piece, top: int, foot: int) -> bool:
    """Return whether two small letters are one above the other, from the serial's top to its foot."""
    tall = foot - top
    return (
        abs(a.middle - b.middle) < 0.2 * tall
        and abs(a.top - top) < 0.22 * tall
        and abs(b.foot - foot) < 0.22 * tall
        and LEAST_GAP * tall <= b.top - a.foot < WIDEST_GAP * tall
    )
