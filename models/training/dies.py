"""Letters as a state's press makes them: strokes of one width, whose forms differ from state to state.

No free font is a US die. What the fonts lack most is what small pictures confuse: a W with upright legs and a
low middle, an O as square as a D, an I with bars, a 4 that is open. Each die here is drawn from its number.
"""

import random
from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from models.training.paint import WHITE, Mask, blank

PREFIX = "die "
"""What the names of dies begin with, which are used as a font's file is."""
DIES = 400
HEIGHT = 96
"""Pixels of a character's strokes, from middle to middle."""
ROUNDING = 6
"""Points that a rounded corner is drawn with."""

Point = tuple[float, float] | tuple[float, float, float]
"""Across and down, each a share of the character's box; a third number rounds the corner by that share of the
die's own rounding.
"""
Stroke = Sequence[Point]
Points = npt.NDArray[np.float64]


@lru_cache
def dies() -> tuple[str, ...]:
    return tuple(f"{PREFIX}{number}" for number in range(DIES))


def pressed(die: str, character: str) -> Mask:
    """One of A-Z, 0-9 as this die has it, cut to its ink."""
    own = random.Random(die)
    form = _Form(own)
    strokes = FIXED.get(character) or FORMED[character](form)
    mine = random.Random(die + character)
    width = HEIGHT * form.aspect * (form.wide if character in "MW" else 1)
    pad = HEIGHT // 3
    canvas = blank(HEIGHT + 2 * pad, int(width) + 2 * pad)
    thickness = max(5, round(form.stroke * HEIGHT))
    brush = thickness // 2 if form.square else 0
    for stroke in strokes:
        moved = [(p[0] + mine.gauss(0, 0.012), p[1] + mine.gauss(0, 0.008), *p[2:]) for p in stroke]
        line = _rounded(moved, form.rounding) * (width, HEIGHT) + pad
        points = [np.round(line * 8).astype(np.int32)]
        cv2.polylines(canvas, points, False, WHITE, max(1, thickness - brush), cv2.LINE_AA, shift=3)
    if brush:  # a square brush leaves the strokes' ends square
        canvas = np.asarray(cv2.dilate(canvas, np.ones((brush, brush), np.uint8)), np.uint8)
    rows, columns = np.flatnonzero(canvas.max(axis=1)), np.flatnonzero(canvas.max(axis=0))
    return np.ascontiguousarray(canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


class _Form:
    """Features that all characters of a die share, and its choice among several forms of some."""

    def __init__(self, dice: random.Random) -> None:
        self.stroke = dice.uniform(0.09, 0.17)
        self.aspect = dice.uniform(0.36, 0.6)
        self.wide = dice.uniform(1.0, 1.4)
        self.square = dice.random() < 0.4
        self.rounding = dice.choice((dice.uniform(0.12, 0.3), dice.uniform(0.3, 0.5)))
        """Share of the character's width; half of it makes its ends half circles."""
        self.waist = dice.uniform(0.42, 0.54)
        self.open = dice.uniform(0.2, 0.36)
        """How far down the ends of C, G, S and others reach."""
        self.low = dice.choice((0.0, dice.uniform(0.1, 0.4), dice.uniform(0.4, 0.75)))
        """How far down the middle of a W begins."""
        self.upright = dice.choice((0.0, dice.uniform(0.0, 0.12), dice.uniform(0.12, 0.25)))
        """How far in the feet of a W are: 0 are upright legs."""
        self.dip = dice.choice((1.0, dice.uniform(0.7, 1), dice.uniform(0.35, 0.7)))
        """How far down the middle of an M reaches."""
        self.bars = dice.random() < 0.5
        """Whether I has bars above and below it, and J one above."""
        self.one = dice.choice(("stem", "flag", "foot"))
        self.four_open = dice.random() < 0.12
        self.three_flat = dice.random() < 0.2
        self.blunt = dice.choice((0.0, 0.0, dice.uniform(0.08, 0.2)))
        """Half the width of the flat point of A and V."""
        self.six_bent = dice.random() < 0.3
        self.bar = dice.uniform(0.6, 0.76)
        """How far down the bars of 4 and A are."""


def _rounded(stroke: Sequence[tuple[float, ...]], rounding: float) -> Points:
    """The stroke's points, with those that are to be round replaced by a curve; shares of the box."""
    points: list[Points] = []
    for i, corner in enumerate(stroke):
        here = np.array(corner[:2])
        share = corner[2] if len(corner) > 2 else 0.0
        if not share or i in (0, len(stroke) - 1):
            points.append(here)
            continue
        before, after = np.array(stroke[i - 1][:2]), np.array(stroke[i + 1][:2])
        start, end = (here + _part(here, other, rounding * share) for other in (before, after))
        points.extend(
            (1 - step) ** 2 * start + 2 * step * (1 - step) * here + step**2 * end
            for step in np.linspace(0, 1, ROUNDING)
        )
    return np.array(points)


def _part(here: Points, other: Points, rounding: float) -> Points:
    """From a corner towards its neighbour as far as the rounding goes: at most half of the way."""
    way = other - here
    return way * min(0.5, rounding / max(1e-6, float(abs(way).max())))


def _ring(top: float, foot: float) -> Stroke:
    middle = (top + foot) / 2
    return [(0, middle), (0, top, 1), (1, top, 1), (1, foot, 1), (0, foot, 1), (0, middle)]


def _one(form: _Form) -> Sequence[Stroke]:
    if form.one == "stem":
        return [[(0.5, 0), (0.5, 1)]]
    flag = [(0.18, 0.22), (0.5, 0), (0.5, 1)]
    return [flag, [(0.15, 1), (0.85, 1)]] if form.one == "foot" else [flag]


def _three(form: _Form) -> Sequence[Stroke]:
    if form.three_flat:
        return [[(0, 0), (1, 0), (0.4, 0.4), (1, 0.42, 1), (1, 1, 1), (0, 1, 1), (0, 1 - form.open)]]
    return [
        [(0, form.open), (0, 0, 1), (0.96, 0, 1), (0.96, form.waist, 1), (0.3, form.waist)],
        [(0.3, form.waist), (1, form.waist, 1), (1, 1, 1), (0, 1, 1), (0, 1 - form.open)],
    ]


def _four(form: _Form) -> Sequence[Stroke]:
    if form.four_open:
        return [[(0.1, 0), (0, form.bar), (1, form.bar)], [(0.72, 0.35), (0.72, 1)]]
    return [[(1, form.bar), (0, form.bar), (0.68, 0), (0.74, 0), (0.74, 1)]]


def _six(form: _Form) -> Sequence[Stroke]:
    if form.six_bent:
        return [[(0.75, 0), (0, 0.58)], _ring(form.waist - 0.05, 1)]
    return [[(1, form.open), (1, 0, 1), (0, 0, 1), (0, 0.7)], _ring(form.waist - 0.04, 1)]


def _nine(form: _Form) -> Sequence[Stroke]:
    return [[(1 - p[0], 1 - p[1], *p[2:]) for p in stroke] for stroke in _six(form)]


def _i(form: _Form) -> Sequence[Stroke]:
    stem: Stroke = [(0.5, 0), (0.5, 1)]
    return [stem, [(0.15, 0), (0.85, 0)], [(0.15, 1), (0.85, 1)]] if form.bars else [stem]


def _j(form: _Form) -> Sequence[Stroke]:
    hook: Stroke = [(0.9, 0), (0.9, 1, 1), (0, 1, 1), (0, 0.7)]
    return [hook, [(0.4, 0), (0.9, 0)]] if form.bars else [hook]


def _a(form: _Form) -> Sequence[Stroke]:
    sides: Stroke = [(0, 1), (0.5 - form.blunt, 0), (0.5 + form.blunt, 0), (1, 1)]
    return [sides, [(0.15, form.bar + 0.05), (0.85, form.bar + 0.05)]]


def _v(form: _Form) -> Sequence[Stroke]:
    return [[(0, 0), (0.5 - form.blunt, 1), (0.5 + form.blunt, 1), (1, 0)]]


def _p(form: _Form) -> Stroke:
    return [(0, 1), (0, 0), (1, 0, 1), (1, form.waist + 0.06, 1), (0, form.waist + 0.06)]


FIXED: dict[str, Sequence[Stroke]] = {
    "0": [_ring(0, 1)],
    "7": [[(0, 0), (1, 0), (0.35, 1)]],
    "D": [[(0, 0.5), (0, 0), (1, 0, 1), (1, 1, 1), (0, 1), (0, 0.5)]],
    "K": [[(0, 0), (0, 1)], [(1, 0), (0, 0.62)], [(0.32, 0.44), (1, 1)]],
    "L": [[(0, 0), (0, 1), (1, 1)]],
    "N": [[(0, 1), (0, 0), (1, 1), (1, 0)]],
    "O": [_ring(0, 1)],
    "Q": [_ring(0, 1), [(0.55, 0.7), (1.02, 1.04)]],
    "T": [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]],
    "U": [[(0, 0), (0, 1, 1), (1, 1, 1), (1, 0)]],
    "X": [[(0, 0), (1, 1)], [(1, 0), (0, 1)]],
    "Z": [[(0, 0), (1, 0), (0, 1), (1, 1)]],
}
"""Characters that have one form."""
FORMED: dict[str, Callable[[_Form], Sequence[Stroke]]] = {
    "1": _one,
    "2": lambda form: [
        [(0, form.open), (0, 0, 1), (1, 0, 1), (1, form.waist, 1), (0, 0.93), (0, 1), (1, 1)]
    ],
    "3": _three,
    "4": _four,
    "5": lambda form: [
        [
            (1, 0), (0.04, 0), (0, form.waist), (1, form.waist - 0.06, 1),
            (1, 1, 1), (0, 1, 1), (0, 1 - form.open),
        ]
    ],
    "6": _six,
    "8": lambda form: [_ring(0, form.waist), _ring(form.waist, 1)],
    "9": _nine,
    "A": _a,
    "B": lambda form: [
        [(0, 1), (0, 0), (0.94, 0, 1), (0.94, form.waist, 1), (0, form.waist)],
        [(0, form.waist), (1, form.waist, 1), (1, 1, 1), (0, 1)],
    ],
    "C": lambda form: [[(1, form.open), (1, 0, 1), (0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 1 - form.open)]],
    "E": lambda form: [[(1, 0), (0, 0), (0, 1), (1, 1)], [(0, form.waist), (0.8, form.waist)]],
    "F": lambda form: [[(1, 0), (0, 0), (0, 1)], [(0, form.waist), (0.8, form.waist)]],
    "G": lambda form: [
        [(1, form.open), (1, 0, 1), (0, 0, 1), (0, 1, 1), (1, 1, 1), (1, 0.56), (0.55, 0.56)]
    ],
    "H": lambda form: [[(0, 0), (0, 1)], [(1, 0), (1, 1)], [(0, form.waist), (1, form.waist)]],
    "I": _i,
    "J": _j,
    "M": lambda form: [[(0, 1), (0, 0), (0.5, form.dip), (1, 0), (1, 1)]],
    "P": lambda form: [_p(form)],
    "R": lambda form: [_p(form), [(0.45, form.waist + 0.06), (1, 1)]],
    "S": lambda form: [
        [
            (1, form.open), (1, 0, 1), (0, 0, 1), (0, form.waist, 1),
            (1, form.waist, 1), (1, 1, 1), (0, 1, 1), (0, 1 - form.open),
        ]
    ],
    "V": _v,
    "W": lambda form: [[(0, 0), (form.upright, 1), (0.5, form.low), (1 - form.upright, 1), (1, 0)]],
    "Y": lambda form: [[(0, 0), (0.5, form.waist + 0.06), (1, 0)], [(0.5, form.waist + 0.06), (0.5, 1)]],
}  # fmt: skip
