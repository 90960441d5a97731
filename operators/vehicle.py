"""Description of a vehicle: the picture around its plate, what a model sees, what the camera reported."""

from collections.abc import Callable, Sequence
from math import exp, log
from statistics import NormalDist
from typing import NamedTuple

import cv2
import msgspec
import numpy as np
import numpy.typing as npt

from platestream.schemas.fields import Vehicle

Image = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]

VIEW_PIXELS, MOST_VIEWS = 192, 2
SIDES, ABOVE = 6.8, 0.66
"""Side of the square around a plate in plate widths, and the share of it above the plate's center."""
FLATTEST = 1.8
"""Least width of a plate in heights; a box that is narrower has lost its ends."""
QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 92]
WIDTH_NOISE = 0.1
"""Standard deviation of the logarithm of a read plate's width by its true one: 0.06 to 0.10 on labeled
plates."""
CERTAIN = 0.99
"""Most that one kind of evidence says about the direction."""
LEAST_DIRECTION = 0.95


class Attribute(NamedTuple):
    """A word and the probability (0 to 1) that it is right."""

    word: str
    confidence: float


class Look(NamedTuple):
    """Attributes that are clear in the pictures of one vehicle; `front`: probability of a front view."""

    body: Attribute | None = None
    colour: Attribute | None = None
    front: float = 0.5


Examine = Callable[[Sequence[bytes]], Look]
"""Returns what the views (JPEG, best first) of a vehicle show: as `VehicleModel` does."""


def unexamined(_views: Sequence[bytes]) -> Look:
    """Return nothing: for flows without the model."""
    return Look()


class View(msgspec.Struct):
    """One view (JPEG), and its worth: the plate's width by the read's confidence."""

    worth: float
    jpeg: bytes


class Views(msgspec.Struct):
    """The best views of a pass, best first, and the plate's width in its first and last frame, in pixels."""

    best: list[View] = []
    widths: list[int] = []

    def add(self, jpeg: bytes, width: int, confidence: float) -> None:
        """Keep a view if it is among the best; an empty one counts for nothing."""
        if jpeg:
            self.widths = [*self.widths[:1], width]
            views = sorted([*self.best, View(width * confidence, jpeg)], key=lambda one: -one.worth)
            self.best = views[:MOST_VIEWS]

    def describe(self, camera: Vehicle, examine: Examine) -> Vehicle:
        """Return the camera's description, filled from the views."""
        look = examine([one.jpeg for one in self.best])
        return describe(camera, look, self.widths[-1] / self.widths[0] if self.widths else 1.0)


def cut_square(image: Image, plate: Box) -> Image:
    """Return the square around a plate that holds its vehicle, gray where the picture ends."""
    x, y, width, height = plate
    side = max(round(SIDES * max(width, FLATTEST * height)), 1)
    left, top = round(x + width / 2 - side / 2), round(y + height / 2 - ABOVE * side)
    high, wide = image.shape[:2]
    part = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    if part.size == 0:
        return np.full((side, side, 3), 127, np.uint8)
    edges = max(-top, 0), max(top + side - high, 0), max(-left, 0), max(left + side - wide, 0)
    return np.asarray(cv2.copyMakeBorder(part, *edges, cv2.BORDER_CONSTANT, value=(127, 127, 127)), np.uint8)


def vehicle_view(image: Image, plate: Box) -> bytes:
    """Return the vehicle around a plate as a JPEG of 192 x 192 pixels, which the model examines."""
    size = (VIEW_PIXELS, VIEW_PIXELS)
    done, data = cv2.imencode(
        ".jpg", cv2.resize(cut_square(image, plate), size, interpolation=cv2.INTER_AREA), QUALITY
    )
    return data.tobytes() if done else b""


def describe(camera: Vehicle, look: Look, growth: float = 1.0) -> Vehicle:
    """Return the camera's description, with what the pictures show where the camera reported nothing.

    `growth` is the plate's last width by its first. `other` names the picture as the source, with the
    confidence.
    """
    found = {"colour": look.colour, "body": look.body, "direction": direction(look.front, growth)}
    known = {"colour": camera.colour, "body": camera.body, "direction": camera.other.get("direction")}
    new = {name: one for name, one in found.items() if one is not None and known[name] is None}
    other = dict(camera.other)
    for name, one in new.items():
        other |= {f"{name}_from": "picture", f"{name}_confidence": f"{one.confidence:.2f}"}
    if "direction" in new:
        other["direction"] = new["direction"].word
    words = {name: one.word for name, one in new.items() if name != "direction"}
    return msgspec.structs.replace(camera, **words, other=other) if new else camera


def direction(front: float, growth: float) -> Attribute | None:
    """Return whether the vehicle comes or goes, by the end that is seen and by the plate's growth, if clear.

    A plate grows if the vehicle approaches. Each evidence has a limit, so a contradiction leaves nothing.
    """
    grows = NormalDist().cdf(log(growth) / (WIDTH_NOISE * 2**0.5)) if growth > 0 else 0.5
    odds = _odds(front) + _odds(grows)
    approaches = 1 / (1 + exp(-odds))
    confidence = max(approaches, 1 - approaches)
    if confidence < LEAST_DIRECTION:
        return None
    return Attribute("approaching" if approaches > 0.5 else "leaving", confidence)


def _odds(share: float) -> float:
    limited = min(max(share, 1 - CERTAIN), CERTAIN)
    return log(limited / (1 - limited))
