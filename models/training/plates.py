"""A plate, flat and in even light, on a piece of the vehicle that carries it."""

from dataclasses import dataclass

import numpy as np

from models.training.art import shape
from models.training.dice import Dice
from models.training.paint import LUMINANCE, Colour, Picture, hue, put, tone
from models.training.row import draw_row, lay_out
from models.training.serials import Serial
from models.training.trimmings import trim

HEIGHT = 96
"""Pixels of a plate; its serial is then 35 to 72 pixels high, more than a camera gives."""
AROUND = 30
"""Pixels of the vehicle drawn around it."""
LEAST_CONTRAST = 60
"""Levels of luminance between ink and ground; no issuer makes plates with less."""


@dataclass(frozen=True)
class Plate:
    picture: Picture
    box: tuple[float, float, float, float]
    """Left, top, right, bottom of the serial, pixels."""
    official: tuple[float, float] = (0.0, 0.0)
    """Left and right of the serial with the small letters beside it."""
    whole: tuple[float, float] = (0.0, 0.0)
    """Left and right of the serial with all that stands beside it."""
    emblem: tuple[float, float] | None = None
    """Left and right of an emblem at the row's end."""


def draw_plate(dice: Dice, serial: Serial) -> Plate:
    """A plate of the serial's region."""
    us, dark = serial.region == "us", dice.chance(0.12 if serial.region == "us" else 0.04)
    width = int(HEIGHT * _proportion(dice, serial.region))
    band = serial.region == "eu" and width > 3.5 * HEIGHT
    ground = _ground(dice, serial.region, dark)
    picture: Picture = np.empty((HEIGHT, width, 3), np.float32)
    picture[:] = ground
    if us:
        _shade(dice, picture, dark)
        _scenery(dice, picture)
    ink = _ink(dice, ground, us, dark)
    row = lay_out(dice, serial, (HEIGHT, width), band)
    draw_row(dice, picture, row, ink, us)
    trim(dice, picture, row, serial.region, ink, band)
    left, top, right, bottom = row.box
    start, end = row.official
    emblem = (row.emblem[0] + AROUND, row.emblem[1] + AROUND) if row.emblem else None
    box = left + AROUND, top + AROUND, right + AROUND, bottom + AROUND
    whole = row.whole[0] + AROUND, row.whole[1] + AROUND
    return Plate(_mounted(dice, picture), box, (start + AROUND, end + AROUND), whole, emblem)


def _proportion(dice: Dice, region: str) -> float:
    """Width by height: 12 x 6 inches in the US, 520 x 110 mm in most of Europe, 400 x 130 mm in Brazil."""
    if region == "us":
        return dice.uniform(1.9, 2.1)
    if region == "eu" and dice.chance(0.85):
        return dice.uniform(4.2, 5.0)
    return dice.uniform(2.6, 3.1)


def _ground(dice: Dice, region: str, dark: bool) -> Colour:
    if region == "br" and dice.chance(0.3):
        return tone(dice, 150, 210)  # the grey plates of before 2018
    if dark:
        return tone(dice, 10, 70)
    return hue(dice, (0, 0.5), (0.7, 1)) if region == "us" or dice.chance(0.2) else tone(dice, 200, 255)


def _ink(dice: Dice, ground: Colour, us: bool, dark: bool) -> Colour:
    if not us and dice.chance(0.85):
        ink = tone(dice, 0, 50)
    elif dark:
        ink = tone(dice, 190, 255)
    else:
        ink = hue(dice, (0.3, 1), (0.15, 0.5)) if dice.chance(0.6) else tone(dice, 0, 60)
    if abs(float((ink - ground) @ LUMINANCE)) < LEAST_CONTRAST:
        ink = ink * np.float32(0.3) + np.float32(170 if dark else 0)
    return ink


def _shade(dice: Dice, picture: Picture, dark: bool) -> None:
    """A gradient from one edge, or a band."""
    if not dice.chance(0.6):
        return
    other = tone(dice, 10, 110) if dark else hue(dice, (0, 0.8), (0.5, 1))
    depth = np.linspace(0, 1, picture.shape[0], dtype=np.float32)[:, None, None]
    cover = np.clip((depth - dice.uniform(0.2, 0.9)) / dice.uniform(0.02, 0.8), 0, 1)
    if dice.chance(0.4):
        cover = cover[::-1]
    picture += (other - picture) * cover * np.float32(dice.uniform(0.3, 1))


def _scenery(dice: Dice, picture: Picture) -> None:
    """Up to three pale shapes behind the serial."""
    height, width = picture.shape[:2]
    for _ in range(dice.choice((0, 0, 0, 1, 2, 3))):
        tall, wide = dice.randint(20, height), dice.randint(30, width)
        left = dice.randint(-(wide // 3), max(width - wide // 2, 0))
        top = dice.randint(-(tall // 3), max(height - tall // 2, 0))
        colour = hue(dice, (0.1, 0.8), (0.4, 1))
        put(picture, shape(dice, tall, wide), left, top, colour, dice.uniform(0.08, 0.5))


def _mounted(dice: Dice, plate: Picture) -> Picture:
    """The plate on a bumper, some in a darker holder."""
    height, width = plate.shape[:2]
    picture: Picture = np.empty((height + 2 * AROUND, width + 2 * AROUND, 3), np.float32)
    picture[:] = tone(dice, 10, 230)
    if dice.chance(0.35):
        half = AROUND // 2
        picture[half:-half, half:-half] = tone(dice, 0, 120)
    picture[AROUND:-AROUND, AROUND:-AROUND] = plate
    return picture
