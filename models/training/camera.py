"""From a flat plate to what the recogniser is given: photographed small and tilted, cut out by the reader."""

from dataclasses import dataclass
from math import exp, log
from typing import NamedTuple

import cv2
import numpy as np

from models.training.dice import Dice
from models.training.night import Sensor, taken
from models.training.paint import Picture
from models.training.plates import Plate
from platestream.reading.geometry import CROP_HEIGHT, Floats, Image, Line
from platestream.reading.text_regions import Cut, crop_line

SMOOTH = 1.2
"""Sigma in pixels, as most of the reader's cuts are smoothed (`platestream.reading.text_regions`)."""
WIDEST = 320
"""Pixels: the widest crop trained on; the reader pads narrower ones to it."""


TAKEN_IN = 0.4
"""Share of crops that go from one end of the row to the other, with emblems and small letters, as a box does
that was found too wide.
"""


LEGIBLE = 0.65
"""Least correlation of a night's crop with the plate's in daylight, in every part of it."""
PARTS = 4
FAINTEST = 2.0
"""Levels of standard deviation below which a part of a night's crop shows nothing."""
PLAIN = 12.0
"""Levels of standard deviation below which a part of a crop shows no characters."""


@dataclass(frozen=True)
class Photograph:
    image: Image
    matrix: Floats
    """2 x 3: from the plate's pixels to the image's."""


class Framing(NamedTuple):
    """The line of a photograph that the reader cuts out, and its crop."""

    line: Line
    cut: Cut


def photograph(dice: Dice, plate: Plate, sensor: Sensor | None = None) -> Photograph:
    """The plate at a random size and tilt, with a camera's blur, noise and compression.

    With a sensor the plate's picture is the light that comes from it at night (`night.lit`).
    """
    serial_height = _serial_height(dice)
    scale = serial_height / (plate.box[3] - plate.box[1])
    matrix, size = _tilt(dice, plate.picture, scale)
    picture = plate.picture
    if scale < 0.6:  # what warpAffine skips would alias
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.35 / scale), np.float32)
    warped = np.asarray(
        cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )
    if sensor is not None:
        return Photograph(taken(dice, sensor, warped, serial_height), matrix)
    blurred = _blurred(dice, warped, serial_height)
    return Photograph(sensed(dice, _processed(dice, blurred)), matrix)


def _serial_height(dice: Dice) -> float:
    """Pixels; half of the serials are as small as street cameras give them."""
    low, high = (10, 24) if dice.chance(0.5) else (9, 56)
    return exp(dice.uniform(log(low), log(high)))


def _tilt(dice: Dice, picture: Picture, scale: float) -> tuple[Floats, tuple[int, int]]:
    """The matrix of a view from the side and above, and the size (width, height) the picture then has."""
    angle, lean, flat = np.deg2rad(dice.gauss(0, 4)), dice.gauss(0, 0.1), dice.uniform(0.7, 1.05)
    sine, cosine = np.sin(angle), np.cos(angle)
    matrix = scale * np.array([[cosine, lean - sine, 0], [sine * flat, cosine * flat, 0]])
    height, width = picture.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)]) @ matrix[:, :2].T
    matrix[:, 2] = dice.arrays.random(2) - corners.min(axis=0)
    wide, high = corners.max(axis=0) - corners.min(axis=0) + 2
    return matrix.astype(np.float32), (int(wide), int(high))


def _blurred(dice: Dice, picture: Picture, serial_height: float) -> Picture:
    """Out of focus (in proportion to the size, above 24 pixels), and moved."""
    if dice.chance(0.5):
        sigma = dice.uniform(0.3, 0.95) * max(1.0, serial_height / 24)
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
    if dice.chance(0.2):
        length = dice.randint(2, max(2, int(serial_height / 6)))
        path = np.full((1, length) if dice.chance(0.6) else (length, 1), 1 / length, np.float32)
        picture = np.asarray(cv2.filter2D(picture, -1, path), np.float32)
    return picture


def _processed(dice: Dice, picture: Picture) -> Picture:
    """Process a picture as cheap cameras do: enlarge a smaller one, sharpen it, let bright parts run out."""
    if dice.chance(0.15):
        height, width = picture.shape[:2]
        share = dice.uniform(0.55, 0.9)
        small = cv2.resize(
            picture, (max(8, int(width * share)), max(8, int(height * share))), interpolation=cv2.INTER_AREA
        )
        kind = dice.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC))
        picture = np.asarray(cv2.resize(small, (width, height), interpolation=kind), np.float32)
    if dice.chance(0.2):
        soft = cv2.GaussianBlur(picture, (0, 0), dice.uniform(0.7, 2))
        picture = np.clip(picture + (picture - soft) * np.float32(dice.uniform(0.4, 2)), 0, 255)
    if dice.chance(0.12):
        picture = np.minimum(picture * np.float32(dice.uniform(1.1, 1.7)), 255)
    return picture


def sensed(dice: Dice, picture: Picture) -> Image:
    """With the sensor's noise and, mostly, JPEG's."""
    if dice.chance(0.7):
        noise = dice.arrays.standard_normal(picture.shape, dtype=np.float32)
        picture = picture + noise * np.float32(dice.uniform(1, 8))
    image = np.clip(picture, 0, 255).astype(np.uint8)
    if dice.chance(0.75):
        _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, dice.randint(35, 95)])
        image = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)
    return image


def framed(dice: Dice, plate: Plate, photo: Photograph) -> Framing:
    """Cut the serial as the reader does: 48 pixels high, 16 to 320 wide, BGR."""
    line = _detected(dice, plate, photo)
    stretch = dice.choice((1.0, 1.3, dice.uniform(0.9, 1.4)))
    stretch = min(stretch, WIDEST / CROP_HEIGHT * max(line.height, 1.0) / line.width)
    return Framing(line, Cut(0.0, 0.0, stretch, SMOOTH if dice.chance(0.75) else 0.0))


def is_legible(picture: Picture, photo: Photograph, framing: Framing) -> bool:
    """Return whether the photograph still holds what the plate's picture shows, in every part of the row.

    From what nobody could read a network only learns to guess.
    """
    height, width = photo.image.shape[:2]
    smooth = cv2.GaussianBlur(picture, (0, 0), 2)
    flat = cv2.warpAffine(smooth, photo.matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    whole = (crop_line(np.asarray(image, np.uint8), *framing) for image in (flat, photo.image))
    parts = zip(*(np.array_split(_relief(crop), PARTS, axis=1) for crop in whole), strict=True)
    shown = [(a.ravel(), b.ravel()) for a, b in parts if a.std() > PLAIN]
    if not shown or min(seen.std() for _, seen in shown) < FAINTEST:
        return False
    alike = [float(np.corrcoef(drawn, seen)[0, 1]) for drawn, seen in shown]
    return min(alike) > LEGIBLE or max(alike) < -LEGIBLE


def _relief(crop: Image) -> Floats:
    """A crop's levels against those around, without uneven light; less its margins above and below."""
    gray = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.float32), (0, 0), 1.5)
    return np.asarray(gray - cv2.GaussianBlur(gray, (0, 0), 10), np.float32)[8:-8]


def _detected(dice: Dice, plate: Plate, photo: Photograph) -> Line:
    """The line around the serial as a detector frames it: margins that vary, corners not quite in place."""
    left, top, right, bottom = plate.box
    if dice.chance(TAKEN_IN):
        left, right = plate.whole
    exact = Line(np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32))
    low, high = (0.0, 0.3) if dice.chance(0.85) else (0.3, 0.7)
    above, below = (dice.uniform(low, high) + dice.choice((0, 0, -0.06, -0.1)) for _ in range(2))
    before, after = (dice.uniform(0.05, 0.55) for _ in range(2))
    framed = exact.shifted(-before, 1 + after, -above, 1 + below).corners
    moved = framed + dice.arrays.uniform(-0.04, 0.04, framed.shape) * exact.height
    corners = (moved @ photo.matrix[:, :2].T + photo.matrix[:, 2]).astype(np.float32)
    if dice.chance(0.25):  # a box that does not follow the tilt
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)
    return Line(corners)
