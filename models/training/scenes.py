"""Drawn street scenes for the detector: the rows of serials in them are known, everything else is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import cv2
import numpy as np

from models.training.art import Points
from models.training.camera import sensed
from models.training.dice import Dice
from models.training.paint import WHITE, Picture, tone
from models.training.plates import AROUND, Plate, draw_plate
from models.training.serials import draw_serial
from models.training.signs import draw_clock, draw_sign
from models.training.vehicles import Box, clutter, draw_vehicle, frame_plate
from models.training.weather import weather
from platestream.reading.geometry import Floats, Image

SIDE = 384
"""Pixels of a scene's width and height: twelve of the network's coarsest cells."""


@dataclass(frozen=True)
class Scene:
    image: Image
    """SIDE x SIDE x 3, BGR."""
    serials: tuple[Floats, ...]
    """Corners (4 x 2) of each serial with its small letters, clockwise from top left; true to its ink."""
    either: tuple[Floats, ...] = ()
    """Corners of what may count as part of a serial or not: emblems at its ends."""


def draw_scene(dice: Dice, behind: Sequence[Image]) -> Scene:
    """Two thirds hold a plate, some of these two."""
    picture = _background(dice, behind)
    for _ in range(dice.choice((0, 0, 1, 2, 4, 7))):
        clutter(dice, picture)
    for _ in range(dice.choice((0, 0, 0, 1, 2, 3)) if behind else 0):
        _piece(dice, picture, dice.choice(behind))
    for _ in range(dice.choice((0, 1, 1, 2, 3, 5))):
        draw_sign(dice, picture)
    serials, either, taken = list[Floats](), list[Floats](), list[Box]()
    count = dice.choices((0, 1, 2), (0.33, 0.55, 0.12))[0]
    for _ in range(count):
        _plate(dice, picture, serials, either, taken)
    if not count and dice.chance(0.6):
        wide = exp(dice.uniform(log(25), log(150)))
        x, y = dice.uniform(0, SIDE), dice.uniform(0.3, 1) * SIDE
        place = (x, y, x + wide, y + wide * dice.uniform(0.3, 0.5))
        draw_vehicle(dice, picture, place)
        if dice.chance(0.5):
            frame_plate(dice, picture, place)
    if dice.chance(0.12):
        picture = _lit(dice, picture)
    if dice.chance(0.6):  # streets are greyer than chance is
        grey = picture.mean(axis=2, keepdims=True)
        picture += (grey - picture) * np.float32(dice.uniform(0.2, 0.8))
    image = _taken(dice, picture)
    return Scene(image, tuple(serials), tuple(either))


def _background(dice: Dice, behind: Sequence[Image]) -> Picture:
    if not behind or dice.chance(0.12):
        picture = np.empty((SIDE, SIDE, 3), np.float32)
        fade = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None, None]
        picture[:] = tone(dice, 20, 235) * (1 - fade) + tone(dice, 20, 200) * fade
        return picture
    photo = dice.choice(behind)
    side = int(min(photo.shape[:2]) * dice.uniform(0.35, 1))
    y, x = dice.randint(0, photo.shape[0] - side), dice.randint(0, photo.shape[1] - side)
    part = photo[y : y + side, x : x + side]
    if dice.chance(0.5):
        part = part[:, ::-1]
    how = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    picture = cv2.resize(np.ascontiguousarray(part), (SIDE, SIDE), interpolation=how).astype(np.float32)
    picture *= np.float32(dice.uniform(0.5, 1.25))
    if dice.chance(0.6):  # streets are greyer than wallpapers
        grey = picture.mean(axis=2, keepdims=True)
        picture += (grey - picture) * np.float32(dice.uniform(0.3, 1))
    return np.asarray(picture, np.float32)


def _piece(dice: Dice, picture: Picture, photo: Image) -> None:
    """A piece of another photograph, at another scale: edges and textures that are nothing."""
    wide, high = dice.randint(20, 260), dice.randint(20, 200)
    scale = exp(dice.uniform(log(0.15), log(1)))
    w, h = min(int(wide / scale), photo.shape[1]), min(int(high / scale), photo.shape[0])
    x, y = dice.randint(0, photo.shape[1] - w), dice.randint(0, photo.shape[0] - h)
    piece = cv2.resize(photo[y : y + h, x : x + w], (wide, high), interpolation=cv2.INTER_AREA).astype(
        np.float32
    )
    left, top = dice.randint(-wide // 2, SIDE - wide // 2), dice.randint(-high // 2, SIDE - high // 2)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(SIDE, left + wide), min(SIDE, top + high)
    picture[y0:y1, x0:x1] = piece[y0 - top : y1 - top, x0 - left : x1 - left]


def _plate(
    dice: Dice, picture: Picture, serials: list[Floats], either: list[Floats], taken: list[Box]
) -> None:
    """One plate, on a vehicle or not, upon none that is there."""
    flat = draw_plate(dice, draw_serial(dice))
    seen = weather(dice, flat.picture) if dice.chance(0.7) else flat.picture
    matrix = _view(dice, flat)
    height, width = flat.picture.shape[:2]
    edge = AROUND - dice.choice((0, 0, 2, 8, 30))
    outline = np.array(
        [(edge, edge), (width - edge, edge), (width - edge, height - edge), (edge, height - edge)]
    )
    inner = np.array(
        [
            (AROUND, AROUND),
            (width - AROUND, AROUND),
            (width - AROUND, height - AROUND),
            (AROUND, height - AROUND),
        ]
    )
    place = _span(_moved(inner, matrix))
    if dice.chance(0.75):
        wide = place[2] - place[0]
        whole = (place[0] - 3 * wide, place[1] - 2 * wide, place[2] + 3 * wide, place[3] + wide)
        if not any(_touch(whole, other) for other in taken):
            draw_vehicle(dice, picture, place)
    if any(_touch(place, other) for other in taken):
        return
    taken.append(place)
    _paste(picture, seen, matrix, outline)
    if dice.chance(0.25):
        frame_plate(dice, picture, place)
    left, right = flat.official
    top, bottom = flat.box[1], flat.box[3]
    serials.append(_moved(_corners(left, top, right, bottom), matrix))
    if flat.emblem is not None:
        start, end = flat.emblem
        either.append(_moved(_corners(start, top, end, bottom), matrix))


def _view(dice: Dice, plate: Plate) -> Floats:
    """2 x 3: from the plate's pixels to the scene's; the serial's middle is in the scene."""
    low, high = dice.choices(((7, 20), (10, 60), (45, 110)), (0.55, 0.36, 0.09))[0]
    scale = exp(dice.uniform(log(low), log(high))) / (plate.box[3] - plate.box[1])
    while scale * (plate.box[2] - plate.box[0]) > 0.95 * SIDE:
        scale *= 0.8
    cut_out = dice.chance(0.06)
    if cut_out:
        scale = SIDE / (plate.picture.shape[1] - 2 * AROUND) * dice.uniform(0.85, 1.1)
    angle, lean = np.deg2rad(dice.gauss(0, 5)), dice.gauss(0, 0.1)
    flat, narrow = dice.uniform(0.75, 1.05), dice.uniform(0.75, 1.02) if dice.chance(0.6) else 1.0
    sine, cosine = np.sin(angle), np.cos(angle)
    matrix = scale * np.array([[cosine * narrow, lean - sine, 0], [sine * flat * narrow, cosine * flat, 0]])
    middle = (
        np.array([(plate.box[0] + plate.box[2]) / 2, (plate.box[1] + plate.box[3]) / 2]) @ matrix[:, :2].T
    )
    room = scale * (plate.box[2] - plate.box[0]) / 2 if cut_out or dice.chance(0.93) else 0
    x = dice.uniform(min(room, SIDE / 2 - 1), SIDE - min(room, SIDE / 2 - 1))
    y = dice.uniform(0.06, 0.96) * SIDE
    matrix[:, 2] = np.array((x, y)) - middle
    return matrix.astype(np.float32)


def _paste(picture: Picture, plate: Picture, matrix: Floats, outline: Points) -> None:
    """The plate into the picture; what the warp skips would alias, so it is smoothed before."""
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if scale < 0.6:
        plate = np.asarray(cv2.GaussianBlur(plate, (0, 0), 0.35 / scale), np.float32)
    left, top, right, bottom = (int(v) for v in _span(_moved(outline, matrix)))
    x0, y0, x1, y1 = max(0, left - 1), max(0, top - 1), min(SIDE, right + 2), min(SIDE, bottom + 2)
    if x1 <= x0 or y1 <= y0:
        return
    here = matrix.copy()
    here[:, 2] -= (x0, y0)
    size = (x1 - x0, y1 - y0)
    warped = cv2.warpAffine(plate, here, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(cover, [np.round(_moved(outline, here) * 16).astype(np.int32)], WHITE, cv2.LINE_AA, 4)
    part = picture[y0:y1, x0:x1]
    part += (warped - part) * (cover[..., None].astype(np.float32) / 255)


def _lit(dice: Dice, picture: Picture) -> Picture:
    """Over-exposed, as plates in a headlight's or the sun's light are."""
    return np.clip((picture - 30) * np.float32(dice.uniform(1.2, 2.0)) + 30, 0, 255)


def _taken(dice: Dice, picture: Picture) -> Image:
    """As a camera gives it: blurred or sharpened, with its writing, noise and JPEG; shrunk or enlarged."""
    if dice.chance(0.6):
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), dice.uniform(0.3, 1.3)), np.float32)
    if dice.chance(0.12):
        length = dice.randint(2, 6)
        path = np.full((1, length) if dice.chance(0.6) else (length, 1), 1 / length, np.float32)
        picture = np.asarray(cv2.filter2D(picture, -1, path), np.float32)
    if dice.chance(0.3):
        soft = cv2.GaussianBlur(picture, (0, 0), dice.uniform(0.8, 2))
        picture = picture + (picture - soft) * np.float32(dice.uniform(0.3, 1.8))
    if dice.chance(0.15):
        draw_clock(dice, picture)
    if dice.chance(0.2):
        small = int(SIDE * dice.uniform(0.5, 0.95))
        less = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        picture = np.asarray(cv2.resize(less, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.float32)
    if dice.chance(0.25):
        grey = picture.mean(axis=2, keepdims=True)
        picture = np.repeat(grey, 3, axis=2)
    if dice.chance(0.3):
        gamma = np.float32(dice.uniform(0.6, 1.7))
        picture = np.asarray(255 * (np.clip(picture, 0, 255) / 255) ** gamma, np.float32)
    return sensed(dice, picture)


def _corners(left: float, top: float, right: float, bottom: float) -> Points:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def _moved(points: Points, matrix: Floats) -> Floats:
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)


def _span(points: Floats) -> Box:
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def _touch(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
