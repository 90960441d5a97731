"""Masks of a camera's picture, and the part that is read, as they are written."""

import re
from collections.abc import Iterable, Sequence

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
    if not _covers_area(corners(shape, 100, 100)):
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


def _parse(line: str) -> Shape:
    words = line.replace(",", " ").split()
    if not all(_NUMBER.fullmatch(one) for one in words):
        raise ValueError("a mask has numbers only, in percent of the picture")
    return tuple(float(one) for one in words)


def corners(shape: Shape, wide: float, high: float) -> tuple[tuple[int, int], ...]:
    """Return the corners in pixels of a picture of this size, as (x, y)."""
    if len(shape) == 4:
        left, top, right, bottom = shape
        shape = (left, top, right, top, right, bottom, left, bottom)
    return tuple(
        (round(x * wide / 100), round(y * high / 100)) for x, y in zip(shape[::2], shape[1::2], strict=True)
    )


def _covers_area(points: Sequence[tuple[int, int]]) -> bool:
    """Return whether a polygon has an area, by the cross products of its corners."""
    pairs = zip(points, [*points[1:], points[0]], strict=True)
    return sum(x * below - right * y for (x, y), (right, below) in pairs) != 0
