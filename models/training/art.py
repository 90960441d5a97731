"""Shapes as masks: what stands for state outlines, flowers, trees, animals and seals on plates."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from models.training.dice import Dice
from models.training.lettering import fonts, glyph
from models.training.paint import WHITE, Mask, blank, scaled
from platestream.reading.glyphs import ALPHABET

Points = npt.NDArray[np.float64]


def shape(dice: Dice, height: int, width: int) -> Mask:
    """Any shape, in a mask of that size (pixels)."""
    kinds: tuple[Callable[[Dice, Mask], None], ...] = (_outline, _star, _seal, _tree, _lines)
    kind = dice.choices(kinds, (0.35, 0.15, 0.2, 0.15, 0.15))[0]
    mask = blank(height, width)
    kind(dice, mask)
    return mask


def ellipse(height: int, width: int, thickness: int = -1) -> Mask:
    """An ellipse that fills the mask, or its rim."""
    mask = blank(height, width)
    centre = (width // 2, height // 2)
    cv2.ellipse(mask, centre, centre, 0, 0, 360, WHITE, thickness, cv2.LINE_AA)
    return mask


def _fill(mask: Mask, turns: Points, radii: Points) -> None:
    """Fills the polygon with corners at these angles (radians) and shares of the mask's half size."""
    middle = np.array([mask.shape[1], mask.shape[0]]) / 2
    corners = middle + middle * np.stack([radii * np.cos(turns), radii * np.sin(turns)], axis=1)
    cv2.fillPoly(mask, [corners.astype(np.int32)], WHITE, cv2.LINE_AA)


def _outline(dice: Dice, mask: Mask) -> None:
    """A ragged patch: a state's outline, an animal, a bush."""
    corners = dice.randint(5, 14)
    turns = np.sort(dice.arrays.random(corners)) * 2 * np.pi
    _fill(mask, turns, dice.arrays.uniform(0.45, 1, corners))


def _star(dice: Dice, mask: Mask) -> None:
    points = dice.choice((5, 6, 8))
    steps = np.arange(2 * points)
    _fill(mask, steps * np.pi / points - np.pi / 2, np.where(steps % 2 == 0, 1, dice.uniform(0.35, 0.6)))


def _seal(dice: Dice, mask: Mask) -> None:
    """A disc or ring, often with a letter cut out of it."""
    height, width = mask.shape
    mask[:] = ellipse(height, width, dice.choice((-1, max(1, height // 9))))
    if dice.chance(0.6):
        letter = glyph(dice.choice(fonts()), dice.choice(ALPHABET))
        letter = scaled(letter, max(1, width // 3), max(1, height // 2))
        top, left = height // 4, width // 3
        under = mask[top : top + letter.shape[0], left : left + letter.shape[1]]
        under[:] = cv2.absdiff(under, letter[: under.shape[0], : under.shape[1]])


def _tree(dice: Dice, mask: Mask) -> None:
    """Trunk and branches: palms, firs, cacti, torches."""
    height, width = mask.shape
    x = width // 2
    cv2.line(mask, (x, 0), (x, height), WHITE, max(1, width // 6), cv2.LINE_AA)
    for _ in range(dice.randint(1, 8)):
        y = dice.randint(height // 6, height - 1)
        reach = dice.randint(width // 5, max(width // 5 + 1, width // 2))
        rise = dice.randint(-(height // 6), height // 4)
        branch = np.array([(x - reach, y - rise), (x, y), (x + reach, y - rise)], np.int32)
        cv2.polylines(mask, [branch], False, WHITE, max(1, width // 9), cv2.LINE_AA)


def _lines(dice: Dice, mask: Mask) -> None:
    height, width = mask.shape
    for _ in range(dice.randint(2, 6)):
        corners = np.stack([dice.arrays.integers(0, width, 4), dice.arrays.integers(0, height, 4)], axis=1)
        thickness = dice.randint(1, max(1, width // 7))
        cv2.polylines(mask, [corners.astype(np.int32)], dice.chance(0.5), WHITE, thickness, cv2.LINE_AA)
