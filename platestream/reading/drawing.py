"""Pictures for people who check a reader: reads drawn into a picture, and a sheet of small ones."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from platestream.schemas.reading import PlateRead

Image = npt.NDArray[np.uint8]

GREEN, AMBER = (80, 220, 80), (40, 170, 250)
CONFIDENT = 0.9
"""Confidence from which a box is green."""
TILE, CAPTION, COLUMNS = (300, 200), 44, 4
"""Width and height of a tile's picture and height of its caption in pixels; tiles in a row."""


class Tile(NamedTuple):
    """One small picture and the lines of text below it, two at most."""

    picture: Image
    lines: Sequence[str]


def annotate(image: Image, reads: Sequence[PlateRead]) -> Image:
    """Return a copy of the picture with each plate's box, text, state and confidence."""
    drawn = image.copy()
    thick = max(image.shape[1] // 600, 1)
    for read in reads:
        x, y, width, height = read.box
        colour = GREEN if read.confidence >= CONFIDENT else AMBER
        cv2.rectangle(drawn, (x, y), (x + width, y + height), colour, thick)
        caption = f"{read.plate} {read.state or '--'} {read.confidence:.2f}"
        below = y + height + 24 * thick
        at = (x, below if below < image.shape[0] else max(y - 8, 24 * thick))
        cv2.putText(
            drawn, caption, at, cv2.FONT_HERSHEY_SIMPLEX, 0.7 * thick, (0, 0, 0), 3 * thick, cv2.LINE_AA
        )
        cv2.putText(drawn, caption, at, cv2.FONT_HERSHEY_SIMPLEX, 0.7 * thick, colour, thick, cv2.LINE_AA)
    return drawn


def contact_sheet(tiles: Sequence[Tile]) -> Image:
    """Return all tiles on one sheet, four in a row; a small gray picture when there is none."""
    made = [_tile(tile) for tile in tiles] or [np.full((CAPTION, TILE[0], 3), 128, np.uint8)]
    made += [np.zeros_like(made[0])] * (-len(made) % COLUMNS)
    rows = [np.hstack(made[i : i + COLUMNS]) for i in range(0, len(made), COLUMNS)]
    return np.asarray(np.vstack(rows), np.uint8)


def _tile(tile: Tile) -> Image:
    width, height = TILE
    scale = min((width - 4) / tile.picture.shape[1], height / tile.picture.shape[0])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(tile.picture, None, fx=scale, fy=scale, interpolation=how)
    sheet = np.zeros((height + CAPTION, width, 3), np.uint8)
    sheet[: small.shape[0], : small.shape[1]] = small[:height, :width]
    for row, line in enumerate(tile.lines[:2]):
        at = (4, height + 17 + 20 * row)
        cv2.putText(sheet, line, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return sheet
