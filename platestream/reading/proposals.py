"""Proposals of plate locations in a picture by strokes or by light alone, without a model.

A serial is a bar full of upright strokes from end to end, with hardly any directly above or below. Each place
is scored by the strokes in a bar's three thirds, less those around it, at four sizes. Of plates whose line of
text a detector misses, this finds nearly all among its first four; a detector that gets a closer view of them
finds the line.

At night the lamp above a plate may wash its strokes out. Then it is a bright bar in the dark, and there are
few of those.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from platestream.reading.geometry import Image, Line, spread

Floats = npt.NDArray[np.float32]

LONGEST = 800
"""Length to which the longer side of the picture is shrunk, pixels."""
HEIGHTS, WIDTH = (10, 14, 20, 28), 4.8
"""Heights of a bar then, pixels, and its width by its height."""
FLAT = 8.0
"""Contrast in gray values below which it is not amplified."""
MAX_CONTRAST = 6.0
"""Strength limit of a stroke relative to the contrast around it: stronger edges are lamps or bumpers."""
BESIDE, LEVEL, WHOLE = 0.9, 0.5, 0.3
"""Weights of the strokes above and below, of level edges, and of the bar's mean beside its poorest third."""


NIGHT = 90.0
"""Mean gray value below which a picture may be of the night."""
LIT = 1280
"""Length to which the longer side of a picture is shrunk in the search for light, pixels."""
LIT_SIZE, LIT_SHAPE, LIT_FILL = (30, 8), (2.2, 7.0), 0.7
"""Least width and height of a lit bar then, its width by its height, and its part of the box around it."""
LIT_LEVELS = 140, 200
"""Gray values above which a part is lit, beside a level of the picture's own."""
SERIAL = 0.8
"""Height of the serial by that of its lit plate."""
BRIGHT = 0.6
"""That level, relative to the brightest hundredth of the picture."""


class Proposal(NamedTuple):
    """A bar that may be a serial: center, width and height in pixels of the picture, and its score."""

    x: float
    y: float
    width: float
    height: float
    score: float


def propose_bars(image: Image, most: int) -> list[Proposal]:
    """Return the likeliest bars of a picture (height x width x 3, BGR), best first, without overlaps."""
    scale = min(1.0, LONGEST / max(image.shape[:2]))
    upright, level = _edges(image, scale)
    maps = [_score(upright, level, height // 2) for height in HEIGHTS]
    which, best = np.argmax(maps, axis=0), np.max(maps, axis=0)
    found = list[Proposal]()
    while len(found) < most:
        _, score, _, (x, y) = cv2.minMaxLoc(best)
        if not score > 0:
            break
        height = HEIGHTS[which[y, x]] / 2
        width = WIDTH * height
        grown = 2 / scale
        found.append(Proposal(x * grown, y * grown, width * grown, height * grown, score))
        above, left = max(0, int(y - 1.2 * height)), max(0, int(x - 0.6 * width))
        best[above : int(y + 1.2 * height) + 1, left : int(x + 0.6 * width) + 1] = 0
    return found


def propose_lit(image: Image, most: int) -> list[Proposal]:
    """Return the bright bars of a picture of the night, the fullest first; none of a picture of the day."""
    scale = min(1.0, LIT / max(image.shape[:2]))
    seen = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    grey = cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY)
    if grey.mean() >= NIGHT:
        return []
    found = list[Proposal]()
    for level in (BRIGHT * float(np.percentile(grey, 99)), *LIT_LEVELS):
        lit = cv2.morphologyEx((grey > level).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 7), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(lit)
        for left, top, width, height, area in stats[1:].tolist():
            is_bar = width >= LIT_SIZE[0] and height >= LIT_SIZE[1] and area > LIT_FILL * width * height
            if is_bar and LIT_SHAPE[0] < width / height < LIT_SHAPE[1]:
                x, y, wide, high = left + width / 2, top + height / 2, width, SERIAL * height
                fill = area / (width * height)
                found.append(Proposal(x / scale, y / scale, wide / scale, high / scale, fill))
    found.sort(key=lambda bar: -bar.score)
    apart = list[Proposal]()
    for bar in found:
        if all(abs(bar.x - o.x) > o.width / 2 or abs(bar.y - o.y) > o.height / 2 for o in apart):
            apart.append(bar)
    return apart[:most]


def _edges(image: Image, scale: float) -> tuple[Floats, Floats]:
    """Return the strength of upright and level edges by their contrast, at half the picture's `scale`."""
    seen = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    grey = cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY)
    size = (max(grey.shape[1] // 2, 1), max(grey.shape[0] // 2, 1))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    mean = cv2.blur(small, (31, 15))
    contrast = np.sqrt(np.maximum(cv2.blur(small * small, (31, 15)) - mean * mean, 0)) + FLAT
    upright, level = (
        cv2.resize(cv2.convertScaleAbs(cv2.Sobel(grey, cv2.CV_16S, *way), alpha=0.25), size,
                   interpolation=cv2.INTER_AREA).astype(np.float32)
        for way in ((1, 0), (0, 1))
    )  # fmt: skip
    return np.minimum(upright * (4 / contrast), MAX_CONTRAST), np.minimum(
        level * (4 / contrast), MAX_CONTRAST
    )


def _score(upright: Floats, level: Floats, height: int) -> Floats:
    """Return the score of each pixel as the center of a bar of this height; 0 where the bar does not fit."""
    width = int(WIDTH * height)
    if upright.shape[0] <= 2 * height or upright.shape[1] <= width:
        return np.zeros_like(upright)
    third = _mean(upright, (width // 3, height))
    poorest = np.minimum(np.minimum(_shift(third, width // 3, 0), _shift(third, -(width // 3), 0)), third)
    near = _mean(upright, (width, max(height // 2, 2)))
    beside = np.minimum(_shift(near, 0, height), _shift(near, 0, -height))
    bar = (width, height)
    score = poorest + WHOLE * _mean(upright, bar) - BESIDE * beside - LEVEL * _mean(level, bar)
    out: Floats = np.zeros(score.shape, np.float32)
    inner = slice(height, -height), slice(width // 2, -(width // 2))
    out[inner] = score[inner]
    return out


def _mean(values: Floats, window: tuple[int, int]) -> Floats:
    """Return the mean around each pixel in a window (width, height)."""
    return np.asarray(cv2.blur(values, window), np.float32)


def _shift(values: Floats, right: int, down: int) -> Floats:
    return np.asarray(np.roll(values, (down, right), (0, 1)), np.float32)


class Tile(NamedTuple):
    """A part of the picture on a sheet: its corner there and in the picture, its scale, its size there."""

    x: int
    y: int
    left: int
    top: int
    scale: float
    width: int
    height: int


GUTTER = 12
"""Pixels between the tiles of a sheet."""
END = 3
"""Pixels from a tile's end within which text is cut by it."""
AROUND = 2.4, 5.0
"""Size of the picture around a proposal, relative to the proposal's width and height."""


def sheet(image: Image, proposals: Sequence[Proposal], text_height: float) -> tuple[Image, list[Tile]]:
    """Return the surroundings of the proposals as one picture, two side by side, and their tiles.

    Each is scaled so that a serial is `text_height` pixels high, and its contrast is spread.
    """
    across, down = round(AROUND[0] * WIDTH * text_height), round(AROUND[1] * text_height)
    rows, columns = (len(proposals) + 1) // 2, min(len(proposals), 2)
    canvas = np.full((rows * (down + GUTTER), columns * (across + GUTTER), 3), 127, np.uint8)
    tiles = list[Tile]()
    for i, proposal in enumerate(proposals):
        wide, high = AROUND[0] * proposal.width, AROUND[1] * proposal.height
        left, top = int(max(proposal.x - wide / 2, 0)), int(max(proposal.y - high / 2, 0))
        part = image[top : int(proposal.y + high / 2) + 1, left : int(proposal.x + wide / 2) + 1]
        scale = min(text_height / proposal.height, down / part.shape[0], across / part.shape[1])
        how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        scaled = spread(np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=how), np.uint8))
        scaled = scaled[:down, :across]
        x, y = i % 2 * (across + GUTTER), i // 2 * (down + GUTTER)
        canvas[y : y + scaled.shape[0], x : x + scaled.shape[1]] = scaled
        tiles.append(Tile(x, y, left, top, scale, scaled.shape[1], scaled.shape[0]))
    return canvas, tiles


def place_back(quads: Sequence[Floats], tiles: Sequence[Tile]) -> list[Line]:
    """Convert corners of lines (each 4 x 2) on a sheet to lines of the picture.

    One that reaches an end of its tile continues beyond it, and is left out.
    """
    found = list[Line]()
    for quad in quads:
        for tile in tiles:
            at = quad - np.array((tile.x, tile.y), np.float32)
            (left, top), (right, foot) = at.min(axis=0), at.max(axis=0)
            across = left > END and right < tile.width - END
            if across and top > -GUTTER / 2 and foot < tile.height + GUTTER / 2:
                found.append(Line(at / np.float32(tile.scale) + np.array((tile.left, tile.top), np.float32)))
    return found
