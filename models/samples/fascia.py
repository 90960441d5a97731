"""The face a vehicle shows: lamps, grille, bumper and badge in front, tailgate and lamps behind.

Drawn flat at 400 pixels a metre and laid onto the vehicle's end; row 0 is the upper edge of the body.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.samples.vehicle_shapes import Body, deck_height, half_width

Image = NDArray[np.uint8]
Colour = tuple[float, float, float]

PER_M = 400

DARK: Colour = (26, 26, 28)
CHROME: Colour = (206, 204, 200)


class _Sheet:
    """A drawing surface in metres: x from the middle of the vehicle, y above the ground."""

    def __init__(self, half: float, bottom: float, top: float, colour: Colour) -> None:
        self.half, self.top = half, top
        self.pixels: Image = np.full(
            (round((top - bottom) * PER_M), round(2 * half * PER_M), 3), colour, np.uint8
        )

    def at(self, x: float, y: float) -> tuple[int, int]:
        return round((x + self.half) * PER_M), round((self.top - y) * PER_M)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour, radius: float = 0.02) -> None:
        """A filled rectangle with round corners."""
        (a, b), (c, d) = self.at(min(x0, x1), max(y0, y1)), self.at(max(x0, x1), min(y0, y1))
        r = min(round(radius * PER_M), (c - a) // 2, (d - b) // 2)
        cv2.rectangle(self.pixels, (a + r, b), (c - r, d), colour, -1)
        cv2.rectangle(self.pixels, (a, b + r), (c, d - r), colour, -1)
        for x in (a + r, c - r):
            for y in (b + r, d - r):
                cv2.circle(self.pixels, (x, y), r, colour, -1, cv2.LINE_AA)

    def shape(self, points: list[tuple[float, float]], colour: Colour) -> None:
        corners = np.array([self.at(x, y) for x, y in points], np.int32)
        cv2.fillPoly(self.pixels, [corners], colour, cv2.LINE_AA)

    def pair(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """A shape and its mirror image."""
        self.shape(points, colour)
        self.shape([(-x, y) for x, y in points], colour)

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: Colour, width: int = 2) -> None:
        cv2.line(self.pixels, self.at(x0, y0), self.at(x1, y1), colour, width, cv2.LINE_AA)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        for side in (-1, 1):
            cv2.circle(self.pixels, self.at(side * x, y), round(radius * PER_M), colour, -1, cv2.LINE_AA)


def _mix(colour: Colour, other: Colour, share: float) -> Colour:
    b, g, r = (a + (o - a) * share for a, o in zip(colour, other, strict=True))
    return b, g, r


def extent(body: Body, front: bool) -> tuple[float, float, float]:
    """Half width, lower and upper edge in metres of the end that faces the camera."""
    z = np.array([body.length if front else 0.0])
    return float(half_width(body, z)[0]), body.clearance + 0.04, deck_height(body, front)


def plate_height(body: Body, front: bool) -> float:
    """Height above the ground, in metres, of the middle of the plate."""
    _, bottom, top = extent(body, front)
    if front:
        return bottom + 0.2
    return bottom + 0.19 if body.bed else bottom + (top - bottom) * 0.56


def draw(body: Body, colour: Colour, front: bool, lit: bool) -> Image:
    """The vehicle's end as BGRA; `lit` switches head or tail lamps on."""
    half, bottom, top = extent(body, front)
    sheet = _Sheet(half, bottom, top, colour)
    if front:
        _nose(sheet, body, colour, bottom, lit)
    else:
        _tail(sheet, body, colour, bottom, lit)
    return _finish(sheet.pixels)


def _nose(sheet: _Sheet, body: Body, colour: Colour, bottom: float, lit: bool) -> None:
    half, top = sheet.half, sheet.top
    tall = top - bottom
    grille_top, grille_foot = top - 0.09 * tall, bottom + 0.55 * tall
    wide = 0.62 if body.bed else 0.48
    sheet.line(-half, top - 0.03, half, top - 0.03, _mix(colour, DARK, 0.7), 3)
    sheet.box(-wide, grille_foot, wide, grille_top, CHROME, 0.04)
    sheet.box(-wide + 0.02, grille_foot + 0.02, wide - 0.02, grille_top - 0.02, (18, 18, 20), 0.03)
    for y in np.linspace(grille_foot + 0.045, grille_top - 0.045, 4):
        sheet.line(-wide + 0.03, y, wide - 0.03, y, (74, 74, 76), 4)
    middle = (grille_foot + grille_top) / 2
    cv2.ellipse(sheet.pixels, sheet.at(0, middle), (32, 20), 0, 0, 360, CHROME, -1, cv2.LINE_AA)
    cv2.ellipse(sheet.pixels, sheet.at(0, middle), (24, 13), 0, 0, 360, (120, 70, 30), -1, cv2.LINE_AA)
    lamp = [(wide + 0.03, grille_top), (half - 0.04, grille_top + 0.02), (half - 0.015, grille_foot + 0.08),
            (wide + 0.06, grille_foot + 0.04)]  # fmt: skip
    sheet.pair([(x, y) for x, y in lamp], (44, 44, 46))
    sheet.pair([(x * 0.985 + 0.01, y - 0.006) for x, y in lamp], (196, 194, 190))
    centre = ((wide + half) / 2, (grille_top + grille_foot) / 2 + 0.03)
    sheet.disc(*centre, 0.062, (90, 88, 86))
    sheet.disc(*centre, 0.05, (255, 255, 255) if lit else (232, 230, 226))
    blinker = [(half - 0.1, grille_foot + 0.09), (half - 0.03, grille_foot + 0.1),
               (half - 0.03, grille_top - 0.04), (half - 0.08, grille_top - 0.04)]  # fmt: skip
    sheet.pair(blinker, (40, 140, 240))
    sheet.line(-half, bottom + 0.5 * tall, half, bottom + 0.5 * tall, _mix(colour, DARK, 0.5), 3)
    sheet.box(-half * 0.72, bottom + 0.015, half * 0.72, bottom + 0.11, DARK, 0.03)
    sheet.pair([(half - 0.3, bottom + 0.1), (half - 0.08, bottom + 0.13), (half - 0.08, bottom + 0.24),
                (half - 0.24, bottom + 0.22)], (34, 34, 36))  # fmt: skip
    sheet.disc(half - 0.17, bottom + 0.17, 0.035, (220, 220, 214))
    if body.bed:
        sheet.box(-half, bottom, half, bottom + 0.17, _mix(CHROME, (120, 120, 124), 0.5), 0.03)


def _tail(sheet: _Sheet, body: Body, colour: Colour, bottom: float, lit: bool) -> None:
    half, top = sheet.half, sheet.top
    tall = top - bottom
    seam = _mix(colour, DARK, 0.62)
    bumper = bottom + 0.36 * tall
    lamp: Colour = (60, 50, 255) if lit else (38, 30, 176)
    if body.bed:
        _tailgate(sheet, colour, bottom, lamp)
        return
    shadow = _mix(colour, DARK, 0.3)
    sheet.box(-0.3, bumper + 0.03, 0.3, bumper + 0.03 + tall * 0.36, shadow, 0.03)
    sheet.line(-half + 0.24, bumper + 0.01, half - 0.24, bumper + 0.01, seam, 3)
    sheet.line(-half + 0.24, bumper + 0.01, -half + 0.3, top, seam, 3)
    sheet.line(half - 0.24, bumper + 0.01, half - 0.3, top, seam, 3)
    sheet.box(-0.3, bumper + tall * 0.42, 0.3, bumper + tall * 0.46, _mix(colour, CHROME, 0.7), 0.01)
    tail_top = top - 0.05
    outline = [(half - 0.36, tail_top), (half - 0.02, tail_top + 0.01), (half - 0.015, bumper + 0.08),
               (half - 0.22, bumper + 0.1)]  # fmt: skip
    sheet.pair(outline, (20, 14, 60))
    sheet.pair([(x * 0.975 + 0.012, y - 0.008) for x, y in outline], lamp)
    sheet.pair([(half - 0.29, tail_top - 0.09), (half - 0.19, tail_top - 0.09), (half - 0.19, bumper + 0.16),
                (half - 0.25, bumper + 0.16)], (226, 224, 224))  # fmt: skip
    sheet.line(-half, bumper - 0.02, half, bumper - 0.02, _mix(colour, (255, 255, 255), 0.25), 4)
    sheet.box(-half * 0.8, bottom, half * 0.8, bottom + 0.09, DARK, 0.03)
    sheet.pair([(half - 0.3, bottom + 0.12), (half - 0.12, bottom + 0.12), (half - 0.12, bottom + 0.155),
                (half - 0.3, bottom + 0.155)], (36, 26, 150))  # fmt: skip
    sheet.disc(half * 0.62, bottom + 0.03, 0.035, (70, 70, 72))


def _tailgate(sheet: _Sheet, colour: Colour, bottom: float, lamp: Colour) -> None:
    """A pickup's end: gate between upright lamps, chromed step bumper with the plate in its middle."""
    half, top = sheet.half, sheet.top
    step = bottom + 0.3
    seam = _mix(colour, DARK, 0.65)
    sheet.box(-half + 0.2, step + 0.05, half - 0.2, top - 0.025, _mix(colour, (255, 255, 255), 0.06), 0.02)
    cv2.rectangle(
        sheet.pixels, sheet.at(-half + 0.19, top - 0.02), sheet.at(half - 0.19, step + 0.03), seam, 3
    )
    sheet.box(-half + 0.36, step + 0.14, half - 0.36, top - 0.2, _mix(colour, DARK, 0.14), 0.05)
    sheet.box(-0.12, top - 0.15, 0.12, top - 0.08, DARK, 0.02)
    for side in (-1, 1):
        sheet.box(side * (half - 0.18), step + 0.06, side * (half - 0.015), top - 0.03, (20, 14, 60), 0.03)
        sheet.box(side * (half - 0.17), step + 0.2, side * (half - 0.025), top - 0.045, lamp, 0.03)
        sheet.box(
            side * (half - 0.165), step + 0.08, side * (half - 0.03), step + 0.18, (224, 222, 222), 0.02
        )
    sheet.box(-half, bottom, half, step, _mix(CHROME, (90, 92, 96), 0.35), 0.03)
    sheet.box(-half, step - 0.06, half, step, (58, 58, 60), 0.02)
    sheet.box(-0.28, bottom + 0.02, 0.28, step - 0.01, (48, 48, 50), 0.03)


def _finish(pixels: Image) -> Image:
    """Shades the sheet from top to bottom and rounds its corners in the alpha channel."""
    height, width = pixels.shape[:2]
    curve = np.interp(np.linspace(0, 1, height), [0, 0.1, 0.45, 0.62, 1], [1.16, 1.02, 0.96, 0.88, 0.66])
    across = np.interp(np.abs(np.linspace(-1, 1, width)), [0, 0.75, 1], [1.0, 0.98, 0.78])
    shaded = np.clip(pixels * (curve[:, None] * across[None])[..., None], 0, 255).astype(np.uint8)
    alpha = np.zeros((height, width), np.uint8)
    r = round(height * 0.16)
    cv2.rectangle(alpha, (r, 0), (width - r, height), (255,), -1)
    cv2.rectangle(alpha, (0, r), (width, height - r), (255,), -1)
    for x in (r, width - r - 1):
        for y in (r, height - r - 1):
            cv2.circle(alpha, (x, y), r, (255,), -1, cv2.LINE_AA)
    return np.dstack([shaded, alpha])
