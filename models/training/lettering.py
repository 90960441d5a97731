"""Letters as masks (height x width, 0 to 255), from the fonts that `npm ci` lays out in this folder.

Seventy narrow, round and monospaced families, and the dies that `models.training.dies` draws: a font is named
by its file or as a die is. Without those files Pillow's own font is used: drawing works everywhere, less
variously.
"""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.training.dice import Dice
from models.training.dies import PREFIX, pressed
from models.training.paint import Mask, scaled

FOLDER = Path(__file__).parent / "node_modules" / "@fontsource"
WEIGHTS = (400, 500, 600, 700)
PILLOWS_OWN = ""
"""The name under which Pillow's own font goes."""

SIZE = 96
"""Pixels an em, at which glyphs are drawn before they are scaled down."""


@lru_cache
def fonts(folder: Path = FOLDER) -> tuple[str, ...]:
    """Files of the Latin fonts in a folder of @fontsource packages, in order of their names."""
    found = [
        path
        for package in sorted(folder.glob("*"))
        for weight in WEIGHTS
        if (path := package / "files" / f"{package.name}-latin-{weight}-normal.woff").is_file()
    ]
    return tuple(str(path) for path in found) or (PILLOWS_OWN,)


@lru_cache(maxsize=300)
def _font(name: str) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(SIZE) if name == PILLOWS_OWN else ImageFont.truetype(name, SIZE)


@lru_cache(maxsize=20_000)
def glyph(font: str, character: str) -> Mask:
    """One character, cut to its ink. What a font does not draw is a solid bar."""
    if font.startswith(PREFIX):
        return pressed(font, character)
    canvas = Image.new("L", (160, 160), 0)
    ImageDraw.Draw(canvas).text((30, 20), character, fill=255, font=_font(font))
    ink = np.asarray(canvas)
    rows, columns = np.flatnonzero(ink.max(axis=1)), np.flatnonzero(ink.max(axis=0))
    if not len(rows):
        return np.full((8, 4), 255, np.uint8)
    return np.ascontiguousarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def shaped(font: str, character: str, width: int, height: int, weight: int = 0) -> Mask:
    """One character in a size (pixels); `weight` thickens its strokes (1, 2) or thins them (-1)."""
    mask = scaled(glyph(font, character), width, height)
    if not weight:
        return mask
    brush = np.ones((3, 3) if weight > 1 else (2, 2), np.uint8)
    return np.asarray((cv2.dilate if weight > 0 else cv2.erode)(mask, brush), np.uint8)


def word(dice: Dice, text: str, font: str, height: int) -> Mask:
    """A line of small print, `height` pixels high."""
    gap = max(1, int(height * dice.uniform(0.08, 0.25)))
    return np.hstack([_printed(character, font, height, gap) for character in text])


def _printed(character: str, font: str, height: int, gap: int) -> Mask:
    if character == " ":
        return np.zeros((height, height // 3), np.uint8)
    if character in "-.":
        thin = max(1, height // 8)
        size = max(2, height // 4 if character == "-" else thin), thin
    else:
        natural = glyph(font, character)
        tall = max(2, int(height * 0.72)) if character in "acemnorsuvwxz" else height
        size = max(1, int(natural.shape[1] * tall / natural.shape[0])), tall
    cell = np.zeros((height, size[0] + gap), np.uint8)
    cell[height - size[1] :, : size[0]] = scaled(glyph(font, character), *size)
    return cell
