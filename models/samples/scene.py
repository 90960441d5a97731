"""One picture of a street: vehicles, light, weather and camera, each an explicit setting."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from models.samples import fascia, glyphs, weather
from models.samples.geometry import View
from models.samples.light import LIGHTS, Hour, Light, overcast
from models.samples.plate_art import ink
from models.samples.street import Street, draw_street
from models.samples.vehicle_shapes import BODIES
from models.samples.vehicles import Drawn, Vehicle, draw_vehicle, footprint

Image = NDArray[np.uint8]
Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """All that decides a picture.

    Distance, angle, tilt and dirt belong to the vehicles and their plates. `rain` is 0 to 1; `blur` is the
    motion blur of vehicles in px of a 1280 px wide picture, along `blur_angle` (degrees, 90 is downwards);
    `focus` is the sigma (px) of a lens out of focus; `grain` the noise in levels, None for what the hour
    brings; `overlay` is the line of text a camera writes into its picture.
    """

    view: View = field(default_factory=View)
    street: Street = field(default_factory=Street)
    vehicles: tuple[Vehicle, ...] = ()
    hour: Hour = "day"
    rain: float = 0.0
    blur: float = 0.0
    blur_angle: float = 75.0
    focus: float = 0.0
    dusty_lens: bool = False
    grain: float | None = None
    overlay: str = ""


@dataclass(frozen=True)
class Shown:
    """A plate in the picture: its vehicle and corners (4, 2) px, clockwise from the upper left."""

    vehicle: Vehicle
    corners: NDArray[np.float64]


def draw_scene(scene: Scene, rng: np.random.Generator) -> Image:
    """The picture as BGR (height, width, 3) uint8."""
    return draw_scene_with_plates(scene, rng)[0]


def draw_scene_with_plates(scene: Scene, rng: np.random.Generator) -> tuple[Image, list[Shown]]:
    """The picture, and where the plates in it are."""
    light = overcast(LIGHTS[scene.hour]) if scene.rain else LIGHTS[scene.hour]
    picture = draw_street(scene.street, scene.view, scene.hour, scene.rain > 0).copy()
    shown = []
    for vehicle in sorted(scene.vehicles, key=lambda v: -v.z):
        drawn = draw_vehicle(vehicle, scene.view, light, rng)
        if drawn is None:
            continue
        _stand(picture, scene, vehicle, drawn, light)
        if drawn.plate_corners is not None:
            shown.append(Shown(vehicle, drawn.plate_corners))
    return _through_the_camera(picture, scene, light, rng), shown


def _stand(picture: Picture, scene: Scene, vehicle: Vehicle, drawn: Drawn, light: Light) -> None:
    """Puts one vehicle on the street: its shadow or its mirror image, itself, its lamps."""
    ground, depth = scene.view.project(footprint(vehicle))
    soft = 0.12 * scene.view.focal / float(depth.min())
    weather.shadow(picture, ground, 0.45 if light.dark or scene.rain else 0.72, soft)
    layer = weather.motion_blur(drawn.layer, scene.blur * scene.view.width / 1280, scene.blur_angle)
    if scene.rain:
        weather.wet_mirror(picture, layer, drawn.left, int(ground[0, 1]), 0.4)
    weather.put(picture, layer, drawn.left, drawn.top)
    if vehicle.lit:
        _lamps(picture, scene, vehicle, light)


def _lamps(picture: Picture, scene: Scene, vehicle: Vehicle, light: Light) -> None:
    """Halos of the lamps that face the camera, and the pool of light before head lamps."""
    body = BODIES[vehicle.body]
    half, low, high = fascia.extent(body, vehicle.front)
    turn = np.radians(vehicle.yaw)
    level = low + (high - low) * 0.72
    for side in (-1, 1):
        across = side * half * 0.82
        spot = np.array([vehicle.x + across * np.cos(turn), level, vehicle.z - across * np.sin(turn)])
        at, depth = scene.view.project(spot[None])
        unit = scene.view.focal / float(depth[0])
        x, y = at[0]
        if vehicle.front:
            weather.glow(picture, x, y, unit * (0.17 if light.dark else 0.06), (236, 248, 255), 1.0)
        else:
            weather.glow(picture, x, y, unit * 0.2, (30, 26, 255), 0.7 if light.dark else 0.2)


def _through_the_camera(picture: Picture, scene: Scene, light: Light, rng: np.random.Generator) -> Image:
    if scene.rain:
        picture = weather.rain(picture, scene.rain, rng)
    if scene.dusty_lens:
        picture = weather.grime(picture, rng)
    if scene.focus:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), scene.focus), np.float32)
    grain = scene.grain if scene.grain is not None else (4.5 if light.dark else 1.6)
    image = weather.sensor(picture, grain, rng)
    if scene.overlay:
        text = glyphs.printed(scene.overlay, max(12, scene.view.height // 36), stroke=5, spacing=10)
        ink(image, text, 16, 14, (250, 250, 250))
    return image


def encode(image: Image, quality: int = 82) -> bytes:
    """A picture as JPEG bytes."""
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("the picture could not be encoded as JPEG")
    return data.tobytes()
