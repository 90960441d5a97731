"""Text that is no serial: signs, shop names, telephone numbers, stickers, a camera's clock."""

import string
from collections.abc import Callable, Mapping
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.training.dice import Dice
from models.training.lettering import PILLOWS_OWN, fonts
from models.training.paint import WHITE, Colour, Mask, Picture, blank, hue, put, scalar, scaled, solid, tone
from models.training.serials import printed_words

_WORDS = """
OPEN CLOSED SALE EXIT ENTRANCE PARKING STOP YIELD ONE WAY SPEED LIMIT SCHOOL ZONE ROAD WORK AHEAD BUS TAXI
POLICE FIRE LANE LOADING ONLY PERMIT REQUIRED TOW AWAY PRIVATE PROPERTY VISITOR CUSTOMER EMPLOYEE CAFE PIZZA
BURGER COFFEE TEA BAR GRILL MARKET GROCERY PHARMACY BANK HOTEL MOTEL INN SUITES RENTAL CAR WASH TIRES BRAKES
AUTO REPAIR SERVICE BODY SHOP GARAGE PLUMBING ELECTRIC ROOFING LANDSCAPE MOVING STORAGE SELF TRUCKING
FREIGHT EXPRESS LOGISTICS CITY COUNTY STATE PARK LIBRARY HOSPITAL CLINIC DENTAL VISION SALON NAILS SPA GYM
CHURCH SCHOOL UNIVERSITY STUDENT UNION HALL MAIN FIRST SECOND OAK ELM MAPLE PINE LAKE HILL RIVER VALLEY
STREET AVENUE DRIVE COURT PLACE HIGHWAY FREEWAY NORTH SOUTH EAST WEST TOYOTA HONDA FORD CHEVROLET NISSAN
SUBARU MAZDA VOLVO BMW AUDI LEXUS JEEP DODGE RAM GMC KIA HYUNDAI TESLA CAMRY COROLLA CIVIC ACCORD ALTIMA
SENTRA OUTBACK FORESTER CHEROKEE WRANGLER EXPLORER ESCAPE FUSION FOCUS TAHOE SILVERADO SIERRA TURBO HYBRID
SPORT LIMITED AWD DIESEL DANGER WARNING CAUTION KEEP CLEAR EMERGENCY DO NOT ENTER NO SMOKING WELCOME THANK
YOU BABY ON BOARD I LOVE MY DOG COEXIST VOTE FOR MAYOR FREE WIFI FRESH LOCAL FARM ORGANIC DELI BAKERY
"""
WORDS = tuple(_WORDS.split())
UNITS = ("UNIT", "TRUCK", "BUS", "LANE", "ROUTE", "EXIT", "SUITE", "ROOM", "GATE", "PIER", "CAM", "I", "US")
DEALERS = (
    "{} OF {}", "{} {}", "www.{}{}.com", "{} {} SERVICE", "{} {} AUTO GROUP", "I'd rather be {}",
    "MY OTHER CAR IS A {}", "{} ALUMNI", "{} UNIVERSITY",
)  # fmt: skip
WIDEST = 700
"""Pixels: what goes on beyond it is cut off."""
EM = 48
"""Pixels an em, at which lines are set before they are scaled."""


def words(dice: Dice, count: int) -> str:
    return " ".join(dice.choice(WORDS) for _ in range(count))


def _digits(dice: Dice, count: int) -> str:
    return "".join(dice.choice(string.digits) for _ in range(count))


def _words_alone(dice: Dice) -> str:
    return _cased(dice, words(dice, dice.choices((1, 2, 3, 4), (5, 4, 2, 1))[0]))


def _telephone(dice: Dice) -> str:
    area = dice.choice(("({}) ", "{}-", "{}.", "{} ")).format(_digits(dice, 3))
    return f"{area}{_digits(dice, 3)}{dice.choice('-. ')}{_digits(dice, 4)}"


def _price(dice: Dice) -> str:
    return f"{dice.choice('$$€')}{_digits(dice, dice.randint(1, 2))}.{_digits(dice, 2)}"


def _number(dice: Dice) -> str:
    return _digits(dice, dice.randint(1, 6))


def _unit(dice: Dice) -> str:
    return f"{dice.choice(UNITS)} {dice.choice(('', '', '-'))}{_digits(dice, dice.randint(1, 4))}"


def _site(dice: Dice) -> str:
    return f"www.{words(dice, 2).replace(' ', '').lower()}.{dice.choice(('com', 'org', 'net', 'gov'))}"


def _address(dice: Dice) -> str:
    return f"{_digits(dice, dice.randint(2, 5))} {_cased(dice, words(dice, 2))}"


def _partners(dice: Dice) -> str:
    return _cased(dice, f"{words(dice, 1)} & {words(dice, 1)}")


def _code(dice: Dice) -> str:
    letters = dice.choice(WORDS)[: dice.randint(1, 3)]
    return f"{letters}{dice.choice(('', ' ', '-'))}{_digits(dice, dice.randint(1, 2))}"


def _issuers(dice: Dice) -> str:
    return _cased(dice, dice.choice(printed_words()))


SAID: Mapping[Callable[[Dice], str], int] = {
    _words_alone: 30, _telephone: 12, _price: 8, _number: 8, _unit: 6, _site: 6, _address: 8, _partners: 8,
    _code: 6, _issuers: 8,
}  # fmt: skip
"""What signs say, and how often of a hundred."""


def sign_text(dice: Dice) -> str:
    """A line of a sign, a shop's front, a truck's side."""
    return dice.choices(tuple(SAID), tuple(SAID.values()))[0](dice)


def dealer_text(dice: Dice) -> str:
    """Draw the words of a dealer's frame, or a club's."""
    filled = dice.choice(DEALERS).format(words(dice, 1), words(dice, 1))
    return _cased(dice, filled)


def clock_text(dice: Dice) -> str:
    """Draw the text that a camera writes into its picture."""
    date = dice.choice(("{y}-{m}-{d}", "{m}/{d}/{y}", "{d}.{m}.{y}", "{y}/{m}/{d}")).format(
        y=dice.randint(1999, 2026), m=f"{dice.randint(1, 12):02}", d=f"{dice.randint(1, 31):02}"
    )
    time = f"{dice.randint(0, 23):02}:{_digits(dice, 1)}{_digits(dice, 1)}:{_digits(dice, 2)}"
    camera = f"CAM {_digits(dice, 2)}"
    return dice.choice(
        (f"{date} {time}", date, time, f"{camera} {date} {time}", camera, f"{words(dice, 1)} {camera}")
    )


def _cased(dice: Dice, text: str) -> str:
    return text.title() if dice.chance(0.35) else text.lower() if dice.chance(0.1) else text


@lru_cache(maxsize=300)
def _font(name: str) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(EM) if name == PILLOWS_OWN else ImageFont.truetype(name, EM)


def printed(font: str, text: str, height: int) -> Mask:
    """A line of text as its font sets it, cut to its ink, `height` pixels high."""
    left, top, right, bottom = _font(font).getbbox(text)
    size = max(1, int(right - left) + 2), max(1, int(bottom - top) + 2)
    canvas = Image.new("L", size, 0)
    ImageDraw.Draw(canvas).text((1 - left, 1 - top), text, fill=255, font=_font(font))
    return scaled(np.asarray(canvas), max(2, round(size[0] * height / size[1])), max(2, height))


def draw_sign(dice: Dice, picture: Picture) -> None:
    """One to four lines of text, mostly on a board, anywhere in the picture, as seen from somewhat aside."""
    height = int(np.exp(dice.uniform(np.log(5), np.log(44))))
    ink = _lines(dice, height)
    high, wide = ink.shape
    if dice.chance(0.2):
        cv2.rectangle(ink, (2, 2), (wide - 3, high - 3), WHITE, dice.randint(1, 3))
    left = dice.randint(-wide // 3, picture.shape[1] - wide // 2)
    top = dice.randint(-5, picture.shape[0] - high // 2)
    matrix = np.array(
        [[dice.uniform(0.6, 1), dice.gauss(0, 0.08), 0], [dice.gauss(0, 0.06), 1, 0]], np.float32
    )
    size = (int(wide + 0.2 * high) + 1, int(high + 0.15 * wide) + 1)
    matrix[:, 2] = max(0.0, -matrix[0, 1] * high), max(0.0, -matrix[1, 0] * wide)
    seen, board = (
        np.asarray(cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR), np.uint8)
        for mask in (ink, solid(high, wide))
    )
    ground, colour = _paints(dice)
    if dice.chance(0.65):
        put(picture, board, left, top, ground, dice.choice((1, 1, 0.8)))
    put(picture, seen, left, top, colour, dice.choice((1, 1, 0.85)))


def _lines(dice: Dice, height: int) -> Mask:
    """One to four lines below each other, with a margin; the highest is `height` pixels high."""
    font, count, same = dice.choice(fonts()), dice.choices((1, 2, 3, 4), (6, 3, 2, 1))[0], dice.chance(0.5)
    masks = list[Mask]()
    for _ in range(count):
        tall = height if same else max(4, int(height * dice.uniform(0.4, 1)))
        mask = printed(font if dice.chance(0.8) else dice.choice(fonts()), sign_text(dice), tall)
        masks.append(scaled(mask, max(2, int(mask.shape[1] * dice.uniform(0.7, 1.4))), tall))
    gap, margin = int(height * dice.uniform(0.2, 0.9)), int(height * dice.uniform(0.2, 1.2)) + 1
    wide = min(max(mask.shape[1] for mask in masks), WIDEST)
    ink = blank(sum(mask.shape[0] for mask in masks) + gap * (count - 1) + 2 * margin, wide + 2 * margin)
    y = margin
    for whole in masks:
        mask = whole[:, :wide]
        x = margin + (wide - mask.shape[1]) // 2 if dice.chance(0.8) else margin
        ink[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
        y += mask.shape[0] + gap
    return ink


def _paints(dice: Dice) -> tuple[Colour, Colour]:
    """Of board and letters: one dark, one bright."""
    dark, bright = tone(dice, 0, 90), tone(dice, 150, 255)
    if dice.chance(0.4):
        dark = hue(dice, (0.4, 1), (0.2, 0.6))
    elif dice.chance(0.3):
        bright = hue(dice, (0.2, 0.9), (0.7, 1))
    return (dark, bright) if dice.chance(0.5) else (bright, dark)


def draw_clock(dice: Dice, picture: Picture) -> None:
    """A camera's own writing, straight and unblurred, at an edge of the picture."""
    height = dice.randint(8, 26)
    mask = printed(dice.choice(fonts()), clock_text(dice), height)
    x = dice.randint(0, max(1, picture.shape[1] - min(mask.shape[1], picture.shape[1] - 1)))
    y = dice.choice((dice.randint(0, 12), picture.shape[0] - height - dice.randint(0, 12)))
    if dice.chance(0.4):
        cv2.rectangle(
            picture, (x - 3, y - 3), (x + mask.shape[1] + 3, y + height + 3), scalar(tone(dice, 0, 40)), -1
        )
    colour = tone(dice, 220, 255) if dice.chance(0.8) else hue(dice, (0.8, 1), (0.8, 1))
    put(picture, mask, x, y, colour)
