"""A sheet of small pictures with captions, for people who check what a reader missed."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from platestream.reading.drawing import Image

TILE, CAPTION, COLUMNS = (300, 200), 44, 4
"""Width and height of a tile's picture and height of its caption in pixels; tiles in a row."""


class Tile(NamedTuple):
    """One small picture and the lines of text below it, two at most."""

    picture: Image
    lines: Sequence[str]


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
