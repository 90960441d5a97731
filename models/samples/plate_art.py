"""The small pictures on plates: desert and mountain scenery, symbols between the groups, tabs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from models.samples import glyphs
from models.samples.plate_styles import Bgr

Image = NDArray[np.uint8]

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def ink(image: Image, mask: glyphs.Mask, x: int, y: int, colour: Bgr, strength: float = 1.0) -> None:
    """Prints a mask in a colour, its upper left corner at (x, y); what falls outside is cut off."""
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(image.shape[1], x + mask.shape[1]), min(image.shape[0], y + mask.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    cover = mask[y0 - y : y1 - y, x0 - x : x1 - x, None].astype(np.float32) * (strength / 255)
    part = image[y0:y1, x0:x1].astype(np.float32)
    image[y0:y1, x0:x1] = (part + (np.array(colour, np.float32) - part) * cover).astype(np.uint8)


def _fill(image: Image, points: list[tuple[float, float]], colour: Bgr) -> None:
    cv2.fillPoly(image, [np.array(points, np.float32).round().astype(np.int32)], colour, cv2.LINE_AA)


def _saguaro(image: Image, x: int, foot: int, height: int, colour: Bgr) -> None:
    """A cactus with two arms: trunk at x, standing on y = foot (px)."""
    thick = max(4, height // 9)

    def limb(*points: tuple[int, int]) -> None:
        cv2.polylines(image, [np.array(points, np.int32)], False, colour, thick, cv2.LINE_AA)

    limb((x, foot), (x, foot - height))
    reach = height // 4
    limb((x, foot - height // 3), (x - reach, foot - height // 3 - 4), (x - reach, foot - height * 3 // 4))
    limb((x, foot - height // 4), (x + reach, foot - height // 4 - 4), (x + reach, foot - height * 3 // 5))


def desert(image: Image, bold: float) -> None:
    """A sun going down behind a purple range, a saguaro at the left edge, as tall and dark as `bold` says."""
    cv2.circle(image, (318, 300), 34, (240, 250, 255), -1, cv2.LINE_AA)
    ridge = [
        (0, 360),
        (0, 318),
        (40, 300),
        (84, 286),
        (112, 292),
        (150, 270),
        (176, 276),
        (214, 266),
        (246, 288),
    ]
    ridge += [(286, 308), (330, 330), (400, 344), (720, 350), (720, 360)]
    _fill(image, [(float(x), float(y)) for x, y in ridge], (122, 44, 92))
    _fill(image, [(0, 360), (0, 338), (150, 332), (300, 350), (720, 356), (720, 360)], (92, 28, 66))
    pale = round(90 * (1 - bold))
    _saguaro(image, 46, 322, 70 + round(80 * bold), (110 + pale, 36 + pale, 84 + pale))
    _saguaro(image, 676, 348, 52, (110, 36, 84))


def mountains(image: Image, bold: float) -> None:
    """Snowy peaks along the foot, deep blue below, higher when `bold`."""
    height, width = image.shape[:2]
    peaks = [(0, 0.86), (0.12, 0.78), (0.2, 0.84), (0.34, 0.74), (0.45, 0.83), (0.6, 0.76), (0.72, 0.84)]
    peaks += [(0.85, 0.75), (1, 0.85)]
    line = [(x * width, (y + 0.04 * (0.5 - bold)) * height) for x, y in peaks]
    _fill(image, [*line, (width, height), (0, height)], (176, 118, 62))
    _fill(image, [(x, y + 26) for x, y in line] + [(width, height), (0, height)], (132, 72, 30))


def _sun(image: Image, x: int, y: int) -> None:
    """A sun with rays in four directions."""
    red = (34, 30, 176)
    cv2.circle(image, (x, y), 17, red, 4, cv2.LINE_AA)
    for offset in (-12, -4, 4, 12):
        far = 40 if abs(offset) == 4 else 30
        for sign in (-1, 1):
            cv2.line(image, (x + offset, y + 20 * sign), (x + offset, y + far * sign), red, 4, cv2.LINE_AA)
            cv2.line(image, (x + 20 * sign, y + offset), (x + far * sign, y + offset), red, 4, cv2.LINE_AA)


def _arch(image: Image, x: int, y: int) -> None:
    """A red rock arch."""
    rock = (48, 96, 208)
    outer = [(x - 36, y + 64), (x - 34, y - 6), (x - 16, y - 40), (x + 12, y - 42), (x + 34, y - 16)]
    outer += [(x + 38, y + 64), (x + 18, y + 64), (x + 16, y + 2), (x + 2, y - 18), (x - 12, y - 2)]
    outer += [(x - 14, y + 64)]
    _fill(image, [(float(a), float(b)) for a, b in outer], rock)


def _star(image: Image, x: int, y: int) -> None:
    """A lone five-pointed star."""
    turns = np.arange(10) * np.pi / 5 - np.pi / 2
    radius = np.where(np.arange(10) % 2 == 0, 34, 14)
    points = np.stack([x + radius * np.cos(turns), y + radius * np.sin(turns)], axis=1)
    _fill(image, [(float(a), float(b)) for a, b in points], (28, 26, 26))


def _mid_tab(image: Image, x: int, y: int) -> None:
    """A year tab in the middle of the serial, over a pale outline of the state's shield."""
    cv2.ellipse(image, (x, y + 6), (44, 84), 0, 0, 360, (208, 176, 120), 4, cv2.LINE_AA)
    cv2.rectangle(image, (x - 26, y - 38), (x + 26, y + 38), (224, 228, 228), -1)
    year = glyphs.stamped("7", 26, 40)
    ink(image, year, x - 13, y - 22, (40, 40, 40))


def _dot(image: Image, x: int, y: int) -> None:
    cv2.circle(image, (x, y), 12, (60, 70, 30), -1, cv2.LINE_AA)


def tab(image: Image, x: int, y: int, rng: np.random.Generator) -> None:
    """A registration tab centred at (x, y): month above, year below, in the colour of its year."""
    colours: tuple[Bgr, ...] = ((60, 60, 214), (200, 120, 30), (60, 150, 60), (40, 170, 240))
    colour = colours[int(rng.integers(len(colours)))]
    cv2.rectangle(image, (x - 40, y - 32), (x + 40, y + 32), colour, -1)
    cv2.rectangle(image, (x - 40, y - 32), (x + 40, y + 32), (235, 235, 235), 2)
    month = glyphs.printed(MONTHS[int(rng.integers(12))], 18, stroke=7)
    year = glyphs.printed(str(26 + int(rng.integers(3))), 26, stroke=8)
    ink(image, month, x - month.shape[1] // 2, y - 27, (250, 250, 250))
    ink(image, year, x - year.shape[1] // 2, y - 2, (250, 250, 250))


SCENERY: Mapping[str, Callable[[Image, float], None]] = {"desert": desert, "mountains": mountains}
SYMBOLS: Mapping[str, Callable[[Image, int, int], None]] = {
    "sun": _sun,
    "arch": _arch,
    "star": _star,
    "tab": _mid_tab,
    "dot": _dot,
}
