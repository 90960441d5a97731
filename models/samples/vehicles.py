"""Draws a vehicle with its plate into a layer of its own, ready to be put over a street."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.samples import fascia, vehicle_shapes
from models.samples.geometry import Floats, View
from models.samples.light import Light, shade
from models.samples.plates import HEIGHT_M, WIDTH_M, PlateLook, draw_plate
from models.samples.vehicle_shapes import BODIES, Body

Layer = NDArray[np.float32]

COLOURS: dict[str, tuple[float, float, float]] = {
    "white": (232, 232, 230), "silver": (176, 172, 168), "black": (34, 32, 32), "grey": (104, 102, 100),
    "red": (38, 34, 166), "blue": (136, 74, 34), "green": (70, 92, 44), "tan": (138, 168, 188),
    "gold": (84, 140, 176), "maroon": (42, 24, 92),
}  # fmt: skip

MATERIALS: dict[str, tuple[float, float, float]] = {
    "glass": (40, 38, 36), "tyre": (38, 38, 40), "rim": (150, 150, 152), "trim": (20, 20, 22),
    "seat": (38, 35, 33),
    "bed": (40, 40, 42),
}  # fmt: skip


NEARER: dict[str, float] = {"rim": 0.05, "seat": 0.12}
"""Metres by which a material counts as nearer than it is: it lies on another part, so it is painted later."""


@dataclass(frozen=True)
class Vehicle:
    """A vehicle on the street. `x`, `z` in metres: the middle of the end that faces the camera.

    `front`: it shows its front (it comes nearer), else its rear. `yaw` turns it (degrees). `plate_tilt` is
    how far the plate hangs from level (degrees, clockwise). `lit` switches its lamps on.
    """

    body: str
    colour: str
    plate: PlateLook | None
    x: float
    z: float
    front: bool = False
    yaw: float = 0.0
    plate_tilt: float = 0.0
    lit: bool = False


@dataclass(frozen=True)
class Drawn:
    """A vehicle's layer: premultiplied BGRA (h, w, 4), values 0 to 255, whose corner is at (left, top)."""

    layer: Layer
    left: int
    top: int
    plate_corners: Floats | None
    """(4, 2) px in the whole picture: upper left, upper right, lower right, lower left."""


def _placed(vehicle: Vehicle, points: Floats) -> Floats:
    """Points in the vehicle's own axes (..., 3) to the world."""
    turn = np.radians(vehicle.yaw)
    x, z = points[..., 0], points[..., 2]
    return np.stack(
        [
            vehicle.x + x * np.cos(turn) + z * np.sin(turn),
            points[..., 1],
            vehicle.z - x * np.sin(turn) + z * np.cos(turn),
        ],
        axis=-1,
    )


def footprint(vehicle: Vehicle, margin: float = 0.05) -> Floats:
    """The four corners (4, 3) of the ground it covers, with a margin in metres."""
    body = BODIES[vehicle.body]
    half = body.width / 2 + margin
    ends = np.array(
        [[-half, 0, -margin], [half, 0, -margin], [half, 0, body.length], [-half, 0, body.length]]
    )
    return _placed(vehicle, ends)


def _rectangle(half: float, low: float, high: float, z: float, tilt: float = 0.0) -> Floats:
    """Corners (4, 3) of an upright rectangle at depth z, from the upper left clockwise; tilt in degrees."""
    middle, turn = (low + high) / 2, np.radians(tilt)
    x = np.array([-half, half, half, -half])
    y = np.array([high, high, low, low]) - middle
    across, up = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    return np.stack([across, up + middle, np.full(4, z)], axis=-1)


def draw_vehicle(
    vehicle: Vehicle, view: View, light: Light, rng: np.random.Generator, fine: int = 2
) -> Drawn | None:
    """The vehicle as `view` sees it, drawn `fine` times larger and averaged down; None when out of sight."""
    body = BODIES[vehicle.body]
    outline, _ = view.project(_placed(vehicle, _bounds(body)))
    left, top = np.floor(np.clip(outline.min(axis=0) - 4, 0, [view.width, view.height])).astype(int)
    right, bottom = np.ceil(np.clip(outline.max(axis=0) + 4, 0, [view.width, view.height])).astype(int)
    if right - left < 8 or bottom - top < 8:
        return None
    size = ((right - left) * fine, (bottom - top) * fine)
    layer = np.zeros((size[1], size[0], 4), np.uint8)
    origin = np.array([left, top])
    _solid(layer, vehicle, body, view, light, origin, fine)
    sheet = fascia.draw(body, _lit_colour(vehicle, light), vehicle.front, vehicle.lit)
    half, low, high = fascia.extent(body, vehicle.front)
    corners, _ = view.project(_placed(vehicle, _rectangle(half, low, high, -0.012)))
    _lay(layer, _dimmed(sheet, light, vehicle.lit), (corners - origin) * fine)
    plate = _hang_plate(layer, vehicle, body, view, light, origin, fine, rng)
    small = cv2.resize(layer, (int(right - left), int(bottom - top)), interpolation=cv2.INTER_AREA)
    return Drawn(np.asarray(small, np.float32), int(left), int(top), plate)


def _bounds(body: Body) -> Floats:
    """The eight corners of the box around a vehicle."""
    half = body.width / 2 + 0.1
    return np.array(
        [[x, y, z] for x in (-half, half) for y in (0, body.roof + 0.1) for z in (-0.05, body.length)]
    )


def _solid(
    layer: NDArray[np.uint8],
    vehicle: Vehicle,
    body: Body,
    view: View,
    light: Light,
    origin: Floats,
    fine: int,
) -> None:
    """Paints all quads, the farthest first."""
    pixels, depths, colours = [], [], []
    for part in vehicle_shapes.parts(body, vehicle.front):
        quads = _placed(vehicle, part.quads)
        base = COLOURS[vehicle.colour] if part.material == "paint" else MATERIALS[part.material]
        at, depth = view.project(quads)
        pixels.append((at - origin) * fine)
        depths.append(depth.mean(axis=1) - NEARER.get(part.material, 0.0))
        colours.append(shade(light, quads, view.centre, base, part.material))
    points = np.round(np.concatenate(pixels) * 8).astype(np.int32)
    shades = np.clip(np.concatenate(colours), 0, 255)
    for i in np.argsort(-np.concatenate(depths), kind="stable"):
        b, g, r = shades[i]
        cv2.fillConvexPoly(layer, points[i], (float(b), float(g), float(r), 255.0), cv2.LINE_8, 3)


def _lit_colour(vehicle: Vehicle, light: Light) -> tuple[float, float, float]:
    """The paint of the end that faces the camera, before the hour dims it."""
    b, g, r = COLOURS[vehicle.colour]
    return (b, g, r) if light.dark else (b * 0.96, g * 0.96, r * 0.96)


def _facing_level(light: Light) -> Floats:
    """Return the brightness (BGR factors) of an upright surface that faces the camera."""
    sun = np.array(light.sun) / np.linalg.norm(light.sun)
    return np.array(light.ambient) * 0.85 + max(0.0, float(-sun[2])) * np.array(light.direct) + 0.06


def _dimmed(sheet: NDArray[np.uint8], light: Light, lit: bool) -> NDArray[np.uint8]:
    """The end's sheet under the hour's light; lamps that are on keep their own light."""
    level = _facing_level(light)
    colour = sheet[..., :3].astype(np.float32) * level.astype(np.float32)
    if lit:
        bright = sheet[..., :3].astype(np.int16)
        lamp = (bright.min(axis=2) > 244) | ((bright[..., 2] > 190) & (bright[..., 1] < 75))
        colour = np.where(lamp[..., None], sheet[..., :3].astype(np.float32) * 1.05, colour)
    return np.dstack([np.clip(colour, 0, 255).astype(np.uint8), sheet[..., 3]])


def _hang_plate(
    layer: NDArray[np.uint8], vehicle: Vehicle, body: Body, view: View, light: Light, origin: Floats,
    fine: int, rng: np.random.Generator,
) -> Floats | None:  # fmt: skip
    """Puts the plate on and gives its corners; by night the camera's infrared flash lights it."""
    if vehicle.plate is None:
        return None
    middle = fascia.plate_height(body, vehicle.front)
    spot = _rectangle(WIDTH_M / 2, middle - HEIGHT_M / 2, middle + HEIGHT_M / 2, -0.03, vehicle.plate_tilt)
    corners, _ = view.project(_placed(vehicle, spot))
    plate = draw_plate(vehicle.plate, rng)
    level = np.array([0.78, 0.8, 0.82]) if light.dark else np.minimum(_facing_level(light) * 1.08, 1.05)
    plate[..., :3] = np.clip(plate[..., :3] * level, 0, 255).astype(np.uint8)
    wide = float(np.linalg.norm(corners[1] - corners[0])) * fine
    shrink = min(1.0, wide * 1.1 / plate.shape[1])
    plate = np.asarray(cv2.resize(plate, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
    _lay(layer, plate, (corners - origin) * fine)
    return corners


def _lay(layer: NDArray[np.uint8], sheet: NDArray[np.uint8], corners: Floats) -> None:
    """Blends a BGRA sheet onto a premultiplied layer, its corners at the four pixels given."""
    h, w = sheet.shape[:2]
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, [layer.shape[1], layer.shape[0]])
    if (high <= low).any():
        return
    source = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    bent = cv2.getPerspectiveTransform(source, (corners - low).astype(np.float32))
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    warped = cv2.warpPerspective(sheet, bent, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    part = layer[low[1] : high[1], low[0] : high[0]]
    cover = warped[..., 3:].astype(np.float32) / 255
    under = part[..., :3].astype(np.float32)
    part[..., :3] = (under + (warped[..., :3] - under) * cover).astype(np.uint8)
    part[..., 3] = np.maximum(part[..., 3], warped[..., 3])
