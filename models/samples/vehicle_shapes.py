"""The outer shapes of vehicles as meshes of small quads, in metres.

A vehicle's own axes: x to the right as seen from the end that faces the camera, y up, z from that end (0) to
the far one. A `Part` is a set of quads of one material.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Body:
    """Sizes of one kind of vehicle, seen from the rear (z = 0 is the tail). All in metres."""

    length: float
    width: float
    deck: tuple[tuple[float, float], ...]
    """(z, height) of the body's upper edge from tail to nose."""
    cabin: tuple[float, float, float, float]
    """z of the rear window's foot, the roof's rear edge, the roof's front edge, the windscreen's foot."""
    roof: float
    clearance: float = 0.24
    wheel: float = 0.33
    bed: tuple[float, float] | None = None
    """z from and to of a pickup's open bed."""


BODIES: dict[str, Body] = {
    "sedan": Body(4.8, 1.84, ((0, 0.98), (0.5, 1.02), (1.2, 1.0), (3.4, 0.96), (4.3, 0.86), (4.8, 0.72)),
                  (0.55, 1.25, 2.6, 3.55), 1.45),
    "suv": Body(4.7, 1.88, ((0, 1.08), (0.5, 1.1), (3.4, 1.08), (4.3, 1.0), (4.7, 0.9)),
                (0.1, 0.5, 2.9, 3.6), 1.74, 0.3, 0.37),
    "pickup": Body(5.7, 1.98, ((0, 1.18), (2.0, 1.18), (4.2, 1.18), (5.2, 1.12), (5.7, 1.04)),
                   (1.98, 2.1, 3.6, 4.3), 1.88, 0.38, 0.4, (0.12, 1.85)),
    "van": Body(5.2, 1.98, ((0, 1.12), (0.5, 1.12), (3.9, 1.1), (4.8, 0.98), (5.2, 0.85)),
                (0.04, 0.16, 3.5, 4.5), 2.05, 0.28, 0.36),
    "hatchback": Body(4.2, 1.78, ((0, 0.98), (0.4, 1.02), (3.0, 0.98), (3.8, 0.88), (4.2, 0.72)),
                      (0.12, 0.6, 2.3, 3.2), 1.5),
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """Quads (n, 4, 3) and their material: "paint", "glass", "tyre", "rim", "trim", "seat" or "bed"."""

    quads: Floats
    material: str


def _grid(points: Floats) -> Floats:
    """A grid of points (r, c, 3) to its quads (n, 4, 3)."""
    quads = np.stack([points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]], axis=2)
    return quads.reshape(-1, 4, 3)


def _smooth(x: Floats, table: tuple[tuple[float, float], ...]) -> Floats:
    """A table's values at x, with its corners rounded over about 0.2 m."""
    xs, ys = zip(*table, strict=True)
    offsets = np.linspace(-0.2, 0.2, 9)
    values = [np.interp(np.clip(x + d, xs[0], xs[-1]), xs, ys) for d in offsets]
    return np.asarray(np.mean(values, axis=0))


def _deck(body: Body, z: float) -> float:
    """Height in metres of the body's upper edge at one z."""
    return float(_smooth(np.array([z]), body.deck)[0])


def deck_height(body: Body, front: bool) -> float:
    """Height in metres of the body's upper edge at the end that faces the camera."""
    return _deck(body, body.length if front else 0.0)


def half_width(body: Body, z: Floats) -> Floats:
    """Half the body's width at z, drawn in towards both ends."""
    ends = np.exp(-z / 0.16) + np.exp(-(body.length - z) / 0.2)
    return np.asarray(body.width / 2 * (1 - 0.075 * ends))


def _lower(body: Body) -> Floats:
    """The body below the windows: sections across the vehicle, swept from tail to nose."""
    ends = np.array([0, 0.02, 0.06, 0.12, 0.2, 0.32])
    middle = np.linspace(0.5, body.length - 0.5, 26)
    z = np.concatenate([ends, middle, body.length - ends[::-1]])
    half, top = half_width(body, z), _smooth(z, body.deck)
    bottom = body.clearance + 0.03 * (np.exp(-z / 0.2) + np.exp(-(body.length - z) / 0.2))
    turn = np.linspace(0, np.pi / 2, 6)
    side_x = np.concatenate([[0.95, 1.0, 1.0, 1.0], 1 - 0.09 * (1 - np.cos(turn)), [0.6, 0.3, 0.0]])
    side_y = np.concatenate([[0.0, 0.2, 0.5, 0.75], 0.86 + 0.12 * np.sin(turn), [0.99, 0.997, 1.0]])
    x = np.concatenate([side_x, -side_x[-2::-1]])
    y = np.concatenate([side_y, side_y[-2::-1]])
    grid = np.empty((len(z), len(x), 3))
    grid[..., 0] = half[:, None] * x
    grid[..., 1] = bottom[:, None] + (top - bottom)[:, None] * y
    grid[..., 2] = z[:, None]
    return _grid(grid)


def _cabin(body: Body) -> list[Part]:
    """Windows, pillars and roof: rounded rings stacked from the belt to the roof."""
    foot_rear, roof_rear, roof_front, foot_front = body.cabin
    belt = _deck(body, (foot_rear + foot_front) / 2) - 0.04
    levels = np.array([0, 0.12, 0.3, 0.5, 0.7, 0.84, 0.94, 1.0])
    round_in = np.array([0, 0, 0, 0, 0, 0.005, 0.025, 0.07])
    turn = np.linspace(0, 2 * np.pi, 73)
    ring_x = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.32
    ring_z = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.32
    lean = 0.13 if body.roof < 2 else 0.08
    half = body.width / 2 * 0.93 - lean * levels - round_in
    rear = foot_rear + (roof_rear - foot_rear) * levels + round_in
    front = foot_front + (roof_front - foot_front) * levels - round_in
    grid = np.empty((len(levels), len(turn), 3))
    grid[..., 0] = half[:, None] * ring_x
    grid[..., 1] = (belt + (body.roof - belt) * levels)[:, None]
    grid[..., 2] = ((rear + front) / 2)[:, None] + ((front - rear) / 2)[:, None] * ring_z
    quads = _grid(grid)
    material = _window_map(len(levels) - 1, len(turn) - 1, body)
    crown = [grid[-1] * np.array([s, 1, 1]) for s in (1, 0.7, 0.35, 0.0)]
    for ring, lift in zip(crown, (0, 0.025, 0.04, 0.045), strict=True):
        ring[:, 1] += lift
    roof = _grid(np.stack(crown))
    return [
        Part(np.concatenate([quads[~material], roof]), "paint"),
        Part(quads[material], "glass"),
    ]


def _window_map(rows: int, columns: int, body: Body) -> NDArray[np.bool_]:
    """Mark the quads of the cabin that are glass: all but corners, door pillar, belt and header."""
    turn = (np.arange(columns) + 0.5) / columns * 360 % 90
    corner = (turn > 36) & (turn < 54)
    full = (np.arange(columns) + 0.5) / columns * 360
    pillar = (np.abs(full - 90) < 3) | (np.abs(full - 270) < 3)
    if body.roof > 2:  # a panel van has no side windows behind the doors
        pillar |= (full > 82) & (full < 140) | (full > 220) & (full < 278)
    clear = ~(corner | pillar)
    height = np.arange(rows)
    glazed: NDArray[np.bool_] = (height[:, None] >= 1) & (height[:, None] < rows - 2) & clear[None]
    return glazed.reshape(-1)


def _wheels(body: Body) -> list[Part]:
    """Four tyres with rims; the outer face of each lies 1 cm outside the body."""
    turn = np.linspace(0, 2 * np.pi, 25)
    circle = np.stack([np.zeros_like(turn), np.cos(turn), np.sin(turn)], axis=1)
    tyres, rims = [], []
    for z in (body.length * 0.2, body.length * 0.81):
        for side in (-1, 1):
            hub = np.array([side * (body.width / 2 - 0.02), body.wheel, z])
            inner = hub - np.array([side * 0.22, 0, 0])
            rings = [inner + circle * body.wheel, hub + circle * body.wheel, hub + circle * body.wheel * 0.66]
            tyres.append(_grid(np.stack(rings)))
            face = hub + np.array([side * 0.005, 0, 0])
            rims.append(_grid(np.stack([face + circle * body.wheel * s for s in (0.66, 0.35, 0.0)])))
    return [Part(np.concatenate(tyres), "tyre"), Part(np.concatenate(rims), "rim")]


def _arches(body: Body) -> Part:
    """Dark wheel arches on the flanks and the shadowed floor under the body."""
    turn = np.linspace(0, np.pi, 13)
    found = []
    for z in (body.length * 0.2, body.length * 0.81):
        for side in (-1, 1):
            x = side * (body.width / 2 + 0.002)
            arc = np.stack([np.full_like(turn, x), body.wheel + np.sin(turn) * (body.wheel + 0.07),
                            z + np.cos(turn) * (body.wheel + 0.07)], axis=1)  # fmt: skip
            chord = arc.copy()
            chord[:, 1] = body.clearance + 0.02
            found.append(_grid(np.stack([arc, chord])))
    return Part(np.concatenate(found), "trim")


def _mirrors(body: Body) -> Part:
    """The two outside mirrors, where the side windows begin."""
    turn, rise = np.linspace(0, 2 * np.pi, 13), np.linspace(-np.pi / 2, np.pi / 2, 7)
    gt, gr = np.meshgrid(turn, rise)
    shape = np.stack(
        [np.cos(gt) * np.cos(gr) * 0.11, np.sin(gr) * 0.08, np.sin(gt) * np.cos(gr) * 0.06], axis=-1
    )
    height = _deck(body, body.cabin[3]) + 0.08
    reach, z = body.width / 2 + 0.06, body.cabin[3] - 0.25
    found = [_grid(shape + np.array([side * reach, height, z])) for side in (-1, 1)]
    return Part(np.concatenate(found), "paint")


def _seats(body: Body) -> Part:
    """Head rests, seen through the end windows: rounded shapes laid just before the glass."""
    foot_rear, roof_rear, roof_front, foot_front = body.cabin
    belt = _deck(body, (foot_rear + foot_front) / 2)
    turn = np.linspace(0, 2 * np.pi, 21)
    ring = np.stack([np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.5 * 0.12,
                     np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.5 * 0.5], axis=1)  # fmt: skip
    found = []
    for foot, top, out in ((foot_rear, roof_rear, -0.02), (foot_front, roof_front, 0.02)):
        for x in (-0.38, 0.38):
            share = 0.08 + 0.42 * (ring[:, 1] + 0.5)
            y, z = belt + (body.roof - belt) * share, foot + (top - foot) * share + out
            edge = np.stack([x + ring[:, 0], y, z], axis=1)
            found.append(_grid(np.stack([edge, np.repeat(edge.mean(axis=0)[None], len(edge), axis=0)])))
    return Part(np.concatenate(found), "seat")


def _bed(body: Body) -> list[Part]:
    """A pickup's bed: a dark well sunk into the deck."""
    if body.bed is None:
        return []
    z = np.linspace(*body.bed, 8)
    x = np.linspace(-0.82, 0.82, 6)
    gx, gz = np.meshgrid(x, z)
    return [Part(_grid(np.stack([gx, np.full_like(gx, body.deck[0][1] + 0.015), gz], axis=-1)), "bed")]


def parts(body: Body, front: bool) -> list[Part]:
    """All parts of a vehicle; with `front` it is turned round, so that its nose is at z = 0."""
    found = [
        *_wheels(body),
        _arches(body),
        Part(_lower(body), "paint"),
        *_bed(body),
        *_cabin(body),
        _mirrors(body),
    ]
    if body.roof < 2:
        found.append(_seats(body))
    if not front:
        return found
    turn, move = np.array([-1.0, 1.0, -1.0]), np.array([0.0, 0.0, body.length])
    return [Part(part.quads * turn + move, part.material) for part in found]
