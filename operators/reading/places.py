"""A place in a picture where a line of text stands: its boxes, the crops made of it, and what they read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from operators.reading import glyphs, pairs
from operators.reading.ends import ends_of
from operators.reading.geometry import Image, Line, crop, same_text
from schemas.reading import PlateRead

Floats = npt.NDArray[np.float32]


class Cut(NamedTuple):
    """One way to cut a line out: margins in heights of the line, horizontal stretch, smoothing (pixels)."""

    along: float
    across: float
    stretch: float = 1.0
    smooth: float = 0.0
    fine: bool = True
    """As `geometry.crop` has it."""

    @property
    def wider(self) -> float:
        """How many times as wide its characters are as in an upright crop of the whole line."""
        return self.stretch / (1 + 2 * self.across)


# Smoothed and a third wider: narrow plate type, enlarged, is read best so.
FIRST = Cut(0.2, 0.0, 1.3, 1.2)
"""Text of any kind."""
WORDS = Cut(0.2, 0.0, 1.0, 1.2, fine=False)
"""Words beside a serial. Finer ones tell the state no more often."""
TIGHT = Cut(0.2, -0.1, 1.3, 1.2)
"""A serial. A detector's box takes in the edges of the words above it and of the frame below; without them
its characters are a quarter higher, and a W is told from an H. The same from 0.08 to 0.12."""
SECOND = Cut(0.2, 0.0, 1.0, 1.2)
"""A serial again, unless it was sure in the first: no crop is right alone. A third gave one plate of 893."""

REACH, MARGIN = 0.25, 0.1
"""Heights that a serial must go on beyond its box, for the box to be lengthened, and its margin then."""
FILLS = 0.5
"""Share of a picture's width from which on a line is that of a picture cut to a plate."""
AT_EDGE = 0.05
"""Heights between a line and the picture's edge at which the serial may go on beyond it."""
WIDER = 0.2
"""Heights by which one box must go on beyond another to be a wider one. The same from 0.1 to 0.35."""
LONGEST_ROW = 5
"""Characters in a row of a plate with two: motorcycles', and some states' and countries' for trucks."""


@dataclass(eq=False)
class Place:
    """One line of text under all its boxes, with every reading of it (steps x 37 tables)."""

    lines: list[Line]
    text: str
    tables: list[Floats] = field(default_factory=list)
    searched: bool = False
    """Whether its surroundings were searched for words."""
    found_beside: bool = False
    """Whether it is text beside a serial, in a picture in which serials were looked for: so it is none."""
    again: list["Place"] = field(default_factory=list)
    """The same line as the search around it framed and read it, as text of any kind."""
    small: list[pairs.Pair] = field(default_factory=list)
    """Small letters one above the other at the ends of the line `paired`, which may be no letters."""
    paired: Line | None = None
    official: tuple[str, str] = ("", "")
    """What they say, before and behind the serial."""
    rows: int = 1
    """In how many rows the serial stands; the line is around all of them."""
    judged: tuple[tuple[object, ...], PlateRead | None] | None = None
    """What told on it when it was last judged, and the verdict."""
    _read: int = 0

    def unread(self) -> list[Line]:
        """Its lines that were not handed out before: at most the two newest."""
        fresh, self._read = self.lines[self._read :][-2:], len(self.lines)
        return fresh

    def reach(self, image: Image) -> bool:
        """Makes a line that was not read yet as long as what stands beside it in its row, and finds the pairs
        at its ends; False where there is no such line.
        """
        if not self._read < len(self.lines) or self.rows > 1:
            return False
        ends = ends_of(image, self.line)
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
        """Of one row."""
        return median([line.height for line in self.lines]) / self.rows

    def join(self, other: Line) -> None:
        """Takes in another box of the same line. Where one goes on beyond the other at an end, the other
        ended inside the serial, and only the wider one counts.
        """
        longer, shorter = wider(self.line, other), wider(other, self.line)
        if longer and not shorter:
            self._only(other)
        elif longer == shorter:
            self.lines.append(other)

    def widen(self, found: Sequence[Line]) -> None:
        """Takes the line as it was found anew where that is wider."""
        for other in found:
            if same_text(self.line, other) and wider(self.line, other):
                self.join(other)

    def character_confidences(self, text: str) -> tuple[float, ...]:
        """For each character of the (folded) text the mean certainty with which the readings say it."""
        reads = [glyphs.greedy(table) for table in glyphs.tied(glyphs.stack(self.tables))]
        known = [read for read in reads if len(read.text) == len(text)]
        if not known:
            return (0.0,) * len(text)
        said = [[s if c == t else 0.0 for c, t, s in zip(r.text, text, r.sure, strict=True)] for r in known]
        return tuple(float(min(mean, 1.0)) for mean in np.mean(said, axis=0))


def in_rows(upper: Place, lower: Place) -> Place | None:
    """The serial that two places may be the rows of: one above the other, as wide, and of few characters."""
    over, under = upper.line, lower.line
    level = abs(under.centre[0] - over.centre[0]) < 0.25 * max(over.width, under.width)
    below = under.centre[1] > over.centre[1] and stacked(over, under)
    as_wide = 0.6 < under.width / over.width < 1.7
    lengths = [sum(c.isalnum() for c in place.text) for place in (upper, lower)]
    if not (level and below and as_wide and all(2 <= n <= LONGEST_ROW for n in lengths)):
        return None
    a, b, _, _ = over.corners
    _, _, c, d = under.corners
    return Place([Line(np.array((a, b, c, d), np.float32))], upper.text + lower.text, rows=2, _read=1)


def one_row(upper: Floats, lower: Floats) -> Floats:
    """Two rows' tables (steps x 37) as one of a serial in one row, with a gap between."""
    gap = np.zeros((1, upper.shape[1]), np.float32)
    gap[0, 0] = 1.0
    return np.concatenate((upper, gap, lower))


def cut(image: Image, line: Line, how: Cut) -> Image:
    """The crop of a line that a `Cut` describes, 48 pixels high."""
    flat = crop(image, line.grown(how.across, how.along), how.stretch, how.fine)
    if not how.smooth:
        return flat
    return np.asarray(cv2.GaussianBlur(flat, (0, 0), how.smooth), np.uint8)


def lines_of(quads: Sequence[Floats]) -> list[Line]:
    """Lines big enough to be read at all."""
    return [line for quad in quads if (line := Line(quad)).height >= 5 and line.width >= 8]


def distinct(found: Sequence[Line], known: Sequence[Line]) -> list[Line]:
    """The lines that are not, to an eighth of their height, the box of one already there."""
    out: list[Line] = []
    for line in found:
        near = 0.12 * line.height + 1
        if not any(np.abs(line.corners - k.corners).max() < near for k in (*known, *out)):
            out.append(line)
    return out


def beside(serial: Line, other: Line) -> bool:
    """Whether another line lies on the same plate as the serial: within about its height above or below."""
    (x, y), (ox, oy) = serial.centre, other.centre
    near = 0.4 * serial.height < abs(oy - y) < 1.8 * serial.height
    return near and abs(ox - x) < 0.7 * serial.width


def stacked(serial: Line, other: Line) -> bool:
    """Whether another line stands right above or below, about as high as the serial: so stand the lines of a
    sign or of a timestamp. What a plate says beside its serial is half as high or less.
    """
    (x, y), (ox, oy) = serial.centre, other.centre
    like = 0.7 < other.height / serial.height < 1.4 and other.width > 0.4 * serial.width
    return like and 0.5 < abs(oy - y) / serial.height < 1.35 and abs(ox - x) < 0.8 * serial.width


def wider(line: Line, other: Line) -> bool:
    """Whether another box of the same line goes on beyond it at an end, by more than boxes differ."""
    more = WIDER * line.height
    return line.span[0] - other.span[0] > more or other.span[2] - line.span[2] > more


def cut_off(line: Line, shape: tuple[int, ...]) -> bool:
    """Whether a line ends at the left or right edge of a picture of `shape` (height, width, …) that shows
    more than the plate.
    """
    left, _, right, _ = line.span
    near = AT_EDGE * line.height
    return line.width < FILLS * shape[1] and (left < near or right > shape[1] - near)
