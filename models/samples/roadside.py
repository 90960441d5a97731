"""Houses, trees and street lamps along the street, from the farthest to the nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models.samples import glyphs, weather
from models.samples.geometry import View
from models.samples.light import Bgr, Light, dull
from models.samples.plate_art import ink

Picture = NDArray[np.float32]

POLES = (10.0, 28.0)
"""Where along the street the first street lamp stands, and how far apart they are, in metres."""


@dataclass(frozen=True)
class _Thing:
    """Something that stands at (x, z), metres: a house is `depth` long, a sign bears a `word`."""

    kind: Literal["house", "tree", "pole", "sign"]
    x: float
    z: float
    depth: float = 0.0
    height: float = 0.0
    word: str = ""


def draw_roadside(
    picture: Picture, view: View, light: Light, rng: np.random.Generator, houses: int, trees: float, sign: str
) -> None:
    """Both sides of the street: `houses` a side, a tree behind each by chance, lamps, one shop sign."""
    things: list[_Thing] = []
    for side in (-1, 1):
        z = 26.0 + rng.uniform(0, 6)
        for _ in range(houses):
            depth, front = rng.uniform(9, 15), side * rng.uniform(7.2, 9.5)
            things.append(_Thing("house", front, z, depth, rng.uniform(3.4, 6.5)))
            if rng.random() < trees:
                things.append(_Thing("tree", side * rng.uniform(6.2, 7.2), z + depth + 1.5))
            z += depth + rng.uniform(3, 9)
        things += [_Thing("pole", side * 5.4, POLES[0] + POLES[1] * i) for i in range(4)]
    if sign:
        things.append(_Thing("sign", -5.3, 37.0, word=sign))
    for thing in sorted(things, key=lambda t: -(t.z + t.depth)):
        if thing.kind == "house":
            _house(picture, view, light, rng, thing)
        elif thing.kind == "tree":
            _tree(picture, view, light, rng, thing.x, thing.z)
        elif thing.kind == "sign":
            _sign(picture, view, light, thing.word, thing.x, thing.z)
        else:
            _pole(picture, view, light, thing.x, thing.z)


def _face(picture: Picture, view: View, corners: list[tuple[float, float, float]], colour: Bgr) -> None:
    at, _ = view.project(np.array(corners))
    at = np.clip(at, -8000, 8000)
    cv2.fillPoly(picture, [np.round(at * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)


def _house(picture: Picture, view: View, light: Light, rng: np.random.Generator, house: _Thing) -> None:
    """A flat-roofed house: its street wall with windows and door, its near end wall, a parapet."""
    front, z, depth, height = house.x, house.z, house.depth, house.height
    walls: tuple[Bgr, ...] = (
        (128, 162, 198),
        (150, 184, 206),
        (104, 128, 176),
        (176, 190, 200),
        (96, 116, 146),
    )
    wall = walls[int(rng.integers(len(walls)))]
    side = 1 if front > 0 else -1
    far = front + side * 10
    _face(
        picture,
        view,
        [(front, 0, z), (far, 0, z), (far, height, z), (front, height, z)],
        dull(wall, light, 0.62),
    )
    street_wall = dull(wall, light, 0.3 if side > 0 else 0.75)
    _face(picture, view, [(front, 0, z), (front, 0, z + depth), (front, height, z + depth),
                          (front, height, z)], street_wall)  # fmt: skip
    trim = dull((90, 108, 132), light, 0.5)
    _face(
        picture,
        view,
        [(front, height - 0.3, z), (far, height - 0.3, z), (far, height, z), (front, height, z)],
        trim,
    )
    x = front + side * 0.9
    while abs(x) < abs(far) - 1.2:
        _window(picture, view, light, rng, x, side, z, min(height - 1.4, 1.1))
        x += side * 2.6
    for near in np.arange(z + 0.8, z + depth - 1.4, 2.4).tolist():
        pane = [(front - side * 0.02, 0.9, near), (front - side * 0.02, 0.9, near + 1.4),
                (front - side * 0.02, 2.3, near + 1.4), (front - side * 0.02, 2.3, near)]  # fmt: skip
        _face(picture, view, pane, _pane(light, rng))


def _pane(light: Light, rng: np.random.Generator) -> Bgr:
    """A window's colour: reflecting by day, now and then lamplit by night."""
    if light.dark and rng.random() < 0.4:
        return (90.0, 176.0, 232.0)
    b, g, r = (c * 0.3 + 16 for c in light.zenith)
    return b, g, r


def _window(
    picture: Picture,
    view: View,
    light: Light,
    rng: np.random.Generator,
    x: float,
    side: int,
    z: float,
    low: float,
) -> None:
    wide, near = side * 1.3, z - 0.02
    frame = [(x - side * 0.08, low - 0.08, near), (x + wide + side * 0.08, low - 0.08, near),
             (x + wide + side * 0.08, low + 1.38, near), (x - side * 0.08, low + 1.38, near)]  # fmt: skip
    _face(picture, view, frame, dull((214, 220, 224), light, 0.6))
    pane = [(x, low, near), (x + wide, low, near), (x + wide, low + 1.3, near), (x, low + 1.3, near)]
    _face(picture, view, pane, _pane(light, rng))


def _sign(picture: Picture, view: View, light: Light, word: str, x: float, z: float) -> None:
    """A shop's name on a board that stands out over the pavement, facing the camera; (x, z) is its middle."""
    half, low, high = 1.15, 2.5, 3.0
    board = [(x - half, low, z), (x + half, low, z), (x + half, high, z), (x - half, high, z)]
    _face(picture, view, board, dull((52, 60, 120), light, 0.6))
    at, _ = view.project(np.array(board))
    (left, top), (right, foot) = at.min(axis=0), at.max(axis=0)
    tall, wide = max(6, int((foot - top) * 0.6)), max(12, int((right - left) * 0.86))
    mask = glyphs.fit(word, tall, wide, 8, 30)
    b, g, r = dull((210, 224, 236), light, 0.7)
    flat = np.clip(picture, 0, 255).astype(np.uint8)
    corner = int((left + right - mask.shape[1]) / 2), int((top + foot - mask.shape[0]) / 2)
    ink(flat, mask, *corner, (int(b), int(g), int(r)))
    rows = slice(max(0, corner[1]), max(0, corner[1] + mask.shape[0]))
    picture[rows] = flat[rows]


def _tree(picture: Picture, view: View, light: Light, rng: np.random.Generator, x: float, z: float) -> None:
    """A juniper: a short trunk and some hundred leaf clumps, darker below."""
    at, depth = view.project(np.array([[x, 0.0, z], [x, 1.2, z]]))
    unit = view.focal / float(depth[0])
    foot, fork = at.round().astype(int)
    cv2.line(
        picture,
        foot.tolist(),
        fork.tolist(),
        dull((54, 70, 88), light),
        max(2, int(unit * 0.16)),
        cv2.LINE_AA,
    )
    heart = (int(at[1, 0]), int(at[1, 1] - unit * 0.95))
    cv2.circle(picture, heart, int(unit * 0.95), dull((40, 84, 70), light, 0.3), -1, cv2.LINE_AA)
    for height in np.sort(rng.uniform(0, 1, 150)):
        spread = 1.25 * np.sin(np.pi * (0.12 + 0.83 * height)) * rng.uniform(0.1, 1)
        cx = at[1, 0] + unit * spread * rng.choice((-1, 1))
        cy = at[1, 1] - unit * (height * 2.4 - 0.2)
        leaf = dull((46, 92 + 16 * rng.random(), 78 + 16 * rng.random()), light, 0.15 + 0.7 * float(height))
        cv2.circle(
            picture, (int(cx), int(cy)), max(1, int(unit * rng.uniform(0.1, 0.26))), leaf, -1, cv2.LINE_AA
        )


def _pole(picture: Picture, view: View, light: Light, x: float, z: float) -> None:
    """A street lamp: pole, arm over the road, and by night its glow."""
    side = 1 if x > 0 else -1
    at, depth = view.project(np.array([[x, 0, z], [x, 7.0, z], [x - side * 1.8, 7.3, z]]))
    thick = max(2, int(view.focal / float(depth[0]) * 0.14))
    points = np.clip(at, -8000, 8000).round().astype(np.int32)
    cv2.polylines(picture, [points], False, dull((112, 116, 118), light, 0.5), thick, cv2.LINE_AA)
    if light.dark:
        weather.glow(picture, at[2, 0], at[2, 1], thick * 6, (110, 200, 255), 1.0)
