"""The back or front of a vehicle, drawn around the place of its plate, and what else fills streets."""

import cv2
import numpy as np

from models.training.art import ellipse, shape
from models.training.dice import Dice
from models.training.lettering import fonts
from models.training.paint import Colour, Picture, hue, put, scalar, scaled, solid, tone
from models.training.signs import dealer_text, printed, sign_text, words

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, pixels."""


def draw_vehicle(dice: Dice, picture: Picture, plate: Box) -> None:
    """A body with window, lamps, bumper, creases, badges and stickers, whose plate will stand at `plate`."""
    left, top, right, bottom = plate
    wide, high = right - left, bottom - top
    middle = (left + right) / 2 + dice.uniform(-0.3, 0.3) * wide * dice.choice((0, 1))
    half = wide * dice.uniform(1.7, 3.4)
    over, under = top - wide * dice.uniform(0.4, 2.8), bottom + high * dice.uniform(0.3, 2.2)
    colour = tone(dice, 15, 245) if dice.chance(0.7) else hue(dice, (0.4, 1), (0.2, 0.9))
    _patch(dice, picture, (middle - half, over, middle + half, under), colour, 0.5)
    if dice.chance(0.7):  # window
        floor = over + (top - over) * dice.uniform(0.3, 0.6)
        _patch(
            dice, picture, (middle - half * 0.8, over, middle + half * 0.8, floor), tone(dice, 10, 110), 0.9
        )
    if dice.chance(0.6):  # bumper
        height = high * dice.uniform(0.8, 2.4)
        at = (top + bottom) / 2 + dice.uniform(-1.2, 1.2) * high
        shade = tone(dice, 15, 200) if dice.chance(0.6) else colour * np.float32(dice.uniform(0.7, 1.2))
        _patch(dice, picture, (middle - half, at - height / 2, middle + half, at + height / 2), shade, 0.4)
    if dice.chance(0.4):  # grille
        _bars(
            dice,
            picture,
            (middle - half * 0.6, top - high * dice.uniform(0.4, 1.8), middle + half * 0.6, top - 1),
        )
    for side in (-1, 1):
        if dice.chance(0.75):
            _lamp(
                dice,
                picture,
                middle + side * half * dice.uniform(0.55, 0.92),
                top - high * dice.uniform(-0.6, 1.6),
                high,
            )
    for _ in range(dice.randint(0, 4)):  # creases and edges of the lid
        y = int(dice.uniform(over, under))
        cv2.line(
            picture,
            (int(middle - half), y),
            (int(middle + half), y + dice.randint(-4, 4)),
            scalar(tone(dice, 0, 255)),
            dice.choice((1, 1, 2)),
            cv2.LINE_AA,
        )
    for _ in range(dice.choice((0, 1, 1, 2, 3))):
        _badge(dice, picture, (middle - half, over, middle + half, top), high)
    if dice.chance(0.35):
        _sticker(dice, picture, (middle - half, over, middle + half, under), high)


def frame_plate(dice: Dice, picture: Picture, plate: Box) -> None:
    """A dealer's frame: a band around the plate with words above or below, which may touch the serial."""
    left, top, right, bottom = plate
    wide, high = right - left, bottom - top
    band = high * dice.uniform(0.05, 0.22)
    colour = tone(dice, 0, 70) if dice.chance(0.6) else tone(dice, 150, 255)
    for box in (
        (left, top, right, top + band),
        (left, bottom - band, right, bottom),
        (left, top, left + wide * 0.03, bottom),
        (right - wide * 0.03, top, right, bottom),
    ):
        _fill(picture, box, colour)
    ink = tone(dice, 190, 255) if colour.mean() < 110 else tone(dice, 0, 60)
    for y in (top + band * 0.12, bottom - band * 0.88):
        if dice.chance(0.7):
            mask = printed(dice.choice(fonts()), dealer_text(dice), max(3, int(band * 0.76)))
            if mask.shape[1] > wide * 0.95:
                mask = scaled(mask, max(2, int(wide * 0.95)), mask.shape[0])
            put(picture, mask, left + (wide - mask.shape[1]) / 2, y, ink)


def clutter(dice: Dice, picture: Picture) -> None:
    """Something with edges: a wall, windows, bars, a post, a lamp, a shape."""
    height, width = picture.shape[:2]
    w, h = dice.randint(12, width), dice.randint(12, height // 2)
    x, y = dice.randint(-w // 2, width - w // 2), dice.randint(-h // 2, height - h // 2)
    kind = dice.choices(range(6), (3, 2, 3, 2, 1, 2))[0]
    if kind == 0:
        _patch(dice, picture, (x, y, x + w, y + h), tone(dice, 10, 245), dice.uniform(0.1, 0.7))
    elif kind == 1:
        step, pane = dice.randint(10, 50), tone(dice, 10, 220)
        for column in range(x, x + w, step):
            _fill(picture, (column, y, column + step * 0.6, y + h * 0.4), pane)
    elif kind == 2:
        _bars(dice, picture, (x, y, x + w, y + h * 0.5))
    elif kind == 3:
        _fill(picture, (x, y, x + dice.randint(2, 12), y + 3 * h), tone(dice, 20, 230))
    elif kind == 4:
        _lamp(dice, picture, x + w / 2, y + h / 2, dice.randint(6, 40))
    else:
        put(
            picture, shape(dice, h, min(w, 3 * h)), x, y, hue(dice, (0, 0.8), (0.05, 1)), dice.uniform(0.4, 1)
        )


def _cut(picture: Picture, box: Box) -> tuple[int, int, int, int]:
    height, width = picture.shape[:2]
    left, top, right, bottom = (int(v) for v in box)
    return max(0, left), max(0, top), max(0, min(width, right)), max(0, min(height, bottom))


def _fill(picture: Picture, box: Box, colour: Colour) -> None:
    left, top, right, bottom = _cut(picture, box)
    picture[top:bottom, left:right] = colour


def _patch(dice: Dice, picture: Picture, box: Box, colour: Colour, reflects: float) -> None:
    """A panel with a gradient, that shows something of what was there, as paint and glass do."""
    left, top, right, bottom = _cut(picture, box)
    if right - left < 2 or bottom - top < 2:
        return
    fade = np.linspace(dice.uniform(0.6, 1.3), dice.uniform(0.6, 1.3), bottom - top, dtype=np.float32)
    panel = np.float32(colour) * fade[:, None, None]
    part = picture[top:bottom, left:right]
    shown = np.float32(dice.uniform(0, 0.35) * reflects)
    part += (panel - part) * (1 - shown)


def _bars(dice: Dice, picture: Picture, box: Box) -> None:
    """Strokes side by side, as fences, grilles and gutters have: what is most like a serial and is none."""
    left, top, right, bottom = _cut(picture, box)
    step, colour = dice.uniform(2.5, 14), scalar(tone(dice, 0, 255))
    thick, slope = dice.choice((1, 1, 2, 3)), dice.gauss(0, 3)
    if dice.chance(0.5):
        _fill(picture, box, tone(dice, 0, 255))
    level = dice.chance(0.4)
    for place in np.arange(*((top, bottom) if level else (left, right)), step):
        at, other = int(place), int(place + slope)
        one, end = ((left, at), (right, other)) if level else ((at, top), (other, bottom))
        cv2.line(picture, one, end, colour, thick, cv2.LINE_AA)


def _lamp(dice: Dice, picture: Picture, x: float, y: float, high: float) -> None:
    width, height = max(3, int(high * dice.uniform(0.5, 2.2))), max(3, int(high * dice.uniform(0.4, 1.8)))
    mask = ellipse(height, width) if dice.chance(0.5) else solid(height, width)
    red = np.array([dice.uniform(0, 60), dice.uniform(0, 60), dice.uniform(80, 255)], np.float32)
    put(picture, mask, x - width / 2, y - height / 2, red if dice.chance(0.6) else tone(dice, 120, 255), 0.9)
    for _ in range(dice.randint(0, 3)):
        w, h = max(1, int(width * dice.uniform(0.1, 0.7))), max(1, int(height * dice.uniform(0.1, 0.5)))
        put(
            picture,
            solid(h, w),
            x - width / 2 + dice.random() * (width - w),
            y - height / 2 + dice.random() * (height - h),
            tone(dice, 60, 255),
            dice.uniform(0.3, 1),
        )


def _badge(dice: Dice, picture: Picture, box: Box, high: float) -> None:
    """A maker's or model's name in metal letters."""
    left, top, right, bottom = box
    mask = printed(
        dice.choice(fonts()), words(dice, dice.choice((1, 1, 2))), max(3, int(high * dice.uniform(0.12, 0.5)))
    )
    put(
        picture,
        mask,
        dice.uniform(left, right) - mask.shape[1] / 2,
        dice.uniform((top + bottom) / 2, bottom) - mask.shape[0],
        tone(dice, 130, 255) if dice.chance(0.7) else tone(dice, 0, 80),
        0.9,
    )


def _sticker(dice: Dice, picture: Picture, box: Box, high: float) -> None:
    left, top, right, bottom = box
    mask = printed(dice.choice(fonts()), sign_text(dice), max(4, int(high * dice.uniform(0.15, 0.6))))
    x, y = dice.uniform(left, right), dice.uniform(top, bottom)
    ground, ink = (
        (tone(dice, 180, 255), tone(dice, 0, 90))
        if dice.chance(0.5)
        else (tone(dice, 0, 90), tone(dice, 180, 255))
    )
    margin = mask.shape[0] * dice.uniform(0.2, 0.8)
    _fill(picture, (x - margin, y - margin, x + mask.shape[1] + margin, y + mask.shape[0] + margin), ground)
    put(picture, mask, x, y, ink)
