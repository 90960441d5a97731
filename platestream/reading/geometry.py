"""Geometry of lines of text in a picture: corners, relative positions, and upright crops."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]

CROP_HEIGHT = 48
"""Height of the recognizer's input in pixels."""
WIDEST_CROP = 640


@dataclass(frozen=True)
class Line:
    """One line of text: `corners` is 4 x 2 (x, y in pixels), clockwise from the text's top left."""

    corners: Floats

    @cached_property
    def height(self) -> float:
        a, b, c, d = self.corners
        return float(max(np.linalg.norm(d - a), np.linalg.norm(c - b)))

    @cached_property
    def width(self) -> float:
        a, b, c, d = self.corners
        return float(max(np.linalg.norm(b - a), np.linalg.norm(c - d)))

    @cached_property
    def centre(self) -> tuple[float, float]:
        x, y = self.corners.mean(axis=0)
        return float(x), float(y)

    @cached_property
    def span(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        (x0, y0), (x1, y1) = self.corners.min(axis=0), self.corners.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)

    @cached_property
    def slope(self) -> float:
        """The pixels by which the line descends for each pixel to the right."""
        a, b, c, d = self.corners
        run = (b - a) + (c - d)
        return float(run[1] / run[0]) if run[0] else 0.0

    def grown(self, across: float, along: float) -> "Line":
        """Return the line with margins in heights: `along` at both ends, `across` above and below."""
        return self.shifted(-along, 1.0 + along, -across, 1.0 + across)

    def shifted(self, left: float, right: float, top: float, bottom: float) -> "Line":
        """Return a part of the line's own frame.

        `left` is in heights from its left end and `right` in heights from its right end less one; `top` 0 is
        the line's top edge and `bottom` 1 its lower edge.
        """
        a, b, c, d = self.corners.astype(np.float64)
        along = _unit((b - a) + (c - d)) * self.height
        down_left, down_right = d - a, c - b
        corners = (
            a + left * along + top * down_left,
            b + (right - 1.0) * along + top * down_right,
            b + (right - 1.0) * along + bottom * down_right,
            a + left * along + bottom * down_left,
        )
        return Line(np.array(corners, np.float32))


def _unit(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return vector / max(float(np.linalg.norm(vector)), 1e-6)


def crop(image: Image, line: Line, stretch: float = 1.0, fine: bool = True) -> Image:
    """Return the line upright, 48 pixels high and in proportion (times `stretch`), with its contrast spread.

    `fine` is sharper if the line is enlarged, and takes three times as long.
    """
    width = int(np.clip(round(CROP_HEIGHT * stretch * line.width / max(line.height, 1.0)), 16, WIDEST_CROP))
    target = np.array([[0, 0], [width, 0], [width, CROP_HEIGHT], [0, CROP_HEIGHT]], np.float32)
    matrix = cv2.getPerspectiveTransform(line.corners, target)
    how = cv2.INTER_CUBIC if fine and line.height < CROP_HEIGHT * 1.4 else cv2.INTER_AREA
    flat = cv2.warpPerspective(
        image, matrix, (width, CROP_HEIGHT), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    return spread(np.asarray(flat, np.uint8))


def spread(image: Image) -> Image:
    """Return a picture with its contrast stretched so that the darkest and brightest 2 % are black and white.

    Very low contrast remains low, so that noise does not become letters.
    """
    counts = cv2.calcHist([image.reshape(len(image), -1)], [0], None, [256], [0, 256])
    darker = np.cumsum(counts, dtype=np.float64) / image.size
    low, high = np.searchsorted(darker, (0.02, 0.98))
    scaled = (np.arange(256) - low) * (255.0 / max(high - low, 20.0))
    return np.asarray(cv2.LUT(image, np.clip(scaled, 0, 255).astype(np.uint8)), np.uint8)


def same_text(one: Line, other: Line) -> bool:
    """Return whether two boxes frame the same line of text: same height, overlapping."""
    low, high = sorted((one.height, other.height))
    if low < 0.6 * high or abs(one.centre[1] - other.centre[1]) > 0.45 * low + 1:
        return False
    overlap = min(one.span[2], other.span[2]) - max(one.span[0], other.span[0])
    return overlap > 0.5 * min(one.width, other.width)


def joined(lines: Sequence[Line]) -> list[Line]:
    """Return each pair of neighbors that may be the halves of one serial, as one line.

    A wide gap or a symbol between the groups makes a detector frame them separately.
    """
    order = sorted(lines, key=lambda line: line.centre[0])
    return [_over(a, b) for i, a in enumerate(order) for b in order[i + 1 :] if _halves(a, b)]


def _halves(left: Line, right: Line) -> bool:
    low, high = sorted((left.height, right.height))
    gap = right.span[0] - left.span[2]
    along = right.centre[0] - left.centre[0]
    level = abs(right.centre[1] - left.centre[1] - along * left.slope) < 0.3 * high
    return low > 0.75 * high and level and -0.3 * high < gap < 1.5 * high


def _over(left: Line, right: Line) -> Line:
    a, _, _, d = left.corners
    _, b, c, _ = right.corners
    return Line(np.array((a, b, c, d), np.float32))


def box_of(line: Line, shape: tuple[int, ...]) -> Box:
    """Return x, y, width, height of a line in whole pixels, clipped to a picture of `shape`."""
    x0, y0, x1, y1 = line.span
    left, top = max(int(x0), 0), max(int(y0), 0)
    right, bottom = min(int(np.ceil(x1)), shape[1]), min(int(np.ceil(y1)), shape[0])
    return left, top, max(right - left, 0), max(bottom - top, 0)
