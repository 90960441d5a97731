"""Light: the sky of an hour and the shade of a painted, glazed or dull surface under it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bgr = tuple[float, float, float]
Hour = Literal["day", "evening", "night"]


@dataclass(frozen=True)
class Light:
    """One hour's light. Colours are BGR factors or levels on a 0 to 255 scale; `sun` points to the sun."""

    sun: tuple[float, float, float]
    direct: Bgr
    ambient: Bgr
    zenith: Bgr
    horizon: Bgr
    dark: bool = False
    """Lamps are on and the camera's infrared flash lights the plate."""


LIGHTS: dict[Hour, Light] = {
    "day": Light(
        (-0.45, 0.75, -0.48), (0.62, 0.68, 0.7), (0.52, 0.48, 0.46), (206, 146, 84), (236, 220, 204)
    ),
    "evening": Light((0.7, 0.3, -0.65), (0.38, 0.58, 0.8), (0.46, 0.4, 0.4), (150, 104, 92), (120, 178, 244)),
    "night": Light(
        (0.2, 0.9, -0.4), (0.1, 0.12, 0.13), (0.2, 0.155, 0.135), (44, 28, 20), (74, 54, 46), True
    ),
}


def overcast(light: Light) -> Light:
    """The same hour under a closed sky: no sun to speak of, grey all round."""
    grey = sum(light.horizon) / 3
    direct = tuple(d * 0.2 for d in light.direct)
    ambient = tuple(a * 1.25 for a in light.ambient)
    return replace(
        light,
        direct=(direct[0], direct[1], direct[2]),
        ambient=(ambient[0], ambient[1], ambient[2]),
        zenith=(grey * 0.66, grey * 0.64, grey * 0.62),
        horizon=(grey * 0.84, grey * 0.82, grey * 0.8),
    )


def dull(colour: Bgr, light: Light, facing: float = 0.6) -> Bgr:
    """A dull colour under the hour's light; `facing` is how far the surface turns to the sun (0 to 1)."""
    b, g, r = (c * (a + d * facing) for c, a, d in zip(colour, light.ambient, light.direct, strict=True))
    return b, g, r


def normals(quads: Floats, eye: Floats) -> Floats:
    """Unit normals (n, 3) of quads (n, 4, 3), turned towards the eye."""
    found = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
    found /= np.linalg.norm(found, axis=1, keepdims=True) + 1e-12
    away = np.einsum("ij,ij->i", found, quads.mean(axis=1) - eye) > 0
    found[away] *= -1
    return np.asarray(found, np.float64)


def _mirror(quads: Floats, normal: Floats, eye: Floats) -> tuple[Floats, Floats]:
    """Return the direction to which each quad reflects (n, 3), and how strongly at that angle (n,)."""
    look = quads.mean(axis=1) - eye
    look /= np.linalg.norm(look, axis=1, keepdims=True)
    facing = np.einsum("ij,ij->i", look, normal)
    reflected = look - 2 * facing[:, None] * normal
    return reflected, 0.05 + 0.95 * (1 - np.abs(facing)) ** 4


def _surroundings(light: Light, direction: Floats) -> Floats:
    """Return the BGR color (n, 3) in a direction (n, 3): sky above, a bright horizon, dark street below."""
    up = np.clip(direction[:, 1:2], -1, 1)
    zenith, horizon = np.array(light.zenith), np.array(light.horizon)
    sky = horizon + (zenith - horizon) * np.sqrt(np.clip(up, 0, 1))
    ground = horizon * 0.34
    return np.asarray(np.where(up > 0.03, sky, ground + (horizon * 0.5 - ground) * np.clip(1 + up * 6, 0, 1)))


def shade(light: Light, quads: Floats, eye: Floats, colour: Bgr, material: str) -> Floats:
    """Colours (n, 3) BGR 0 to 255 of quads of one material."""
    normal = normals(quads, eye)
    sun = np.array(light.sun) / np.linalg.norm(light.sun)
    lambert = np.clip(normal @ sun, 0, 1)[:, None] * np.array(light.direct)
    base = np.array(colour) * (np.array(light.ambient) * (0.72 + 0.28 * normal[:, 1:2]) + lambert)
    if material not in ("paint", "glass", "rim"):
        return np.asarray(base, np.float64)
    reflected, strength = _mirror(quads, normal, eye)
    gloss = {"paint": 0.62, "glass": 1.0, "rim": 0.5}[material]
    share = np.clip(strength[:, None] * gloss + (0.1 if material == "glass" else 0.03), 0, 0.85)
    shine = np.clip(reflected @ sun, 0, 1)[:, None] ** 60 * np.array(light.direct) * 190
    return np.asarray(base * (1 - share) + _surroundings(light, reflected) * share + shine)
