"""Shadows, lamps, rain, motion and the sensor's noise, between the street and the file."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.samples.geometry import Floats
from models.samples.noise import octaves

Picture = NDArray[np.float32]


def put(picture: Picture, layer: Picture, left: int, top: int) -> None:
    """Lays a premultiplied BGRA layer (0 to 255) over a picture, its corner at (left, top)."""
    height, width = picture.shape[:2]
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(width, left + layer.shape[1]), min(height, top + layer.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    part = layer[y0 - top : y1 - top, x0 - left : x1 - left]
    under = picture[y0:y1, x0:x1]
    under *= 1 - part[..., 3:] / 255
    under += part[..., :3]


def shadow(picture: Picture, corners: Floats, strength: float, soft: float) -> None:
    """Darkens the ground within a polygon (n, 2) px; `soft` is the blur's sigma in px."""
    height, width = picture.shape[:2]
    mask = np.zeros((height // 4, width // 4), np.uint8)
    cv2.fillPoly(mask, [np.clip(corners / 4, -4000, 4000).round().astype(np.int32)], (255,))
    cover = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), max(0.8, soft / 4))
    cover = cv2.resize(cover, (width, height), interpolation=cv2.INTER_LINEAR)
    picture *= (1 - cover * (strength / 255))[..., None]


def glow(
    picture: Picture, x: float, y: float, radius: float, colour: tuple[float, float, float], power: float
) -> None:
    """Adds the halo of a lamp at (x, y): bright core, wide skirt of `radius` px."""
    reach = int(radius * 4)
    x0, x1 = max(0, int(x) - reach), min(picture.shape[1], int(x) + reach)
    y0, y1 = max(0, int(y) - reach), min(picture.shape[0], int(y) + reach)
    if x1 <= x0 or y1 <= y0:
        return
    gy, gx = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    square = ((gx - x) ** 2 + (gy - y) ** 2) / radius**2
    halo = np.exp(-square * 6) + 0.32 * np.exp(-square) + 0.1 * np.exp(-square / 4)
    picture[y0:y1, x0:x1] += halo[..., None] * (np.array(colour, np.float32) * power)


def motion_blur(layer: Picture, length: float, angle: float) -> Picture:
    """Smears a layer over `length` px along `angle` (degrees, 0 is to the right, 90 down)."""
    size = int(length) | 1
    if size < 3:
        return layer
    kernel = np.zeros((size, size), np.float32)
    half = size / 2 - 0.5
    dx, dy = half * np.cos(np.radians(angle)), half * np.sin(np.radians(angle))
    a, b = (round(half - dx), round(half - dy)), (round(half + dx), round(half + dy))
    cv2.line(kernel, a, b, (1.0,), 1, cv2.LINE_AA)
    return np.asarray(
        cv2.filter2D(layer, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE), np.float32
    )


def wet_mirror(picture: Picture, layer: Picture, left: int, foot: int, strength: float) -> None:
    """The blurred mirror image of a vehicle's layer on a wet road, below its foot row (px)."""
    flipped = cv2.GaussianBlur(np.ascontiguousarray(layer[::-1]), (0, 0), sigmaX=3, sigmaY=14)
    fade = np.linspace(strength, 0, flipped.shape[0], dtype=np.float32)[:, None, None]
    put(picture, flipped * fade, left, foot)


def rain(picture: Picture, amount: float, rng: np.random.Generator) -> Picture:
    """Streaks, mist and some drops on the glass; `amount` from 0 (none) to 1 (downpour)."""
    height, width = picture.shape[:2]
    scale = width / 1280
    streaks = np.zeros((height, width), np.float32)
    for _ in range(int(900 * amount)):
        x, y = rng.uniform(-40, width), rng.uniform(-60, height)
        length = rng.uniform(10, 42) * scale
        end = (int(x + length * 0.16), int(y + length))
        cv2.line(streaks, (int(x), int(y)), end, (float(rng.uniform(0.12, 0.5)),), 1, cv2.LINE_AA)
    mist = np.float32(picture.mean()) * 1.1 + 12
    out = picture + (mist - picture) * (0.22 * amount)
    out = out + (np.float32(236) - out) * (cv2.GaussianBlur(streaks, (0, 0), 0.8) * 0.75)[..., None]
    return _drops(np.asarray(out, np.float32), int(14 * amount), rng)


def _drops(picture: Picture, count: int, rng: np.random.Generator) -> Picture:
    """Out-of-focus drops on the camera's glass: a blurred, lifted copy of what is behind them."""
    if count == 0:
        return picture
    soft = cv2.GaussianBlur(picture, (0, 0), 9)
    mask = np.zeros(picture.shape[:2], np.float32)
    for _ in range(count):
        centre = (int(rng.uniform(0, picture.shape[1])), int(rng.uniform(0, picture.shape[0])))
        cv2.circle(mask, centre, int(rng.uniform(6, 20) * picture.shape[1] / 1280), (1.0,), -1, cv2.LINE_AA)
    cover = cv2.GaussianBlur(mask, (0, 0), 2)[..., None]
    return np.asarray(picture + (soft * 1.05 + 6 - picture) * cover * 0.8, np.float32)


def sensor(picture: Picture, grain: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Vignette and noise (sigma `grain` levels, a bit coarser than a pixel), then 8 bits."""
    height, width = picture.shape[:2]
    field = _grain_tile(height, width)
    shift = (int(rng.integers(height)), int(rng.integers(width)))
    noisy = picture * _vignette(height, width) + np.roll(field, shift, axis=(0, 1)) * np.float32(grain)
    return np.clip(noisy, 0, 255).astype(np.uint8)


_tiles: dict[tuple[int, int, str], Picture] = {}


def _grain_tile(height: int, width: int) -> Picture:
    """Unit noise (h, w, 1), drawn once a size; `sensor` shifts it."""
    key = (height, width, "grain")
    if key not in _tiles:
        field = np.random.default_rng(20).standard_normal((height, width), dtype=np.float32)
        soft = np.asarray(cv2.GaussianBlur(field, (0, 0), 0.7), np.float32)
        _tiles[key] = np.asarray(soft / soft.std(), np.float32)[..., None]
    return _tiles[key]


def _vignette(height: int, width: int) -> Picture:
    """Brightness factors (h, w, 1): 1 in the middle, about 0.82 in the corners."""
    key = (height, width, "vignette")
    if key not in _tiles:
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, width, dtype=np.float32)[None]
        _tiles[key] = np.asarray(1 - 0.09 * (x * x + y * y), np.float32)[..., None]
    return _tiles[key]


def grime(picture: Picture, rng: np.random.Generator) -> Picture:
    """Dust on the lens: a faint uneven veil."""
    field = cv2.resize(octaves(rng, 256, 4, 4), picture.shape[1::-1])
    return np.asarray(picture + (np.float32(150) - picture) * (0.12 * field)[..., None], np.float32)
