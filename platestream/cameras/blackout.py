"""A camera's masks, applied to its picture in the gateway, before a frame is compared, shown or written."""

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from platestream.cameras.capture import Pixels
from platestream.cameras.masks import Shape, corners


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
            cv2.fillPoly(found, [_points(self._area, wide, high)], (255,))
        for mask in self._masks:
            cv2.fillPoly(found, [_points(mask, wide, high)], (0,))
        return found


def _points(shape: Shape, wide: float, high: float) -> npt.NDArray[np.int32]:
    """Return the corners in pixels of a picture of this size, as OpenCV draws them."""
    return np.array(corners(shape, wide, high), np.int32)
