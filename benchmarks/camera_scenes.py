"""Scenes of a fixed camera for the picture's health: a still street, light of a day, what passes, and faults.

Each scenario is a generator of seconds and pictures. What is drawn over the still picture is drawn by chance
with a seed, so that a run can be repeated.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from platestream.cameras.capture import Pixels

STEP = 20.0
"""Seconds between two pictures."""
DAY = 86_400.0
Chance = np.random.Generator
Floats = npt.NDArray[np.float32]
SIZE = (640, 360)


def drawn_street(seed: int = 0) -> Pixels:
    """Return a drawn street: sky, houses with windows, a road with markings, signs."""
    chance = np.random.default_rng(seed)
    wide, high = 960, 540
    picture = np.zeros((high, wide, 3), np.uint8)
    picture[:] = np.linspace(225, 150, high).astype(np.uint8)[:, None, None]
    picture[high // 2 :] = (95, 98, 100)
    for left in range(-20, wide, 150):
        top, right = int(chance.integers(60, 170)), left + int(chance.integers(90, 150))
        shade = tuple(int(one) for one in chance.integers(70, 180, 3))
        cv2.rectangle(picture, (left, top), (right, high // 2 + 20), shade, -1)
        for x in range(left + 12, right - 20, 34):
            for y in range(top + 15, high // 2 - 20, 44):
                cv2.rectangle(picture, (x, y), (x + 18, y + 26), (45, 50, 55), -1)
    for x in range(0, wide, 110):
        cv2.line(picture, (x, 400), (x + 60, 400), (215, 215, 215), 6)
    cv2.line(picture, (0, 300), (wide, 330), (200, 200, 200), 5)
    grain = chance.normal(0, 7, (high // 2, wide // 2, 1)).astype(np.float32)
    spread = np.asarray(cv2.resize(grain, (wide, high)), np.float32)[:, :, None]
    whole = np.clip(picture + spread, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(whole, SIZE, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True)
class Light:
    """Light of the sun, 0 to 1; `lamps`: the street has lamps; `infrared`: the camera switches at dusk."""

    sun: float
    lamps: bool = True
    infrared: bool = False


def sun_at(seconds: float) -> float:
    """Return the light of the sun, 1 at day, 0 at night, with an hour of dusk and of dawn."""
    hour = seconds / 3600 % 24
    return float(np.clip(min((hour - 5.5) / 1.0, (19.5 - hour) / 1.0), 0, 1))


@functools.cache
def _lamps(high: int, wide: int) -> Floats:
    """Return the light of two street lamps on the picture, 0 to 1."""
    spots = np.zeros((high, wide), np.float32)
    for x in (wide // 4, 3 * wide // 4):
        cv2.circle(spots, (x, int(high * 0.75)), wide // 6, (1.0,), -1)
    return np.asarray(cv2.GaussianBlur(spots, (0, 0), wide / 20), np.float32)[:, :, None]


def _noise(chance: Chance, high: int, wide: int) -> Floats:
    """Return noise of the sensor: a part of one large picture of noise, which costs less than new noise."""
    key = (high, wide)
    if key not in _NOISE:
        _NOISE[key] = np.random.default_rng(0).standard_normal((high + 64, wide + 64), np.float32)
    top, left = chance.integers(0, 64, 2)
    return _NOISE[key][top : top + high, left : left + wide]


_NOISE: dict[tuple[int, int], Floats] = {}


def lit(street: Pixels, light: Light, chance: Chance) -> Pixels:
    """Return the street in a light, with the noise of the sensor and the camera's gain."""
    high, wide = street.shape[:2]
    scene = street.astype(np.float32)
    if light.infrared and light.sun < 0.3:
        gray = cv2.cvtColor(street, cv2.COLOR_BGR2GRAY).astype(np.float32)
        near = np.linspace(0.25, 1.0, high, dtype=np.float32)[:, None]  # the ground is nearer to the lamp
        gray = gray * near * 0.9
        scene = np.repeat(gray[:, :, None], 3, axis=2)
        noise = 6.0
    else:
        exposure = 0.04 + 0.96 * light.sun
        gain = min(1 / exposure, 3.0)
        scene = scene * exposure * gain
        if light.lamps and light.sun < 0.5:
            scene = scene + street * _lamps(high, wide) * np.float32(0.55 * (1 - 2 * light.sun))
        noise = 1.5 + 5.0 * (1 - light.sun)
    scene += _noise(chance, high, wide)[:, :, None] * np.float32(noise)
    return np.clip(scene, 0, 255).astype(np.uint8)


def with_truck(picture: Pixels, left: int, size: float = 0.35) -> Pixels:
    """Return the picture with a truck: a white box with a cab, `size` as a share of the width."""
    drawn = picture.copy()
    high, wide = picture.shape[:2]
    length, tall = int(size * wide), int(min(0.95, size * 1.2) * high)
    top, bright = int(0.92 * high) - tall, float(np.clip(picture.mean() * 1.6, 12, 235))
    cv2.rectangle(drawn, (left, top), (left + length, top + tall), (bright, bright, bright), -1)
    cv2.rectangle(
        drawn,
        (left + length, top + tall // 3),
        (left + length + length // 4, top + tall),
        (bright / 2,) * 3,
        -1,
    )
    for x in (left + length // 6, left + length):
        cv2.circle(drawn, (x, top + tall), max(4, tall // 8), (15, 15, 15), -1)
    return drawn


def with_headlights(picture: Pixels, x: int) -> Pixels:
    """Return the picture with the glare of two headlights."""
    high, wide = picture.shape[:2]
    glare = np.zeros((high // 4, wide // 4), np.float32)
    for one in (x, x + wide // 12):
        cv2.circle(glare, (one // 4, int(0.7 * high / 4)), wide // 96, (255.0,), -1)
    glare = cv2.GaussianBlur(glare, (0, 0), wide / 96) * 1.8 + glare * 0.8
    spread = np.asarray(cv2.resize(glare, (wide, high)), np.float32)
    return np.asarray(np.clip(picture + spread[:, :, None], 0, 255), np.uint8)


def with_rain(picture: Pixels, chance: Chance, streaks: int = 500) -> Pixels:
    """Return the picture behind rain, with less contrast."""
    soft = picture * 0.75 + 45 * min(1.0, picture.mean() / 100)
    streaked: Pixels = np.asarray(soft, np.uint8)
    high, wide = picture.shape[:2]
    for x, y, length in zip(
        chance.integers(0, wide, streaks),
        chance.integers(0, high, streaks),
        chance.integers(10, 40, streaks),
        strict=True,
    ):
        cv2.line(streaked, (int(x), int(y)), (int(x) + 3, int(y + length)), (200, 200, 200), 1)
    return streaked


def with_web(picture: Pixels, seed: int, threads: int = 14, bright: float = 150) -> Pixels:
    """Return the picture behind a spider's web close to the lens: wide and soft bright threads."""
    chance = np.random.default_rng(seed)
    high, wide = picture.shape[:2]
    web: Floats = np.zeros((high, wide), np.float32)
    for _thread in range(threads):
        ends = [(int(chance.integers(0, wide)), int(chance.integers(0, high))) for _end in range(2)]
        cv2.line(web, ends[0], ends[1], (1.0,), max(3, wide // 60))
    veil = np.clip(cv2.GaussianBlur(web, (0, 0), wide / 80), 0, 0.85)[:, :, None]
    return np.asarray(np.clip(picture * (1 - veil) + veil * bright, 0, 255), np.uint8)


def turned(picture: Pixels, degrees: float, field: float = 45.0) -> Pixels:
    """Return what the camera sees after a turn to the side; `field` is its horizontal field of view, degrees.

    What comes into view at the edge is the picture mirrored.
    """
    wide = picture.shape[1]
    shift = wide / 2 * np.tan(np.radians(degrees)) / np.tan(np.radians(field / 2))
    return np.asarray(
        cv2.warpAffine(
            picture,
            np.array([[1, 0, -shift], [0, 1, 0]], np.float32),
            (wide, picture.shape[0]),
            borderMode=cv2.BORDER_REFLECT,
        ),
        np.uint8,
    )


def rolled(picture: Pixels, degrees: float) -> Pixels:
    """Return what the camera sees after a turn about its own axis."""
    high, wide = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, matrix, (wide, high), borderMode=cv2.BORDER_REFLECT), np.uint8)


def defocused(picture: Pixels, sigma: float = 4.0) -> Pixels:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def capped(picture: Pixels, chance: Chance) -> Pixels:
    """Return the picture with a cap on the lens: black, and noise."""
    return np.asarray(np.clip(chance.normal(6, 3, picture.shape), 0, 255), np.uint8)


def clothed(picture: Pixels, chance: Chance) -> Pixels:
    """Return the picture with a cloth over the lens: its mean, with soft folds."""
    high, wide = picture.shape[:2]
    rough = chance.normal(0, 6, (6, 8)).astype(np.float32)
    folds = np.asarray(cv2.resize(rough, (wide, high), interpolation=cv2.INTER_CUBIC), np.float32)
    cloth = picture.mean() * 0.6 + folds + chance.normal(0, 2, (high, wide))
    return np.repeat(np.clip(cloth, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


Scenario = Iterator[tuple[float, Pixels]]


def scenario(
    street: Pixels,
    begin: float,
    hours: float,
    change: Callable[[Pixels, float, Chance], Pixels] = lambda picture, _at, _chance: picture,
    before: Callable[[Pixels, float], Pixels] = lambda picture, _at: picture,
    light: Callable[[float], Light] = lambda at: Light(sun_at(at)),
    seed: int = 1,
    step: float = STEP,
) -> Scenario:
    """Yield a camera's pictures: the street, changed `before` the light or after it (`change`)."""
    chance = np.random.default_rng(seed)
    for number in range(int(hours * 3600 / step)):
        at = begin + number * step
        yield at, change(lit(before(street, at), light(at), chance), at, chance)
