"""Type, color and view of a vehicle from the square around its plate, by networks of the project's own.

An attribute is given only from a threshold of its probability; below it, nothing is said. Types are coarse:
those that a rear view of a few hundred pixels tells apart.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from platestream.operators.vehicle import VIEW_PIXELS, Attribute, Look
from platestream.reading.geometry import Image
from platestream.reading.ocr import VEHICLE, shipped_model, start_session
from platestream.reading.vehicle_color import COLORS, ColorModel, shows_color

TYPES = (
    "sedan", "coupe", "hatchback", "wagon", "convertible", "suv", "pickup", "van", "minivan", "truck",
    "motorcycle",
)  # fmt: skip
GIVEN = {"car": TYPES[:5], "suv": ("suv",), "pickup": ("pickup",), "van": ("van", "minivan")}
"""Types that are given, with those of the network that each sums up. Trucks and motorcycles are known from a
roadside camera alone and are not given.
"""
VIEWS = ("rear", "front")
LEAST_TYPE, LEAST_COLOR = 0.8, 0.7

Floats = npt.NDArray[np.float32]


class VehicleModel:
    """The networks, for use by several threads. Raises ModelError if a file is not the shipped one."""

    def __init__(self, threads: int = 1) -> None:
        self._session: ort.InferenceSession = start_session(shipped_model(VEHICLE), threads)
        self._colors = ColorModel()

    def __call__(self, views: Sequence[bytes]) -> Look:
        """Return what is clear in the views of one vehicle (JPEG); their evidence is averaged."""
        images = [image for view in views if (image := _decode(view)) is not None]
        if not images:
            return Look()
        types, ends = self.shares(images)
        bodies = {word: sum(float(types[TYPES.index(one)]) for one in of) for word, of in GIVEN.items()}
        lit = [self._colors.shares(image) for image in images if shows_color(image)]
        colors = dict(zip(COLORS, _merged(lit).tolist(), strict=True)) if lit else {}
        return Look(_clear(bodies, LEAST_TYPE), _clear(colors, LEAST_COLOR), float(ends[1]))

    def shares(self, images: Sequence[Image]) -> tuple[Floats, Floats]:
        """Return the probabilities of TYPES and VIEWS for pictures of one vehicle (BGR)."""
        types, ends = self._session.run(("types", "views"), {"pictures": network_input(images)})
        return _merged(types), _merged(ends)


def network_input(images: Sequence[Image]) -> Floats:
    """Return pictures (BGR) as the network's input, n x 3 x 192 x 192, RGB, -1 to 1."""
    size = (VIEW_PIXELS, VIEW_PIXELS)
    rows = [cv2.resize(image, size, interpolation=cv2.INTER_AREA)[..., ::-1] for image in images]
    return np.ascontiguousarray(np.stack(rows).transpose(0, 3, 1, 2), np.float32) / np.float32(127.5) - 1


def _merged(shares: Sequence[Floats]) -> Floats:
    """Return the geometric mean of distributions."""
    raised = np.exp(np.log(np.clip(np.stack(shares), 1e-6, 1)).mean(axis=0))
    return np.asarray(raised / raised.sum(), np.float32)


def _clear(shares: dict[str, float], least: float) -> Attribute | None:
    best = max(shares, key=shares.__getitem__, default=None)
    return None if best is None or shares[best] < least else Attribute(best, min(shares[best], 1.0))


def _decode(view: bytes) -> Image | None:
    pixels = cv2.imdecode(np.frombuffer(view, np.uint8), cv2.IMREAD_COLOR) if view else None
    return None if pixels is None else np.asarray(pixels, np.uint8)
