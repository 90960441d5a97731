"""Color of a vehicle from the picture around its plate: plain image analysis, no model.

Colors are those of the NCIC code table that a witness would name. There is no result in the dark, in infrared
pictures and with surroundings of several colors, because an empty field is better than a wrong one.
"""

from typing import NamedTuple

import cv2
import msgspec
import numpy as np
import numpy.typing as npt

from platestream.schemas.fields import Vehicle

Image = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]

WIDTHS, ABOVE = 0.8, (0.4, 1.8)
"""The examined area: plate widths to each side, and its range in plate heights above the plate."""
DARKEST = 45.0
"""Median gray value of the picture below which no color is returned."""
COLOURED = 60
"""Saturation (0 to 255) from which a pixel has a hue."""
HUES = (
    (8, "red"),
    (22, "orange"),
    (35, "yellow"),
    (85, "green"),
    (130, "blue"),
    (150, "purple"),
    (180, "red"),
)
"""Upper bounds of OpenCV's hue (0 to 180)."""
GREYS = ((0.22, "black"), (0.5, "gray"), (0.7, "silver"), (1.01, "white"))
"""Upper bounds of the brightness between the picture's own darkest and brightest parts."""
LEAST_SHARE = 0.6


class Colour(NamedTuple):
    """A color's name and its share (0 to 1) of the surroundings."""

    name: str
    confidence: float


def colour(image: Image, plate: Box) -> Colour | None:
    """Return the color of the vehicle whose plate is at `plate` (pixels of the BGR picture), if clear."""
    body = _body(image, plate)
    if body.size == 0:
        return None
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (160, 90), interpolation=cv2.INTER_AREA)
    low, high = (float(v) for v in np.percentile(grey, (2, 98)))
    if np.median(grey) < DARKEST or high - low < DARKEST or _without_hue(image):
        return None
    hsv = np.asarray(cv2.cvtColor(cv2.GaussianBlur(body, (0, 0), 2), cv2.COLOR_BGR2HSV), np.uint8)
    names = _names(hsv.reshape(-1, 3), low, high)
    found, counts = np.unique(names, return_counts=True)
    best = int(counts.argmax())
    share = float(counts[best] / counts.sum())
    return Colour(str(found[best]), round(share, 2)) if share >= LEAST_SHARE else None


def describe(camera: Vehicle, color: Colour | None) -> Vehicle:
    """Return the camera's description of the vehicle, with the color from the picture if it has none.

    `other` then names the picture as the source, and the confidence.
    """
    if color is None or camera.colour is not None:
        return camera
    source = {"colour_from": "picture", "colour_confidence": f"{color.confidence:.2f}"}
    return msgspec.structs.replace(camera, colour=color.name, other={**camera.other, **source})


def _body(image: Image, plate: Box) -> Image:
    x, y, width, height = plate
    top, bottom = y - round(ABOVE[1] * height), y - round(ABOVE[0] * height)
    left, right = x - round(WIDTHS * width), x + width + round(WIDTHS * width)
    return image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]


def _without_hue(image: Image) -> bool:
    """Return whether the whole picture is gray: infrared, or a camera without color."""
    small = cv2.resize(image, (160, 90), interpolation=cv2.INTER_AREA)
    return float(np.percentile(cv2.cvtColor(small, cv2.COLOR_BGR2HSV)[:, :, 1], 90)) < COLOURED / 3


def _names(hsv: npt.NDArray[np.uint8], low: float, high: float) -> npt.NDArray[np.str_]:
    hue, saturation, value = hsv[:, 0], hsv[:, 1], hsv[:, 2].astype(np.float32)
    bright = np.clip((value - low) / (high - low), 0, 1)
    greys = np.array([name for _, name in GREYS])[np.searchsorted([b for b, _ in GREYS], bright, "right")]
    hues = np.array([name for _, name in HUES])[
        np.searchsorted([b for b, _ in HUES], hue, "right").clip(max=len(HUES) - 1)
    ]
    coloured = (saturation >= COLOURED) & (bright > GREYS[0][0] / 2)
    return np.where(coloured, hues, greys)
