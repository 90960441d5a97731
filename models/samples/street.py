"""The street a camera looks along: sky, hills, ground, kerbs, houses, trees, poles. Drawn once per view."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.samples import noise
from models.samples.geometry import View
from models.samples.light import LIGHTS, Hour, Light, dull, overcast
from models.samples.roadside import POLES, draw_roadside

Picture = NDArray[np.float32]

LANE = 3.4
"""Width of a lane in metres; the street has two, its middle is x = 0."""


@dataclass(frozen=True)
class Street:
    """A street's own character. `sign` is the word on a shop's board; `seed` draws the rest."""

    seed: int = 1
    sign: str = ""
    houses: int = 7
    trees: float = 1.0
    """The chance that a tree stands behind a house."""


@lru_cache(maxsize=16)
def draw_street(street: Street, view: View, hour: Hour, wet: bool) -> Picture:
    """The empty street as BGR (height, width, 3) float32, 0 to 255. Do not write to it: it is kept."""
    rng = np.random.default_rng([street.seed, 7])
    light = overcast(LIGHTS[hour]) if wet else LIGHTS[hour]
    picture = np.empty((view.height, view.width, 3), np.float32)
    _sky(picture, view, light, rng, 0.46 if wet else 0.0)
    _hills(picture, view, light, rng)
    _ground(picture, street, view, light, wet)
    draw_roadside(picture, view, light, rng, street.houses, street.trees, street.sign)
    picture.flags.writeable = False
    return picture


def _sky(picture: Picture, view: View, light: Light, rng: np.random.Generator, closed: float) -> None:
    """A gradient with clouds on it; `closed` lowers the bar for a cloud (0 fair, 0.5 overcast)."""
    rays = view.rays(0, view.skyline())
    up = np.clip(rays[..., 1] / np.linalg.norm(rays, axis=-1) * 6, 0, 1)[..., None]
    zenith, horizon = np.array(light.zenith, np.float32), np.array(light.horizon, np.float32)
    sky = horizon + (zenith - horizon) * up**0.7
    field = noise.octaves(rng, 512, 4, 6)
    height = np.maximum(rays[..., 1], 0.004)
    clouds = noise.sample(field, rays[..., 0] * 6 + 3, 12 * height, 1.4)
    cover = np.clip((clouds - 0.52 + closed) * 3.2, 0, 0.85)[..., None] * np.clip(up * 6, 0, 1)
    white = horizon * np.float32(0.35) + np.float32(250 * (0.06 if light.dark else 0.65))
    picture[: view.skyline()] = sky + (white - sky) * cover


def _hills(picture: Picture, view: View, light: Light, rng: np.random.Generator) -> None:
    """Two mesas behind each other, bluer the farther."""
    line = view.horizon()
    x = np.arange(view.width)
    scale = view.width / 1280
    for lift, colour in ((34, (176, 150, 138)), (16, (110, 128, 140))):
        knots = np.linspace(0, view.width, 10)
        ridge = np.interp(x, knots, rng.uniform(0.25, 1.0, 10))
        ridge = np.minimum(ridge, 0.78) * lift + np.interp(
            x, np.linspace(0, view.width, 60), rng.uniform(0, 2, 60)
        )
        points = np.stack([x, line - ridge * scale], axis=1)
        outline = np.concatenate([points, [[view.width, line + 8], [0, line + 8]]]).round().astype(np.int32)
        cv2.fillPoly(picture, [outline], dull(colour, light, 0.8), cv2.LINE_AA)


@dataclass(frozen=True)
class _Ground:
    """The ground: where each pixel lies (x, z in metres) and its unlit colour (rows, w, 3)."""

    x: Picture
    z: Picture
    colour: Picture


@lru_cache(maxsize=8)
def _survey(seed: int, view: View) -> _Ground:
    rays = view.rays(view.skyline(), view.height)
    reach = -view.eye / rays[..., 1]
    x, z = rays[..., 0] * reach + np.float32(view.x), rays[..., 2] * reach
    return _Ground(x, z, _materials(x, z, np.random.default_rng([seed, 11])))


def _ground(picture: Picture, street: Street, view: View, light: Light, wet: bool) -> None:
    """Lights the ground: sun or lamps, a wet road's mirror of the sky, haze far away."""
    ground = _survey(street.seed, view)
    level = np.array(light.ambient, np.float32) + np.float32(0.62) * np.array(light.direct, np.float32)
    if light.dark:
        level = level + _lamplight(ground.x, ground.z)[..., None] * np.array([0.16, 0.3, 0.4], np.float32)
    colour = ground.colour * level * np.float32(0.62 if wet else 1.0)
    shine = np.array(light.horizon, np.float32) * np.float32(0.5 if wet else 0.08)
    share = np.clip(ground.z / 70, 0, 1)[..., None] * np.float32(0.55 if wet else 0.2)
    colour += (shine - colour * np.float32(0.5)) * (share + np.float32(0.1 if wet else 0.0))
    haze = np.clip((ground.z - 60) / 400, 0, 0.8)[..., None]
    colour += (np.array(light.horizon, np.float32) * np.float32(0.8) - colour) * haze
    picture[view.skyline() :] = colour


def _lamplight(x: Picture, z: Picture) -> Picture:
    """Return the share of the street lamps' light that reaches the ground (0 to 1, same shape)."""
    along = (z - POLES[0] + POLES[1] / 2) % POLES[1] - POLES[1] / 2
    return np.exp(-((np.abs(x) - 3.4) ** 2) / 14 - along**2 / 60)


def _materials(x: Picture, z: Picture, rng: np.random.Generator) -> Picture:
    """Unlit ground colours (rows, w, 3): lanes, kerb and gutter, pavement with its joints, dry verge."""
    grain, blots = noise.octaves(rng, 512, 64, 4, 0.8), noise.octaves(rng, 512, 5, 5)
    rough = (noise.sample(grain, x + 40, z, 3.0) - 0.5) * 46 * np.clip(1 - z / 45, 0.15, 1)
    stain = noise.sample(blots, x + 4.1, z * 0.4, 9.0)
    off = np.abs(x)
    colour = _road(off, z, rough, stain, noise.sample(grain, x + 40, z * 0.5, 2.0))
    gutter, kerb, walk = LANE + 0.5, LANE + 0.66, LANE + 2.4
    joint = (np.abs(z % 1.5) < 0.03) | (np.abs(off - walk) < 0.03)
    paving = _grey(178 + rough * 0.5 + (stain - 0.5) * 26 - 46 * joint, 0.93, 0.97, 1.0)
    verge = _grey(150 + rough * 1.5 + (stain - 0.5) * 90, 0.62, 0.78, 0.92)
    for beyond, surface in (
        (gutter, _grey(190 + rough * 0.4, 0.99, 1.0, 1.01)),
        (kerb, paving),
        (walk, verge),
    ):
        inside = off > beyond
        colour[inside] = surface[inside]
    return np.clip(colour, 0, 255, out=colour)


def _grey(level: Picture, b: float, g: float, r: float) -> Picture:
    """A brightness (rows, w) as a tinted colour (rows, w, 3)."""
    return np.asarray(level[..., None] * np.array([b, g, r], np.float32), np.float32)


def _road(off: Picture, z: Picture, rough: Picture, stain: Picture, worn: Picture) -> Picture:
    """Asphalt with wheel tracks and cracks, a worn double line in its middle, white lines at its edges."""
    lane = off % LANE
    track = np.exp(-((lane - 0.95) ** 2) / 0.12) + np.exp(-((lane - 2.45) ** 2) / 0.12)
    level = 118 + rough + (stain - 0.5) * 40 - 12 * track
    crack = (np.abs(stain - 0.5) < 0.006 * np.clip(1 - z / 45, 0.15, 1)) & (off < LANE)
    level[crack] *= 0.62
    level[off > LANE + 0.05] *= 1.18
    road = _grey(level, 1.0, 0.995, 0.985)
    yellow = (np.abs(off - 0.14) < 0.055) & (worn > 0.23)
    white = (np.abs(off - LANE + 0.1) < 0.055) & (worn > 0.26)
    road[yellow] = np.array([60, 178, 214], np.float32) + rough[yellow][..., None] * np.float32(0.6)
    road[white] = np.array([206, 208, 210], np.float32) + rough[white][..., None] * np.float32(0.6)
    return road
