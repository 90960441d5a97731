"""Colours, and putting masks onto a picture."""

import cv2
import numpy as np
import numpy.typing as npt

from models.training.dice import Dice

Picture = npt.NDArray[np.float32]
"""Height x width x 3, BGR, 0 to 255; float, so that weather can be laid over it without rounding."""
Mask = npt.NDArray[np.uint8]
"""Height x width, 0 to 255: how much of a colour is laid on."""
Colour = npt.NDArray[np.float32]
"""BGR, 0 to 255."""

LUMINANCE = np.array([0.114, 0.587, 0.299], np.float32)
"""Rec. 601 weights of blue, green, red."""

WHITE = (255.0,)
"""What shapes are drawn with into a mask."""


def tone(dice: Dice, low: float, high: float) -> Colour:
    """Each channel between two levels: greys with a cast, whites, blacks."""
    return np.array([dice.uniform(low, high) for _ in range(3)], np.float32)


def hue(dice: Dice, saturation: tuple[float, float], value: tuple[float, float]) -> Colour:
    """Any hue, with saturation and value between two shares (0 to 1)."""
    hsv = (dice.randint(0, 179), int(255 * dice.uniform(*saturation)), int(255 * dice.uniform(*value)))
    return np.asarray(cv2.cvtColor(np.array([[hsv]], np.uint8), cv2.COLOR_HSV2BGR)[0, 0], np.float32)


def scalar(colour: Colour) -> tuple[float, ...]:
    """A colour as OpenCV's drawing functions take it."""
    return tuple(float(level) for level in colour)


def blank(height: int, width: int) -> Mask:
    return np.zeros((height, width), np.uint8)


def solid(height: int, width: int) -> Mask:
    return np.full((height, width), 255, np.uint8)


def scaled(mask: Mask, width: int, height: int) -> Mask:
    return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def put(
    picture: Picture, mask: Mask, left: float, top: float, colour: Colour | float, strength: float = 1.0
) -> None:
    """Lays a colour on through a mask, its corner at (left, top) in pixels; what falls outside is cut off."""
    x, y = int(left), int(top)
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(picture.shape[1], x + mask.shape[1]), min(picture.shape[0], y + mask.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    cover = mask[y0 - y : y1 - y, x0 - x : x1 - x, None].astype(np.float32) * np.float32(strength / 255)
    part = picture[y0:y1, x0:x1]
    part += (np.float32(colour) - part) * cover
