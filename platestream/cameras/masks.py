"""Masks of a camera's picture: areas that nothing reads or stores, and the part that is read.

They are applied in the gateway, before a frame is compared, shown or written.
"""

import re
from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from platestream.cameras.capture import Pixels

Shape = tuple[float, ...]
"""A box (left, top, right, bottom), or the corners of a polygon (x, y, x, y, …); percent of the picture."""
MOST, MOST_NUMBERS = 50, 200
"""Most shapes of a camera, and most numbers of one."""
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?|-?\.\d+")


def check_shape(shape: Shape) -> None:
    """Raise ValueError, which says what is wrong, where `shape` covers no area of the picture."""
    if len(shape) < 4 or len(shape) % 2 or len(shape) > MOST_NUMBERS:
        raise ValueError(
            f"needs left, top, right and bottom, or at least three corners, not {len(shape)} numbers"
        )
    if not all(0 <= one <= 100 for one in shape):
        raise ValueError("is in percent of the picture, each number from 0 to 100")
    if len(shape) == 4 and not (shape[0] < shape[2] and shape[1] < shape[3]):
        raise ValueError("is left, top, right, bottom, with left before right and top before bottom")
    if cv2.contourArea(_corners(shape, 100, 100).astype(np.float32)) <= 0:
        raise ValueError("covers no area")


def parse_shapes(text: str) -> tuple[Shape, ...]:
    """Return the shapes of a text, one a line, their numbers separated by spaces or commas. Raises
    ValueError.
    """
    return tuple(_parse(line) for line in text.splitlines() if line.strip())


def format_shapes(shapes: Iterable[Shape]) -> str:
    """Return the shapes as `parse_shapes` reads them."""
    return "\n".join(" ".join(f"{one:g}" for one in shape) for shape in shapes)


def bounds_of(area: Shape) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a shape, as shares of the picture."""
    xs, ys = area[::2], area[1::2]
    return min(xs) / 100, min(ys) / 100, max(xs) / 100, max(ys) / 100


class Blackout:
    """The black parts of a camera's picture: its masks, and all outside of `area` where it has one."""

    def __init__(self, masks: Iterable[Shape], area: Shape = ()) -> None:
        self._masks, self._area = tuple(masks), area

    def __bool__(self) -> bool:
        return bool(self._masks or self._area)

    def __call__(self, pixels: Pixels) -> Pixels:
        """Return the picture (height x width x 3) with the black parts; without any, the same array."""
        if not self:
            return pixels
        return np.asarray(cv2.bitwise_and(pixels, pixels, mask=self.visible(*pixels.shape[:2])), np.uint8)

    def visible(self, high: int, wide: int) -> Pixels:
        """Return a picture of this size in pixels: 255 where a frame is visible, 0 where it is black."""
        found = np.full((high, wide), 0 if self._area else 255, np.uint8)
        if self._area:
            cv2.fillPoly(found, [_corners(self._area, wide, high)], (255,))
        for mask in self._masks:
            cv2.fillPoly(found, [_corners(mask, wide, high)], (0,))
        return found


def _parse(line: str) -> Shape:
    words = line.replace(",", " ").split()
    if not all(_NUMBER.fullmatch(one) for one in words):
        raise ValueError("a mask has numbers only, in percent of the picture")
    return tuple(float(one) for one in words)


def _corners(shape: Shape, wide: float, high: float) -> npt.NDArray[np.int32]:
    """Return the corners in pixels of a picture of this size, as OpenCV draws them."""
    if len(shape) == 4:
        left, top, right, bottom = shape
        shape = (left, top, right, top, right, bottom, left, bottom)
    points = np.array(shape, np.float64).reshape(-1, 2) * (wide / 100, high / 100)
    return np.rint(points).astype(np.int32)
