"""Color of a vehicle from statistics of the pixels around its plate, by a small network of three.

Colors of five regions, weighted toward the body beside and above the plate, are counted softly: hues, and
brightness of what has none, by itself and between the picture's own darkest and brightest parts. The color is
given by day only, because infrared light shows none.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from platestream.reading.geometry import Image
from platestream.reading.infrared import sees_infrared
from platestream.reading.ocr import VEHICLE_COLOR, shipped_model

Floats = npt.NDArray[np.float32]

COLORS = ("white", "silver", "gray", "black", "red", "blue", "green", "beige", "yellow", "orange", "purple")
PIXELS = 96
REGIONS = ((0.5, 0.6, 0.28, 0.16), (0.28, 0.62, 0.12, 0.12), (0.72, 0.62, 0.12, 0.12), (0.5, 0.45, 0.3, 0.1))
"""Center and size of the regions, relative to the view; a fifth is all of it."""
HUES, RELATIVE, ABSOLUTE = (
    12,
    (0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1),
    (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95),
)
DARKEST, COLORED = 40.0, 20.0
"""Median gray value, and saturation of the most colored tenth, below which a picture shows no color."""


class ColorModel:
    """The network. Raises ModelError if its file is not the shipped one."""

    def __init__(self) -> None:
        with np.load(shipped_model(VEHICLE_COLOR)) as stored:
            self._weights = ColorWeights(*(stored[name] for name in ColorWeights._fields))

    def shares(self, view: Image) -> Floats:
        """Return the probabilities of COLORS for a view (BGR)."""
        return self._weights.shares(features(view))


class ColorWeights(NamedTuple):
    """Weights: mean and spread of the features; of three networks the hidden layer and the output."""

    mean: Floats
    spread: Floats
    hidden: Floats
    hidden_bias: Floats
    out: Floats
    out_bias: Floats

    def shares(self, found: Floats) -> Floats:
        """Return the mean probabilities of the networks for features."""
        scaled = (found - self.mean) / self.spread
        hidden = np.maximum(np.einsum("f,nhf->nh", scaled, self.hidden) + self.hidden_bias, 0)
        logits = np.einsum("nh,nch->nc", hidden, self.out) + self.out_bias
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray((raised / raised.sum(axis=1, keepdims=True)).mean(axis=0), np.float32)


def shows_color(image: Image) -> bool:
    """Return whether a picture has light and color enough: not night, infrared, or a camera without color."""
    saturation = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)[..., 1]
    bright = float(np.median(image)) >= DARKEST
    return bright and float(np.percentile(saturation, 90)) >= COLORED and not sees_infrared(image)


def features(view: Image) -> Floats:
    """Return the statistics of a view, 164 numbers."""
    small = cv2.resize(view, (PIXELS, PIXELS), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB).reshape(-1, 3).astype(np.float32)
    light, a, b = lab[:, 0] / 255, (lab[:, 1] - 128) / 64, (lab[:, 2] - 128) / 64
    low, high = (float(one) for one in np.percentile(light, (3, 97)))
    between = np.clip((light - low) / max(high - low, 0.1), 0, 1)
    chroma, hue = np.hypot(a, b), np.arctan2(b, a)
    colored, plain = np.clip(chroma * 3, 0, 1), np.clip(1 - chroma * 3, 0, 1)
    counts = [np.maximum(0, np.cos(hue - 2 * np.pi * k / HUES)) ** 8 * colored for k in range(HUES)]
    counts += [np.exp(-(((between - level) / 0.1) ** 2)) * plain for level in RELATIVE]
    counts += [np.exp(-(((light - level) / 0.1) ** 2)) * plain for level in ABSOLUTE]
    # Not by `@`: the threads of the BLAS library wait for each other by spinning, at ten times the cost.
    means = np.einsum("rp,fp->rf", _REGIONS, np.stack([*counts, light, between, a, b, chroma]))
    every = [means.reshape(-1), [low, high, light.mean(), light.std()]]
    return np.asarray(np.concatenate(every), np.float32)


def _regions() -> Floats:
    """Return the weight of each pixel in each region, regions x pixels; those of a region sum to 1."""
    y, x = np.mgrid[0:PIXELS, 0:PIXELS] / PIXELS
    soft = [np.exp(-(((x - u) / wide) ** 2) - ((y - v) / high) ** 2) for u, v, wide, high in REGIONS]
    rows = np.stack([*soft, np.ones_like(x)]).reshape(len(REGIONS) + 1, -1)
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), np.float32)


_REGIONS = _regions()
