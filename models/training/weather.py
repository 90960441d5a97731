"""Dirt, shadow, fading and night, on a plate and over it."""

import cv2
import numpy as np

from models.training.dice import Dice
from models.training.paint import Picture, tone


def weather(dice: Dice, picture: Picture) -> Picture:
    """A copy of the picture, each kind laid over it in its share of the cases."""
    picture = picture.copy()
    height, width = picture.shape[:2]
    if dice.chance(0.35):  # dirt, in patches
        cover = _cloud(dice, height, width, dice.randint(3, 9)) - np.float32(dice.uniform(0.4, 0.9))
        cover = np.clip(cover * 2, 0, dice.uniform(0.2, 0.8)).astype(np.float32)
        picture += (tone(dice, 40, 140) - picture) * cover
    if dice.chance(0.4):  # uneven light
        picture *= 1 - np.float32(dice.uniform(0.1, 0.6)) * np.clip(_cloud(dice, height, width, 2), 0, 1)
    if dice.chance(0.12):  # the edge of a shadow
        slope, level = dice.uniform(-0.6, 0.6), height * dice.uniform(0.2, 0.8)
        y, x = np.mgrid[:height, :width]
        picture[y - level > slope * (x - width / 2)] *= np.float32(dice.uniform(0.35, 0.8))
    if dice.chance(0.2):  # faded by sun, or seen through haze
        picture += (np.float32(dice.uniform(120, 220)) - picture) * np.float32(dice.uniform(0.2, 0.6))
    if dice.chance(0.3):  # dusk and night
        picture *= np.float32(dice.uniform(0.25, 0.8))
    return picture


def _cloud(dice: Dice, height: int, width: int, cells: int) -> Picture:
    """A smooth random field (height, width, 1), about 0 to 1, `cells` lumps high and twice as many wide."""
    coarse = dice.arrays.random((cells, cells * 2), dtype=np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth, np.float32)[..., None]
