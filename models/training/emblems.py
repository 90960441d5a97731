"""Emblems, stacked letters and symbols between the groups, in the serial's row and no part of it.

A reader must not take them for characters, so they are drawn as large and as dark as the serial itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from models.training.art import ellipse, shape
from models.training.dice import Dice
from models.training.lettering import shaped
from models.training.paint import WHITE, Colour, Picture, blank, hue, put, solid, tone
from platestream.reading.glyphs import ALPHABET


@dataclass(frozen=True)
class Spot:
    """Place of an emblem, pixels."""

    left: float
    top: float
    width: int
    height: int


def emblem(dice: Dice, picture: Picture, spot: Spot, ink: Colour) -> None:
    """The picture beside the serial of a special plate."""
    kinds: tuple[Callable[[Dice, Picture, Spot, Colour], None], ...] = (
        _silhouette, _group, _scene, _wheelchair, _strokes,
    )  # fmt: skip
    dice.choices(kinds, (0.3, 0.25, 0.25, 0.1, 0.1))[0](dice, picture, spot, ink)


def _own_or_any(dice: Dice, ink: Colour) -> Colour:
    """The serial's own ink or any colour: only the first can be told from a character by its form alone."""
    return ink if dice.chance(0.45) else hue(dice, (0.3, 1), (0.1, 0.8))


def _silhouette(dice: Dice, picture: Picture, spot: Spot, ink: Colour) -> None:
    mask = shape(dice, spot.height, spot.width)
    put(picture, mask, spot.left, spot.top, _own_or_any(dice, ink), dice.uniform(0.5, 1))


def _group(dice: Dice, picture: Picture, spot: Spot, ink: Colour) -> None:
    del ink
    for _ in range(dice.randint(2, 5)):
        height = dice.randint(max(1, spot.height // 4), spot.height)
        width = dice.randint(max(1, spot.width // 4), spot.width)
        left, top = dice.randint(0, spot.width - width), dice.randint(0, spot.height - height)
        colour = hue(dice, (0.2, 1), (0.1, 1))
        mask = shape(dice, height, width)
        put(picture, mask, spot.left + left, spot.top + top, colour, dice.uniform(0.5, 1))


def _scene(dice: Dice, picture: Picture, spot: Spot, ink: Colour) -> None:
    """A small picture: patches of colour inside an outline."""
    mask = ellipse(spot.height, spot.width)
    if dice.chance(0.5):
        mask = np.maximum(mask, shape(dice, spot.height, spot.width))
    put(picture, mask, spot.left, spot.top, _own_or_any(dice, ink), dice.uniform(0.4, 1))
    for _ in range(dice.randint(3, 9)):
        height = dice.randint(2, max(3, spot.height // 2))
        width = dice.randint(2, max(3, spot.width // 2))
        left = dice.randint(0, max(0, spot.width - width))
        top = dice.randint(0, max(0, spot.height - height))
        colour = hue(dice, (0.1, 1), (0.05, 1))
        patch = shape(dice, height, width)
        put(picture, patch, spot.left + left, spot.top + top, colour, dice.uniform(0.4, 1))


def _wheelchair(dice: Dice, picture: Picture, spot: Spot, ink: Colour) -> None:
    """The sign of access in its square, mostly white on blue."""
    side = min(spot.height, spot.width)
    top = spot.top + (spot.height - side) / 2
    put(
        picture,
        solid(side, side),
        spot.left,
        top,
        hue(dice, (0.9, 0.9), (0.6, 0.6)) if dice.chance(0.7) else ink,
    )
    mask, thickness = blank(side, side), max(1, side // 11)
    cv2.circle(mask, (side // 2, int(side * 0.6)), int(side * 0.24), WHITE, thickness, cv2.LINE_AA)
    cv2.circle(mask, (int(side * 0.45), int(side * 0.15)), max(1, side // 12), WHITE, -1, cv2.LINE_AA)
    body = np.array([(0.45, 0.25), (0.47, 0.5), (0.65, 0.52), (0.75, 0.8), (0.85, 0.78)]) * side
    cv2.polylines(mask, [body.astype(np.int32)], False, WHITE, thickness, cv2.LINE_AA)
    put(picture, mask, spot.left, top, tone(dice, 220, 255))


def _strokes(dice: Dice, picture: Picture, spot: Spot, ink: Colour) -> None:
    """Curves in the serial's own ink, as silhouettes of animals and tools are."""
    for _ in range(dice.randint(2, 4)):
        mask = blank(spot.height, spot.width)
        centre = (dice.randint(0, spot.width), dice.randint(0, spot.height))
        axes = (dice.randint(2, max(2, spot.width)), dice.randint(2, max(2, spot.height)))
        arc = (dice.randint(0, 180), dice.randint(0, 90), dice.randint(120, 360))
        thickness = dice.randint(2, max(3, spot.width // 5))
        cv2.ellipse(mask, centre, axes, *arc, WHITE, thickness, cv2.LINE_AA)
        put(picture, mask, spot.left, spot.top, ink)


def stacked(
    dice: Dice, picture: Picture, left: float, rows: tuple[int, int], font: str, ink: Colour, squeeze: float
) -> None:
    """Two small letters one above the other, within rows (top, height) of the serial; no part of it."""
    top, height = rows
    tall = int(height * dice.uniform(0.36, 0.46))
    wide = int(max(3, tall * 0.6 * max(squeeze, 0.6)))
    for row in range(2):
        letter = shaped(font, dice.choice(ALPHABET), wide, tall)
        put(picture, letter, left, top + row * (height - tall), ink)


def between(
    dice: Dice,
    picture: Picture,
    opening: tuple[float, float],
    rows: tuple[int, int],
    ink: Colour,
    widest: float,
) -> None:
    """The symbol in the opening (left, width) between the groups: hyphen, dot, small picture, nothing."""
    left, width = opening
    top, height = rows
    middle, across = left + width / 2, top + height / 2
    kind = dice.choices(("hyphen", "dot", "picture", "none"), (0.35, 0.15, 0.4, 0.1))[0]
    if kind == "hyphen":
        wide, tall = max(3, int(width * 0.8)), max(2, int(height * 0.12))
        put(picture, solid(tall, wide), middle - wide / 2, across - tall / 2, ink)
    elif kind == "dot":
        radius = max(2, int(height * dice.uniform(0.08, 0.14)))
        put(picture, ellipse(2 * radius + 1, 2 * radius + 1), middle - radius, across - radius, ink)
    elif kind == "picture":
        tall, wide = (
            int(height * dice.uniform(0.4, 1.3)),
            max(3, int(min(max(3, int(width * 0.8)) * 1.4, widest))),
        )
        colour = ink if dice.chance(0.3) else hue(dice, (0.2, 0.9), (0.2, 0.9))
        mask = shape(dice, tall, wide)
        put(picture, mask, middle - wide / 2, across - tall / 2, colour, dice.uniform(0.35, 1))
