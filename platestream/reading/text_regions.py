"""Place of a line of text in a picture: its boxes, their crops, and their readings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from platestream.reading import glyphs, pairs
from platestream.reading.geometry import Image, Line, crop, same_text
from platestream.reading.serial_ends import find_ends
from platestream.schemas.reading import PlateRead

Floats = npt.NDArray[np.float32]


class Cut(NamedTuple):
    """Parameters of a crop: margins in heights of the line, horizontal stretch, smoothing (pixels)."""

    along: float
    across: float
    stretch: float = 1.0
    smooth: float = 0.0
    fine: bool = True
    """The same limit as in `geometry.crop`."""

    @property
    def wider(self) -> float:
        """The width of its characters relative to an upright crop of the whole line."""
        return self.stretch / (1 + 2 * self.across)


# Smoothed and a third wider, because enlarged narrow plate type is read best this way.
FIRST = Cut(0.2, 0.0, 1.3, 1.2)
"""Text of any kind."""
WORDS = Cut(0.2, 0.0, 1.0, 1.2, fine=False)
"""Words beside a serial. Finer crops do not identify the state more often."""
TIGHT = Cut(0.2, -0.1, 1.3, 1.2)
"""A serial. A detector's box takes in the edges of the words above it and of the frame below; without them
its characters are a quarter higher, and a W is distinguished from an H. The same from 0.08 to 0.12."""
SECOND = Cut(0.2, 0.0, 1.0, 1.2)
"""A second crop of a serial without enough confidence in the first. A third gave one plate of 893."""

REACH, MARGIN = 0.25, 0.1
"""Least extension of a serial beyond its box for which the box is extended, and its margin, in heights."""
FILLS = 0.5
"""Share of a picture's width from which a line belongs to a picture cut to a plate."""
AT_EDGE = 0.05
"""Distance of a line from the picture's edge, in heights, below which the serial may extend beyond it."""
WIDER = 0.2
"""Least extension of a wider box beyond another, in heights. Results are the same from 0.1 to 0.35."""
LONGEST_ROW = 5
"""Characters in a row of a plate with two: motorcycles', and some states' and countries' for trucks."""


@dataclass(eq=False)
class Place:
    """One line of text in all its boxes, with every reading of it (steps x 37 tables)."""

    lines: list[Line]
    text: str
    tables: list[Floats] = field(default_factory=list)
    searched: bool = False
    """True if its surroundings were searched for words."""
    found_beside: bool = False
    """True for text beside a serial in a search for serials, which is no serial then."""
    again: list["Place"] = field(default_factory=list)
    """The same line as the search around it framed and read it, as text of any kind."""
    small: list[pairs.Pair] = field(default_factory=list)
    """Small letters one above the other at the ends of the line `paired`, which may be no letters."""
    paired: Line | None = None
    official: tuple[str, str] = ("", "")
    """Their text before and behind the serial."""
    rows: int = 1
    """Number of rows of the serial; the line encloses all of them."""
    judged: tuple[tuple[object, ...], PlateRead | None] | None = None
    """Evidence at its last evaluation, and the result."""
    _read: int = 0

    def unread(self) -> list[Line]:
        """Return its new lines since the last call: at most the two newest."""
        fresh, self._read = self.lines[self._read :][-2:], len(self.lines)
        return fresh

    def reach(self, image: Image) -> bool:
        """Extend a line that was not read yet by the characters beside it, and find the pairs at its ends.

        Returns False if there is no such line.
        """
        if not self._read < len(self.lines) or self.rows > 1:
            return False
        ends = find_ends(image, self.line)
        before, behind = (more + MARGIN if more > REACH else 0.0 for more in (ends.before, ends.behind))
        if before or behind:
            self._only(self.line.shifted(-before, 1 + behind, 0.0, 1.0))
        if ends.flat is not None:
            middle, self.paired = ends.flat.shape[1] / 2, self.line
            self.small = [pairs.pair_of(p, ends.flat, p.left > middle, before) for p in ends.pairs]
        return True

    def _only(self, line: Line) -> None:
        self.lines, self.tables, self._read = [line], [], 0

    @property
    def line(self) -> Line:
        return max(self.lines, key=lambda line: line.width)

    @property
    def height(self) -> float:
        """The height of one row."""
        return median([line.height for line in self.lines]) / self.rows

    def join(self, other: Line) -> None:
        """Add another box of the same line.

        If one extends beyond the other at an end, the other ended inside the serial, and only the wider one
        counts.
        """
        longer, shorter = is_wider(self.line, other), is_wider(other, self.line)
        if longer and not shorter:
            self._only(other)
        elif longer == shorter:
            self.lines.append(other)

    def widen(self, found: Sequence[Line]) -> None:
        """Use the line as it was found again if it is wider."""
        for other in found:
            if same_text(self.line, other) and is_wider(self.line, other):
                self.join(other)

    def character_confidences(self, text: str) -> tuple[float, ...]:
        """Return the mean confidence of the readings in each character of the (folded) text."""
        reads = [glyphs.greedy(table) for table in glyphs.tie_look_alikes(glyphs.stack(self.tables))]
        known = [read for read in reads if len(read.text) == len(text)]
        if not known:
            return (0.0,) * len(text)
        confidences = [
            [s if c == t else 0.0 for c, t, s in zip(r.text, text, r.confidences, strict=True)] for r in known
        ]
        return tuple(float(min(mean, 1.0)) for mean in np.mean(confidences, axis=0))


def join_rows(upper: Place, lower: Place) -> Place | None:
    """Return the serial of which two places may be the rows: one above the other, equally wide, and short."""
    over, under = upper.line, lower.line
    level = abs(under.centre[0] - over.centre[0]) < 0.25 * max(over.width, under.width)
    below = under.centre[1] > over.centre[1] and is_stacked(over, under)
    as_wide = 0.6 < under.width / over.width < 1.7
    lengths = [sum(c.isalnum() for c in place.text) for place in (upper, lower)]
    if not (level and below and as_wide and all(2 <= n <= LONGEST_ROW for n in lengths)):
        return None
    a, b, _, _ = over.corners
    _, _, c, d = under.corners
    return Place([Line(np.array((a, b, c, d), np.float32))], upper.text + lower.text, rows=2, _read=1)


def join_tables(upper: Floats, lower: Floats) -> Floats:
    """Return two rows' tables (steps x 37) as one of a serial in one row, with a gap between."""
    gap = np.zeros((1, upper.shape[1]), np.float32)
    gap[0, 0] = 1.0
    return np.concatenate((upper, gap, lower))


def crop_line(image: Image, line: Line, how: Cut) -> Image:
    """Return the crop of a line that a `Cut` describes, 48 pixels high."""
    flat = crop(image, line.grown(how.across, how.along), how.stretch, how.fine)
    if not how.smooth:
        return flat
    return np.asarray(cv2.GaussianBlur(flat, (0, 0), how.smooth), np.uint8)


def lines_of(quads: Sequence[Floats]) -> list[Line]:
    """Return the lines that are large enough to be read."""
    return [line for quad in quads if (line := Line(quad)).height >= 5 and line.width >= 8]


def new_lines(found: Sequence[Line], known: Sequence[Line]) -> list[Line]:
    """Return the lines that differ by more than an eighth of their height from the boxes already known."""
    out: list[Line] = []
    for line in found:
        near = 0.12 * line.height + 1
        if not any(np.abs(line.corners - k.corners).max() < near for k in (*known, *out)):
            out.append(line)
    return out


def is_beside(serial: Line, other: Line) -> bool:
    """Return whether another line is on the serial's plate: within about its height above or below."""
    (x, y), (ox, oy) = serial.centre, other.centre
    near = 0.4 * serial.height < abs(oy - y) < 1.8 * serial.height
    return near and abs(ox - x) < 0.7 * serial.width


def is_stacked(serial: Line, other: Line) -> bool:
    """Return whether another line is directly above or below, about as high as the serial, as on signs.

    Lines of a timestamp are, too. Text beside the serial on a plate is half as high or less.
    """
    (x, y), (ox, oy) = serial.centre, other.centre
    like = 0.7 < other.height / serial.height < 1.4 and other.width > 0.4 * serial.width
    return like and 0.5 < abs(oy - y) / serial.height < 1.35 and abs(ox - x) < 0.8 * serial.width


def is_wider(line: Line, other: Line) -> bool:
    """Return whether another box of the same line extends beyond it at an end by more than boxes vary."""
    more = WIDER * line.height
    return line.span[0] - other.span[0] > more or other.span[2] - line.span[2] > more


def is_cut_off(line: Line, shape: tuple[int, ...]) -> bool:
    """Return whether a line ends at the left or right edge of a picture that shows more than the plate.

    `shape` is the picture's (height, width, …).
    """
    left, _, right, _ = line.span
    near = AT_EDGE * line.height
    return line.width < FILLS * shape[1] and (left < near or right > shape[1] - near)
