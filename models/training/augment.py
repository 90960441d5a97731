"""Changes made to a sample each time it is trained on: cheaper than drawing, so one drawing serves often."""

import cv2
import numpy as np

from models.training.dice import Dice
from platestream.reading.geometry import CROP_HEIGHT, Image


def augment(dice: Dice, crop: Image) -> Image:
    """Another crop of the same size: colours, gamma, place, noise, a speck."""
    crop = _colours(dice, crop)
    if dice.chance(0.4):
        gamma = dice.uniform(0.6, 1.6)
        curve = (255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
        crop = np.asarray(cv2.LUT(np.ascontiguousarray(crop), curve), np.uint8)
    if dice.chance(0.4):
        crop = _moved(dice, crop)
    if dice.chance(0.2):
        noise = dice.arrays.standard_normal(crop.shape, dtype=np.float32) * np.float32(dice.uniform(2, 10))
        crop = np.clip(crop + noise, 0, 255).astype(np.uint8)
    return _speck(dice, crop) if dice.chance(0.12) else crop


def _colours(dice: Dice, crop: Image) -> Image:
    """Grey, as infrared cameras see; or channels swapped; now and then a negative."""
    if dice.chance(0.3):
        grey = cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_BGR2GRAY)
        crop = np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=2)
    elif dice.chance(0.3):
        crop = crop[..., dice.arrays.permutation(3)]
    return 255 - crop if dice.chance(0.06) else crop


def _moved(dice: Dice, crop: Image) -> Image:
    """Scaled by up to 8 %, leaning and shifted by some pixels."""
    matrix = np.array(
        [
            [dice.uniform(0.93, 1.07), dice.uniform(-0.06, 0.06), dice.uniform(-2, 2)],
            [dice.uniform(-0.01, 0.01), dice.uniform(0.92, 1.08), dice.uniform(-2.5, 2.5)],
        ],
        np.float32,
    )
    size = (crop.shape[1], crop.shape[0])
    crop = np.ascontiguousarray(crop)
    return np.asarray(cv2.warpAffine(crop, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _speck(dice: Dice, crop: Image) -> Image:
    """A patch of one colour: mud, a bolt, a chip in the paint."""
    crop = crop.copy()
    x, y = dice.randint(0, crop.shape[1] - 4), dice.randint(0, CROP_HEIGHT - 8)
    crop[y : y + dice.randint(2, 10), x : x + dice.randint(2, 10)] = dice.arrays.integers(0, 255, 3)
    return crop
