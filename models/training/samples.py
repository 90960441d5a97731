"""Drawn samples: the crop of a serial and what it says."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from models.training.camera import WIDEST, framed, is_legible, photograph
from models.training.dice import Dice
from models.training.night import draw_sensor, lit
from models.training.plates import AROUND, draw_plate
from models.training.serials import draw_serial
from models.training.weather import weather
from platestream.reading.geometry import CROP_HEIGHT, Image
from platestream.reading.text_regions import crop_line

STEP = 8
"""Pixels of the crop's width that the recogniser turns into one step."""


class Sample(NamedTuple):
    crop: Image
    """48 x W x 3, BGR."""
    text: str


def draw(dice: Dice, night: float = 0.0) -> Sample:
    """One sample, with at least two of the recogniser's steps a character: CTC needs a gap between twins.

    `night` is the share of plates taken at night.
    """
    while True:
        serial = draw_serial(dice)
        flat = draw_plate(dice, serial)
        seen = replace(flat, picture=weather(dice, flat.picture))
        sensor = draw_sensor(dice) if night and dice.chance(night) else None
        if sensor is not None:
            seen = replace(seen, picture=lit(dice, sensor, seen.picture, AROUND))
        photo = photograph(dice, seen, sensor)
        framing = framed(dice, seen, photo)
        if sensor is not None and not is_legible(flat.picture, photo, framing):
            continue
        crop = crop_line(photo.image, *framing)
        if crop.shape[1] // STEP >= 2 * len(serial.text):
            return Sample(crop, serial.text)


def contact_sheet(samples: Sequence[Sample], columns: int = 5) -> Image:
    """The crops in rows, each with its text below."""
    tiles = [_tile(sample) for sample in samples]
    tiles += [np.full_like(tiles[0], 255) for _ in range(-len(tiles) % columns)]
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


def _tile(sample: Sample) -> Image:
    tile = np.full((CROP_HEIGHT + 18, WIDEST + 6, 3), 255, np.uint8)
    tile[:CROP_HEIGHT, : sample.crop.shape[1]] = sample.crop
    where = (2, CROP_HEIGHT + 14)
    cv2.putText(tile, sample.text, where, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 200), 1, cv2.LINE_AA)
    return tile
