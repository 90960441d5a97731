"""The street a camera looks along: sky, hills, ground, kerbs, houses, trees, poles. Drawn once per view."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from platestream.samples import glyphs, noise, weather
from platestream.samples.geometry import View
from platestream.samples.light import LIGHTS, Bgr, Hour, Light, overcast
from platestream.samples.plate_art import ink

Picture = NDArray[np.float32]

POLES = (10.0, 28.0)
"""Where along the street the first street lamp stands, and how far apart they are, in metres."""

LANE = 3.4
"""Width of a lane in metres; the street has two, its middle is x = 0."""


@dataclass(frozen=True)
class Street:
    """A street's own character. `sign` is the word over a shop on its left side; `seed` draws the rest."""

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
    picture = _sky(view, light, rng, 0.46 if wet else 0.0)
    _hills(picture, view, light, rng)
    _ground(picture, view, light, rng, wet)
    _roadside(picture, street, view, light, rng)
    picture.flags.writeable = False
    return picture


def _sky(view: View, light: Light, rng: np.random.Generator, overcast_by: float) -> Picture:
    """A gradient with clouds on it; `overcast_by` lowers the bar for a cloud (0 fair, 0.5 closed)."""
    rays = view.rays()
    up = np.clip(rays[..., 1] / np.linalg.norm(rays, axis=-1) * 6, 0, 1)[..., None]
    sky = np.array(light.horizon) + (np.array(light.zenith) - np.array(light.horizon)) * up**0.7
    field = noise.octaves(rng, 512, 4, 6)
    height = np.maximum(rays[..., 1], 0.004)
    clouds = noise.sample(field, rays[..., 0] * 6, 12 * height, 1.4)
    cover = np.clip((clouds - 0.52 + overcast_by) * 3.2, 0, 0.85)[..., None] * np.clip(up * 6, 0, 1)
    white = np.array(light.horizon) * 0.35 + np.array([250, 250, 252]) * (0.06 if light.dark else 0.65)
    return np.asarray(sky + (white - sky) * cover, np.float32)


def _hills(picture: Picture, view: View, light: Light, rng: np.random.Generator) -> None:
    """Two mesas behind each other, bluer the farther."""
    line = view.horizon()
    x = np.arange(view.width)
    scale = view.width / 1280
    for lift, colour in ((34, (176, 150, 138)), (16, (110, 128, 140))):
        knots = np.linspace(0, view.width, 10)
        ridge = np.interp(x, knots, rng.uniform(0.25, 1.0, 10))
        ridge = np.minimum(ridge, 0.78) * lift + np.interp(x, np.linspace(0, view.width, 60), rng.uniform(0, 2, 60))
        points = np.stack([x, line - ridge * scale], axis=1)
        outline = np.concatenate([points, [[view.width, line + 8], [0, line + 8]]]).round().astype(np.int32)
        cv2.fillPoly(picture, [outline], _lit(colour, light, 0.8), cv2.LINE_AA)


def _lit(colour: Bgr, light: Light, facing: float = 0.6) -> Bgr:
    """A dull colour under the hour's light; `facing` is how far the surface turns to the sun (0 to 1)."""
    b, g, r = (c * (a + d * facing) for c, a, d in zip(colour, light.ambient, light.direct, strict=True))
    return b, g, r


def _ground(picture: Picture, view: View, light: Light, rng: np.random.Generator, wet: bool) -> None:
    """Every pixel below the horizon: its place on the ground, and what lies there."""
    rays = view.rays()
    below = rays[..., 1] < -0.0015
    reach = np.where(below, -view.eye / np.where(below, rays[..., 1], -1.0), 0.0)
    x, z = view.x + rays[..., 0] * reach, rays[..., 2] * reach
    colour = _materials(x, z, rng)
    shine = np.array(light.horizon) * (0.5 if wet else 0.08)
    share = np.clip(z / 70, 0, 1)[..., None] * (0.55 if wet else 0.2) + (0.1 if wet else 0.0)
    lamps = _lamplight(x, z)[..., None] * np.array([0.16, 0.3, 0.4]) if light.dark else 0.0
    colour = colour * (np.array(light.ambient) + 0.62 * np.array(light.direct) + lamps) * (0.62 if wet else 1.0)
    colour = colour + (shine + colour * 0.5 - colour) * share
    haze = np.clip((z - 60) / 400, 0, 0.8)[..., None]
    colour = colour + (np.array(light.horizon) * 0.8 - colour) * haze
    picture[below] = colour[below]


def _lamplight(x: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of the street lamps' light reaches the ground (0 to 1, same shape)."""
    along = (z - POLES[0] + POLES[1] / 2) % POLES[1] - POLES[1] / 2
    return np.exp(-((np.abs(x) - 3.4) ** 2) / 14 - along**2 / 60)


def _materials(x: NDArray[np.float64], z: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Unlit ground colours (h, w, 3): lanes with wheel tracks and cracks, paint, kerb, pavement, dry verge."""
    grain, blots = noise.octaves(rng, 512, 64, 4, 0.8), noise.octaves(rng, 512, 5, 5)
    fade = np.clip(1 - z / 45, 0.15, 1)
    rough = (noise.sample(grain, x, z, 3.0) - 0.5) * 46 * fade
    stain = noise.sample(blots, x, z * 0.4, 9.0)
    off = np.abs(x)
    track = np.exp(-(((off % LANE) - 0.95) ** 2) / 0.12) + np.exp(-(((off % LANE) - 2.45) ** 2) / 0.12)
    level = 118 + rough + (stain - 0.5) * 40 - 12 * track
    crack = (np.abs(stain - 0.5) < 0.006 * fade) & (off < LANE)
    level = np.where(crack, level * 0.62, level)
    road = level[..., None] * np.array([1.0, 0.995, 0.985])
    worn = 0.35 + 0.65 * noise.sample(grain, x, z * 0.5, 2.0)
    yellow = (np.abs(off - 0.14) < 0.055) & (worn > 0.5)
    white = (np.abs(off - LANE + 0.1) < 0.055) & (worn > 0.52)
    road = np.where(yellow[..., None], np.array([60, 178, 214]) + rough[..., None] * 0.6, road)
    road = np.where(white[..., None], np.array([206, 208, 210]) + rough[..., None] * 0.6, road)
    gutter, kerb, walk = LANE + 0.5, LANE + 0.66, LANE + 2.4
    joint = (np.abs(z % 1.5) < 0.03) | (np.abs(off - walk) < 0.03)
    paving = (178 + rough * 0.5 + (stain - 0.5) * 26 - 46 * joint)[..., None] * np.array([0.93, 0.97, 1.0])
    verge = (150 + rough * 1.5 + (stain - 0.5) * 90)[..., None] * np.array([0.62, 0.78, 0.92])
    road = np.where((off > LANE + 0.05)[..., None], road * 1.18, road)
    road = np.where((off > gutter)[..., None], np.array([188, 192, 194]) + rough[..., None] * 0.4, road)
    road = np.where((off > kerb)[..., None], paving, road)
    return np.asarray(np.clip(np.where((off > walk)[..., None], verge, road), 0, 255))


def _roadside(picture: Picture, street: Street, view: View, light: Light, rng: np.random.Generator) -> None:
    """Everything that stands, the farthest first."""
    things = []
    for side in (-1, 1):
        z = 26.0 + rng.uniform(0, 6)
        for i in range(street.houses):
            depth, front = rng.uniform(9, 15), side * rng.uniform(7.2, 9.5)
            word = street.sign if side < 0 and i == 1 else ""
            things.append((z + depth, "house", (front, z, depth, rng.uniform(3.4, 6.5), word)))
            if rng.random() < street.trees:
                things.append((z + depth + 1.0, "tree", (side * rng.uniform(6.2, 7.2), z + depth + 1.5)))
            z += depth + rng.uniform(3, 9)
        for pole in range(4):
            where = POLES[0] + POLES[1] * pole
            things.append((where, "pole", (side * 5.4, where)))
    for _, kind, where in sorted(things, key=lambda t: -t[0]):
        if kind == "house":
            _house(picture, view, light, rng, *where)
        elif kind == "tree":
            _tree(picture, view, light, rng, *where)
        else:
            _pole(picture, view, light, *where)


def _face(picture: Picture, view: View, corners: list[tuple[float, float, float]], colour: Bgr) -> None:
    at, _ = view.project(np.array(corners))
    at = np.clip(at, -8000, 8000)
    cv2.fillPoly(picture, [np.round(at * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)


def _house(
    picture: Picture, view: View, light: Light, rng: np.random.Generator,
    front: float, z: float, depth: float, height: float, word: str,
) -> None:  # fmt: skip
    """A flat-roofed house: its street wall with windows and door, its near end wall, a parapet."""
    walls: tuple[Bgr, ...] = ((128, 162, 198), (150, 184, 206), (104, 128, 176), (176, 190, 200), (96, 116, 146))
    wall = walls[int(rng.integers(len(walls)))]
    side = 1 if front > 0 else -1
    far = front + side * 10
    _face(picture, view, [(front, 0, z), (far, 0, z), (far, height, z), (front, height, z)], _lit(wall, light, 0.62))
    street_wall = _lit(wall, light, 0.3 if side > 0 else 0.75)
    _face(picture, view, [(front, 0, z), (front, 0, z + depth), (front, height, z + depth), (front, height, z)],
          street_wall)  # fmt: skip
    trim = _lit((90, 108, 132), light, 0.5)
    _face(picture, view, [(front, height - 0.3, z), (far, height - 0.3, z), (far, height, z), (front, height, z)], trim)
    x = front + side * 0.9
    while abs(x) < abs(far) - 1.2:
        _window(picture, view, light, rng, x, side, z, min(height - 1.4, 1.1))
        x += side * 2.6
    for near in np.arange(z + 0.8, z + depth - 1.4, 2.4):
        pane = [(front - side * 0.02, 0.9, near), (front - side * 0.02, 0.9, near + 1.4),
                (front - side * 0.02, 2.3, near + 1.4), (front - side * 0.02, 2.3, near)]  # fmt: skip
        _face(picture, view, pane, _pane(light, rng))
    if word:
        _sign(picture, view, light, word, (front, far), height, z)


def _pane(light: Light, rng: np.random.Generator) -> Bgr:
    """A window's colour: reflecting by day, now and then lamplit by night."""
    if light.dark and rng.random() < 0.4:
        return (90.0, 176.0, 232.0)
    b, g, r = (c * 0.3 + 16 for c in light.zenith)
    return b, g, r


def _window(
    picture: Picture, view: View, light: Light, rng: np.random.Generator, x: float, side: int, z: float, low: float
) -> None:
    wide, near = side * 1.3, z - 0.02
    frame = [(x - side * 0.08, low - 0.08, near), (x + wide + side * 0.08, low - 0.08, near),
             (x + wide + side * 0.08, low + 1.38, near), (x - side * 0.08, low + 1.38, near)]  # fmt: skip
    _face(picture, view, frame, _lit((214, 220, 224), light, 0.6))
    pane = [(x, low, near), (x + wide, low, near), (x + wide, low + 1.3, near), (x, low + 1.3, near)]
    _face(picture, view, pane, _pane(light, rng))


def _sign(
    picture: Picture, view: View, light: Light, word: str, span: tuple[float, float], height: float, z: float
) -> None:
    """A shop's name on the wall that faces the camera."""
    left, right = sorted((span[0] + 0.6, span[1] - 2.0))
    near = z - 0.1
    board = [(left, height - 0.95, near), (right, height - 0.95, near), (right, height - 0.2, near),
             (left, height - 0.2, near)]  # fmt: skip
    _face(picture, view, board, _lit((52, 60, 120), light, 0.6))
    at, _ = view.project(np.array(board))
    low, high = at.min(axis=0), at.max(axis=0)
    mask = glyphs.fit(word, max(6, int((high[1] - low[1]) * 0.6)), max(12, int((high[0] - low[0]) * 0.86)), 8, 30)
    colour = tuple(int(c) for c in _lit((210, 224, 236), light, 0.7))
    flat = np.clip(picture, 0, 255).astype(np.uint8)
    x, y = int((low[0] + high[0] - mask.shape[1]) / 2), int((low[1] + high[1] - mask.shape[0]) / 2)
    ink(flat, mask, x, y, (colour[0], colour[1], colour[2]))
    picture[max(0, y) : y + mask.shape[0]] = flat[max(0, y) : y + mask.shape[0]]


def _tree(picture: Picture, view: View, light: Light, rng: np.random.Generator, x: float, z: float) -> None:
    """A juniper: a short trunk and some hundred leaf clumps, darker below."""
    at, depth = view.project(np.array([[x, 0.0, z], [x, 1.2, z]]))
    unit = view.focal / float(depth[0])
    foot, fork = at.round().astype(int)
    cv2.line(picture, foot.tolist(), fork.tolist(), _lit((54, 70, 88), light), max(2, int(unit * 0.16)), cv2.LINE_AA)
    heart = (int(at[1, 0]), int(at[1, 1] - unit * 0.95))
    cv2.circle(picture, heart, int(unit * 0.95), _lit((40, 84, 70), light, 0.3), -1, cv2.LINE_AA)
    for height in np.sort(rng.uniform(0, 1, 150)):
        spread = 1.25 * np.sin(np.pi * (0.12 + 0.83 * height)) * rng.uniform(0.1, 1)
        cx = at[1, 0] + unit * spread * rng.choice((-1, 1))
        cy = at[1, 1] - unit * (height * 2.4 - 0.2)
        leaf = _lit((46, 92 + 16 * rng.random(), 78 + 16 * rng.random()), light, 0.15 + 0.7 * float(height))
        cv2.circle(picture, (int(cx), int(cy)), max(1, int(unit * rng.uniform(0.1, 0.26))), leaf, -1, cv2.LINE_AA)


def _pole(picture: Picture, view: View, light: Light, x: float, z: float) -> None:
    """A street lamp: pole, arm over the road, and by night its glow."""
    side = 1 if x > 0 else -1
    at, depth = view.project(np.array([[x, 0, z], [x, 7.0, z], [x - side * 1.8, 7.3, z]]))
    thick = max(2, int(view.focal / float(depth[0]) * 0.14))
    points = np.clip(at, -8000, 8000).round().astype(np.int32)
    cv2.polylines(picture, [points], False, _lit((112, 116, 118), light, 0.5), thick, cv2.LINE_AA)
    if light.dark:
        weather.glow(picture, at[2, 0], at[2, 1], thick * 6, (110, 200, 255), 1.0)
