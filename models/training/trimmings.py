"""Words, stickers, bolts, a frame and the blue band on a plate."""

import cv2
import numpy as np

from models.training.art import shape
from models.training.dice import Dice
from models.training.lettering import fonts, word
from models.training.paint import Colour, Picture, hue, put, scalar, scaled, solid, tone
from models.training.row import Row
from models.training.serials import printed_words

STICKERS = (
    "OCT",
    "DEC",
    "USA",
    "08",
    "SEP 04",
    "2012",
    "11-03",
    "JAN",
    "FEB",
    "VETERAN",
    "ANTIQUE",
    "TRAILER",
)
WORDS = (*printed_words(), *STICKERS, "DEALER", "TRUCK", "FARM", "www.dmv.gov", "TOYOTA OF TOWN", "Ford")
LONGEST_WORD = 18
COUNTRIES = ("D", "CZ", "SK", "F", "HR", "PL", "B", "I")
EU_BLUE: Colour = np.array([150, 50, 20], np.float32)


def trim(dice: Dice, picture: Picture, row: Row, region: str, ink: Colour, band: bool) -> None:
    """Everything but the serial's row, drawn over it where they meet, as stickers and bolts are."""
    if region == "us":
        _words(dice, picture, ink)
        _corner_stickers(dice, picture)
        if dice.chance(0.12):
            _sticker_in_row(dice, picture, row)
    elif band:
        _blue_band(dice, picture, row)
    elif region == "br":
        height, width = picture.shape[:2]
        text = "SP-SAO PAULO" if dice.chance(0.5) else "BRASIL"
        mask = word(dice, text, row.font, int(height * 0.13))
        put(picture, mask, (width - mask.shape[1]) / 2, 4, ink)
    if dice.chance(0.6):
        _bolts(dice, picture, row)
    if region == "us" and dice.chance(0.12):
        _frame(dice, picture, row)
    if dice.chance(0.6):
        height, width = picture.shape[:2]
        colour = ink if dice.chance(0.5) else tone(dice, 0, 255)
        cv2.rectangle(picture, (2, 2), (width - 3, height - 3), scalar(colour), dice.randint(1, 3))


def _words(dice: Dice, picture: Picture, ink: Colour) -> None:
    """The state's name above, a slogan below."""
    height, width = picture.shape[:2]
    for top, share in ((dice.uniform(0, 0.08), 0.85), (dice.uniform(0.84, 0.92), 0.7)):
        if not dice.chance(share):
            continue
        text = dice.choice(WORDS)
        text = text.title() if dice.chance(0.4) else text
        mask = word(dice, text[:LONGEST_WORD], dice.choice(fonts()), int(height * dice.uniform(0.08, 0.17)))
        if mask.shape[1] > width * 0.8:
            mask = scaled(mask, int(width * 0.8), mask.shape[0])
        colour = ink if dice.chance(0.5) else hue(dice, (0.5, 1), (0.2, 0.8))
        left = (width - mask.shape[1]) / 2 + dice.uniform(-0.1, 0.1) * width
        put(picture, mask, left, top * height, colour)


def _frame(dice: Dice, picture: Picture, row: Row) -> None:
    """A dealer's frame with its words above and below, which may cover the serial's edges a little."""
    height, width = picture.shape[:2]
    colour, letters = tone(dice, 0, 255), tone(dice, 0, 255)
    top = max(4, int(row.top + row.height * dice.choice((-0.1, dice.uniform(-0.2, 0.08)))))
    foot = min(height - 4, int(row.top + row.height * (1 - dice.choice((-0.1, dice.uniform(-0.2, 0.08))))))
    side = max(2, int(min(row.lefts[0], width - row.right) * dice.uniform(0.2, 0.95)))
    for tall, start in ((top, 0), (height - foot, foot)):
        put(picture, solid(tall, width), 0, start, colour)
        if tall > 8:
            mask = word(dice, dice.choice(WORDS)[:LONGEST_WORD], dice.choice(fonts()), int(tall * 0.6))
            mask = scaled(mask, min(mask.shape[1], int(width * 0.8)), mask.shape[0])
            put(picture, mask, (width - mask.shape[1]) / 2, start + tall * 0.2, letters)
    for left in (0, width - side):
        put(picture, solid(height, side), left, 0, colour)


def _corner_stickers(dice: Dice, picture: Picture) -> None:
    height, width = picture.shape[:2]
    for x in (dice.uniform(0.01, 0.2), dice.uniform(0.75, 0.93)):
        for y in (dice.uniform(0.02, 0.14), dice.uniform(0.74, 0.9)):
            if dice.chance(0.35):
                text = dice.choice((*STICKERS, f"2{dice.choice('01')}{dice.randint(0, 9)}"))[:4]
                size = int(height * dice.uniform(0.14, 0.34)), int(height * dice.uniform(0.12, 0.26))
                _sticker(dice, picture, (x * width, y * height), size, text)


def _sticker_in_row(dice: Dice, picture: Picture, row: Row) -> None:
    """A sticker as high as a small character, right before or after the serial."""
    height = picture.shape[0]
    size = int(height * dice.uniform(0.12, 0.2)), int(height * dice.uniform(0.15, 0.3))
    left = row.lefts[0] - size[0] - 2 if dice.chance(0.5) else row.right + 2
    top = row.top + dice.random() * (row.height - size[1])
    _sticker(dice, picture, (left, top), size, str(dice.randint(1, 31)))


def _sticker(
    dice: Dice, picture: Picture, corner: tuple[float, float], size: tuple[int, int], text: str
) -> None:
    """A coloured field of a size (width, height) with a short text in it."""
    (left, top), (width, height) = corner, size
    put(picture, solid(height, width), left, top, hue(dice, (0, 1), (0.4, 1)))
    mask = word(dice, text, dice.choice(fonts()), max(4, int(height * 0.6)))
    mask = scaled(mask, max(2, width - 5), max(3, int(height * 0.6)))
    put(picture, mask, left + 2.5, top + height * 0.2, tone(dice, 0, 255))


def _blue_band(dice: Dice, picture: Picture, row: Row) -> None:
    """The band with the stars and the country's letters, and a seal between the groups."""
    height, width = picture.shape[:2]
    blue = EU_BLUE * np.float32(dice.uniform(0.6, 1.3))
    put(picture, solid(height, int(width * 0.07)), 0, 0, blue, dice.choice((1, 1, 0.9)))
    country = word(dice, dice.choice(COUNTRIES), row.font, int(height * 0.2))
    put(picture, country, width * 0.02, height * 0.68, tone(dice, 200, 255))
    stars = (int(width * 0.035), int(height * 0.3))
    cv2.circle(picture, stars, int(height * 0.12), (60, 220, 240), 1)
    if row.opening is not None and dice.chance(0.6):
        left, opening = row.opening
        seal = shape(dice, row.height // 2, max(4, int(opening * 0.6)))
        put(
            picture,
            seal,
            left,
            row.top + dice.uniform(0, 0.5) * row.height,
            hue(dice, (0.8, 0.8), (0.7, 0.7)),
        )


def _bolts(dice: Dice, picture: Picture, row: Row) -> None:
    """Bolts in the corners, and now and then one on the serial's edge."""
    height, width = picture.shape[:2]
    for across in (0.22, 0.78):
        for down in (0.07, 0.93):
            if dice.chance(0.7):
                x = int((across + dice.uniform(-0.05, 0.05)) * width)
                _bolt(dice, picture, x, int(down * height), dice.randint(2, 6))
    if dice.chance(0.15):
        x = dice.randint(int(row.lefts[0]), max(int(row.lefts[0]) + 1, int(row.right)))
        _bolt(dice, picture, x, row.top + dice.choice((0, row.height)), dice.randint(2, 7))


def _bolt(dice: Dice, picture: Picture, x: int, y: int, radius: int) -> None:
    cv2.circle(picture, (x, y), radius, scalar(tone(dice, 30, 230)), -1, cv2.LINE_AA)
