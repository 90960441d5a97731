"""Plates at night: what a camera makes of headlights on a plate that throws them back.

Light adds up in the lens before a pixel counts it, so all of this is reckoned in linear light, where 1 fills
a pixel's well: first what comes from the plate, then what lens, sensor and the camera's processor do to it.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from models.training.dice import Dice
from models.training.paint import LUMINANCE, Colour, Picture
from platestream.reading.geometry import Image
from platestream.reading.infrared import green_alone

GAMMA = 2.2
SEEN_IN_GREEN = 0.25
"""Share of pictures whose green alone is given to the recognizer, as the reader does (`reading.infrared`)."""


@dataclass(frozen=True)
class Sensor:
    """The share of infrared in what the blue, green and red pixels count, 0 to 1, and their gains."""

    infrared: Colour
    gains: Colour


def draw_sensor(dice: Dice) -> Sensor:
    """Some have a filter that keeps infrared out and some none; then red and blue pixels count it, green ones
    least, and all is pink or purple. Cameras made for plates see infrared only and give gray.
    """
    kind = dice.choices(("color", "mixed", "gray"), (0.3, 0.45, 0.25))[0]
    if kind == "gray":
        return Sensor(np.ones(3, np.float32), np.ones(3, np.float32))
    if kind == "color":  # white balance is off under lamps: bluish, yellowish
        gains = np.array([dice.uniform(0.5, 1.3), 1, dice.uniform(0.7, 1.4)], np.float32)
        return Sensor(np.zeros(3, np.float32), gains)
    seen = dice.uniform(0.3, 1)
    green = dice.uniform(0.25, 0.85)
    gains = np.array([dice.uniform(0.45, 1.3), green, dice.uniform(0.8, 1.3)], np.float32)
    return Sensor(np.array([seen, seen * dice.uniform(0.5, 1), seen], np.float32), gains)


def lit(dice: Dice, sensor: Sensor, picture: Picture, around: int) -> Picture:
    """The light (height x width x 3) from a plate and the vehicle `around` it, whose picture is in daylight.

    The ground is retroreflective: it sends a headlight's beam back where it came from, many times as bright
    as paint is. Ink is not, and stays as dark as the vehicle.
    """
    day = np.asarray(np.clip(picture / 255, 0, 1) ** GAMMA, np.float32)
    # Infrared goes through dyes: colors turn gray, most of them pale, and ink of some issuers with them.
    dyes = day.max(axis=2, keepdims=True)
    through = np.float32(dice.choice((0, 0, dice.uniform(0, 0.6))))
    gray = (day @ LUMINANCE)[..., None]
    infrared = gray + (dyes - gray) * through
    light = day + (infrared - day) * sensor.infrared
    if dice.chance(0.06):  # ink that shines and a ground that swallows infrared, or a plate lit from behind
        inner = light[around:-around, around:-around]
        inner[:] = np.float32(1) - inner
    returned = np.float32(np.exp(dice.uniform(np.log(1), np.log(12))))
    light[around:-around, around:-around] *= returned
    _faint(dice, light, around)
    _uneven(dice, light)
    return np.asarray(light, np.float32)


def _faint(dice: Dice, light: Picture, around: int) -> None:
    """A plate that is dirty, wet or lit from the side: its ground sends less back, its ink shines."""
    if dice.chance(0.4):
        inner = light[around:-around, around:-around]
        inner += (inner.mean() - inner) * np.float32(dice.uniform(0.1, 0.6))


def _uneven(dice: Dice, light: Picture) -> None:
    """A lamp above the plate, or one headlight: bright where it points, with one end in the shade."""
    height, width = light.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    if dice.chance(0.5):
        across, along = (x / width - dice.uniform(0, 1)) * 1.5, y / height - dice.uniform(-0.2, 0.8)
        spot = np.exp(-(across**2 + along**2) / np.float32(dice.uniform(0.15, 1.2)))
        dim = np.float32(dice.uniform(0.1, 0.8))
        light *= (dim + (1 - dim) * spot)[..., None]
    if dice.chance(0.2):  # the bumper's or the holder's shadow falls over an end
        share, soft = dice.uniform(0.05, 0.4), width * dice.uniform(0.02, 0.12)
        edge = np.float32(width * (share if dice.chance(0.6) else 1 - share))
        shade = 1 / (1 + np.exp((x - edge) / np.float32(soft)))
        shade = shade if edge < width / 2 else 1 - shade
        light *= (1 - np.float32(dice.uniform(0.3, 0.9)) * shade)[..., None]


def taken(dice: Dice, sensor: Sensor, light: Picture, serial_height: float) -> Image:
    """The picture that lens, sensor and processor make of the light; the serial is so many pixels high."""
    light = _exposed(dice, light)
    _lamps(dice, light)
    light = _through_lens(dice, light, serial_height)
    light *= sensor.gains
    _veil(dice, sensor, light)
    light = np.minimum(light, np.float32(1))  # a full well counts no more
    light = _noisy(dice, light)
    picture = np.asarray(255 * np.clip(light, 0, 1) ** np.float32(1 / dice.uniform(1.4, 2.8)), np.float32)
    picture = _developed(dice, picture)
    image = np.clip(picture, 0, 255).astype(np.uint8)
    if dice.chance(0.85):
        _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, dice.randint(25, 92)])
        image = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)
    return green_alone(image) if dice.chance(SEEN_IN_GREEN) else image


def _exposed(dice: Dice, light: Picture) -> Picture:
    """The camera exposes for the street: a plate may fill its pixels several times over, or hardly at all."""
    bright = float(np.percentile(light, 95)) + 1e-4
    wanted = np.exp(dice.uniform(np.log(0.04), np.log(3.0)))
    return np.asarray(light * np.float32(wanted / bright), np.float32)


def _lamps(dice: Dice, light: Picture) -> None:
    """Tail lamps, headlights behind, wet spots: points far brighter than what a pixel holds."""
    height, width = light.shape[:2]
    for _ in range(dice.choice((0, 0, 0, 1, 1, 2, 4))):
        color = dice.choice(((0.05, 0.08, 1.0), (0.6, 0.9, 1.0), (1.0, 0.9, 0.85)))
        size = max(1, int(height * dice.uniform(0.01, 0.07)))
        down = dice.choice((dice.uniform(0, 0.2), dice.uniform(0.8, 1)))  # above the plate or below it
        place = dice.randint(0, width - 1), int(height * down)
        power = float(np.exp(dice.uniform(np.log(1), np.log(20))))
        cv2.circle(light, place, size, tuple(power * c for c in color), -1)


def _through_lens(dice: Dice, light: Picture, serial_height: float) -> Picture:
    """Bloom: a share of each point's light falls around it, in a narrow and a wide glow. A bright ground
    spills into the strokes; only what is dark loses by it. Then lack of focus, and movement while a night's
    long exposure lasts.
    """
    if dice.chance(0.75):
        near, far = serial_height * dice.uniform(0.06, 0.25), serial_height * dice.uniform(0.5, 2)
        small, wide = np.float32(dice.uniform(0, 0.4)), np.float32(dice.uniform(0, 0.3))
        glow = cv2.GaussianBlur(light, (0, 0), near)
        veil = cv2.GaussianBlur(light, (0, 0), far)
        light = light * (1 - small - wide) + glow * small + veil * wide
    if dice.chance(0.6):
        sigma = dice.uniform(0.3, 1.1) * max(1.0, serial_height / 24)
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), sigma), np.float32)
    if dice.chance(0.3):
        moved = _path(dice, max(2.0, serial_height * dice.uniform(0.05, 0.25)))
        light = np.asarray(cv2.filter2D(light, -1, moved), np.float32)
    return light


def _path(dice: Dice, length: float) -> Picture:
    """A kernel that moves along a line, mostly a level one."""
    side = int(length) | 1
    kernel = np.zeros((side + 2, side + 2), np.float32)
    angle = dice.gauss(0, 0.4) if dice.chance(0.7) else dice.uniform(0, np.pi)
    middle = np.array((side + 1, side + 1)) / 2
    way = np.array((np.cos(angle), np.sin(angle))) * side / 2
    ends = [tuple(round(v) for v in middle + sign * way) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], (1.0,), 1, cv2.LINE_AA)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _veil(dice: Dice, sensor: Sensor, light: Picture) -> None:
    """Light that is spread over the lens or a wet windscreen: brake lamps' red, or the sensor's own cast."""
    if dice.chance(0.55):
        red = np.array([0.15, 0.1, 1], np.float32) if dice.chance(0.5) else sensor.gains
        bright = np.float32(light.max() if dice.chance(0.3) else light.mean())
        light += red * (min(bright, np.float32(1)) * np.float32(dice.uniform(0.1, 1)))
    if dice.chance(0.12):  # flare: a pale disc or streak from a lamp outside the picture
        height, width = light.shape[:2]
        ghost = np.zeros((height, width), np.float32)
        middle = dice.randint(0, width), dice.randint(0, height)
        axes = int(width * dice.uniform(0.1, 0.5)) + 1, int(height * dice.uniform(0.1, 0.6)) + 1
        cv2.ellipse(ghost, middle, axes, dice.uniform(0, 180), 0, 360, (1.0,), -1)
        soft = cv2.GaussianBlur(ghost, (0, 0), max(1.0, height * dice.uniform(0.02, 0.2)))
        light += soft[..., None] * np.float32(dice.uniform(0.05, 0.4))
    if dice.chance(0.08):  # rain in the beam: thin bright streaks
        for _ in range(dice.randint(2, 10)):
            x, y = dice.randint(0, light.shape[1]), dice.randint(0, light.shape[0])
            to = x + dice.randint(-3, 3), y + dice.randint(3, 3 + light.shape[0] // 3)
            level = dice.uniform(0.1, 0.6)
            cv2.line(light, (x, y), to, (level, level, level), 1, cv2.LINE_AA)


def _noisy(dice: Dice, light: Picture) -> Picture:
    """Photons come by chance (its square root), the amplifier adds the same everywhere."""
    photons, amplifier = dice.uniform(0.0, 0.05), dice.uniform(0.0, 0.012)
    noise = dice.arrays.standard_normal(light.shape, dtype=np.float32)
    return np.asarray(
        light + noise * np.sqrt(np.float32(photons**2) * np.maximum(light, 0) + np.float32(amplifier**2)),
        np.float32,
    )


def _developed(dice: Dice, picture: Picture) -> Picture:
    """The processor fights noise, which smears, and sharpens what is left; color more coarsely than light."""
    if dice.chance(0.6):
        planes = cv2.cvtColor(np.clip(picture, 0, 255) / np.float32(255), cv2.COLOR_BGR2YCrCb)
        planes[..., 1:] = cv2.GaussianBlur(planes[..., 1:], (0, 0), dice.uniform(0.8, 3))
        how = dice.randint(0, 2)
        if how == 1:
            planes[..., 0] = cv2.medianBlur(planes[..., 0], 3)
        elif how == 2:
            planes[..., 0] = cv2.bilateralFilter(planes[..., 0], 5, dice.uniform(0.03, 0.15), 2)
        picture = np.asarray(cv2.cvtColor(planes, cv2.COLOR_YCrCb2BGR) * 255, np.float32)
    if dice.chance(0.4):
        soft = cv2.GaussianBlur(picture, (0, 0), dice.uniform(0.7, 1.8))
        picture = picture + (picture - soft) * np.float32(dice.uniform(0.3, 1.6))
    return picture
