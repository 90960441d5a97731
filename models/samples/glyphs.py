"""Lettering: stamped serials and printed words, from the typeface that Pillow carries inside itself."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Mask = NDArray[np.uint8]

CELL_H = 200
"""Height in pixels at which glyphs are drawn before they are scaled."""


def _draw(text: str, stroke: int, spacing: int) -> Mask:
    """One line of text, cut to its ink. `stroke` thickens it, `spacing` is added after each letter (px)."""
    font = ImageFont.load_default(CELL_H)
    width = int(font.getlength(text)) + spacing * len(text) + 4 * stroke + 40
    image = Image.new("L", (width, CELL_H * 2), 0)
    pen = ImageDraw.Draw(image)
    x = 10.0 + stroke
    for letter in text:
        pen.text((x, 30), letter, fill=255, font=font, stroke_width=stroke)
        x += font.getlength(letter) + spacing
    return np.asarray(image, dtype=np.uint8)


def _trim(mask: Mask, rows: bool = True) -> Mask:
    """The part of a mask that holds ink (columns always, rows when asked)."""
    columns = np.flatnonzero(mask.max(axis=0))
    mask = mask[:, columns[0] : columns[-1] + 1]
    if not rows:
        return mask
    lines = np.flatnonzero(mask.max(axis=1))
    return mask[lines[0] : lines[-1] + 1]


def scaled(mask: Mask, width: int, height: int) -> Mask:
    """A mask at another size, averaged when it shrinks (h, w)."""
    size = (max(1, width), max(1, height))
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


@lru_cache(maxsize=256)
def stamped(letter: str, width: int, height: int, stroke: int = 9) -> Mask:
    """One character as a die stamps it: a narrow cell filled from edge to edge (h, w), 0 to 255.

    I and 1 keep their own narrow shape, centred.
    """
    ink = _trim(_draw(letter, stroke, 0))
    if letter == "I":
        body = scaled(ink, max(3, round(width * 0.26)), height)
    elif letter == "1":
        body = scaled(ink, max(3, round(width * 0.5)), height)
    else:
        body = scaled(ink, width, height)
    cell = np.zeros((height, width), np.uint8)
    left = (width - body.shape[1]) // 2
    cell[:, left : left + body.shape[1]] = body
    return cell


@lru_cache(maxsize=256)
def printed(text: str, height: int, stroke: int = 4, spacing: int = 8, slant: float = 0.0) -> Mask:
    """A printed word or line of `height` pixels (capital height about 0.75 of it), 0 to 255.

    `slant` is the shear of an italic hand: 0.3 leans by 0.3 of the height.
    """
    ink = _draw(text, stroke, spacing)[30 : 30 + int(CELL_H * 1.25)]
    if slant:
        h, w = ink.shape
        shear = np.array([[1.0, -slant, slant * h], [0.0, 1.0, 0.0]], np.float32)
        ink = np.asarray(cv2.warpAffine(ink, shear, (w + int(slant * h), h)), dtype=np.uint8)
    ink = _trim(ink)
    return scaled(ink, round(ink.shape[1] * height / ink.shape[0]), height)


def fit(
    text: str, height: int, max_width: int, stroke: int = 4, spacing: int = 8, slant: float = 0.0
) -> Mask:
    """A printed line, condensed sideways where it would be wider than `max_width` pixels."""
    mask = printed(text, height, stroke, spacing, slant)
    return mask if mask.shape[1] <= max_width else scaled(mask, max_width, height)
