"""A photograph as another camera or another moment would have given it: what is legible in one is in all.

A reader that is fitted to its pictures reads the picture, and not the plate: a serial that is read in a
photograph and lost in the same one a tenth smaller tells of a rule that hangs on chance.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Change = Callable[[Image], Image]


def _scaled(across: float, down: float) -> Change:
    how = cv2.INTER_AREA if across < 1 else cv2.INTER_CUBIC
    return lambda image: np.asarray(cv2.resize(image, None, fx=across, fy=down, interpolation=how), np.uint8)


def _lit(gamma: float) -> Change:
    curve = (255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return lambda image: np.asarray(cv2.LUT(image, curve), np.uint8)


def _turned(degrees: float) -> Change:
    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        size = width, height
        turned = cv2.warpAffine(image, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(turned, np.uint8)

    return change


def _compressed(image: Image) -> Image:
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 45])
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)


def _blurred(image: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.7), np.uint8)


CHANGES: Mapping[str, Change] = {
    "smaller": _scaled(0.88, 0.88),
    "larger": _scaled(1.08, 1.08),
    "wider": _scaled(1.06, 0.96),
    "darker": _lit(1.4),
    "brighter": _lit(0.7),
    "turned left": _turned(2.0),
    "turned right": _turned(-2.5),
    "compressed": _compressed,
    "blurred": _blurred,
}
