"""Crops of vehicles for training: labels, the cut around the plate, and disturbances of camera and light."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.training.dice import Dice
from platestream.operators.vehicle import ABOVE, SIDES, cut_square
from platestream.operators.vehicle import VIEW_PIXELS as SIDE
from platestream.reading.geometry import Image
from platestream.reading.vehicle import TYPES, VIEWS
from platestream.reading.vehicle_color import COLORS

ROADSIDE = {
    "bike": ("motorcycle",), "juggernaut": ("truck",), "truck": ("truck",), "pickup": ("pickup",),
    "minibus": ("van", "minivan"),
    "car": ("sedan", "coupe", "hatchback", "wagon", "convertible", "suv", "van", "minivan"),
}  # fmt: skip
"""Types that a folder of the roadside crops may hold."""


@dataclass(frozen=True)
class Labelled:
    """One labeled vehicle; an empty set of types, and -1, stand for what the labeller did not know."""

    file: Path
    box: tuple[int, int, int, int] | None
    by_plate: bool
    types: tuple[int, ...]
    color: int
    view: int

    @property
    def picture(self) -> str:
        return self.file.name[:16]


def labelled(table: Path, data: Path) -> list[Labelled]:
    """Return the vehicles of a table of labels; files are below `data`."""
    with table.open() as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [
        Labelled(
            data / row["file"],
            (int(row["x"]), int(row["y"]), int(row["width"]), int(row["height"])),
            row["kind"] == "plate",
            (TYPES.index(row["type"]),) if row["type"] in TYPES else (),
            COLORS.index(row["color"]) if row["color"] in COLORS else -1,
            VIEWS.index(row["view"]) if row["view"] in VIEWS else -1,
        )
        for row in rows
    ]


def roadside(data: Path) -> Iterator[Labelled]:
    """Yield the crops of the roadside camera, whose folders are their types."""
    for folder, types in ROADSIDE.items():
        for file in sorted((data / "vehicles-roadside" / folder).glob("*.jpg")):
            yield Labelled(file, None, False, tuple(map(TYPES.index, types)), -1, -1)


def picture(one: Labelled) -> Image:
    return np.asarray(cv2.imread(str(one.file), cv2.IMREAD_COLOR), np.uint8)


def center(one: Labelled, image: Image) -> Image:
    """Return the cut that is measured: the product's around a plate, or the vehicle's box with a margin."""
    if one.box is None:
        return image
    x, y, width, height = one.box
    if one.by_plate:
        return cut_square(image, one.box)
    side = 1.15 * width
    return around(image, x + width / 2, y + height - 0.24 * side, side)


def around(image: Image, x: float, y: float, side: float) -> Image:
    """Return the square of a side around a point that stands where a plate's center does."""
    plate = side / SIDES
    return cut_square(image, (round(x - plate / 2), round(y - plate / 4), round(plate), round(plate / 2)))


def disturbed(one: Labelled, image: Image, dice: Dice) -> Image:
    """Return the vehicle as another camera might show it: place, size, mirrored, light, blur, noise."""
    if one.box is None:
        side = image.shape[0]
        image = around(image, side * dice.uniform(0.4, 0.6), side * dice.uniform(0.55, 0.75),
                       side * dice.uniform(0.75, 1.25))  # fmt: skip
    else:
        x, y, width, height = one.box
        side = (SIDES if one.by_plate else 1.0) * width * dice.uniform(0.85, 1.5)
        foot = 0.0 if one.by_plate else height - (1 - ABOVE) * side * dice.uniform(0.5, 1.2)
        image = around(image, x + width / 2 + side * dice.uniform(-0.08, 0.08), y + foot, side)
    seen = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    if dice.chance(0.5):
        seen = seen[:, ::-1]
    if dice.chance(0.3):
        turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), dice.uniform(-6, 6), 1)
        seen = cv2.warpAffine(seen, turn, (SIDE, SIDE), borderValue=(127, 127, 127))
    return camera(np.asarray(seen, np.uint8), dice)


def camera(seen: Image, dice: Dice) -> Image:
    """Return a crop in other light and through another lens."""
    if dice.chance(0.35):
        small = round(SIDE * dice.uniform(0.25, 0.8))
        seen = np.asarray(cv2.resize(seen, (small, small), interpolation=cv2.INTER_AREA), np.uint8)
        seen = np.asarray(cv2.resize(seen, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)
    if dice.chance(0.2):
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), dice.uniform(0.5, 2.0)), np.uint8)
    light = seen.astype(np.float32)
    light *= np.array([dice.uniform(0.92, 1.08) for _ in range(3)], np.float32)
    light = np.float32(255) * (np.clip(light, 0, 255) / np.float32(255)) ** np.float32(
        dice.uniform(0.75, 1.35)
    )
    light = (light - 127) * dice.uniform(0.8, 1.2) + 127 + dice.uniform(-15, 15)
    if dice.chance(0.3):
        light += dice.arrays.normal(0, dice.uniform(2, 9), light.shape).astype(np.float32)
    return np.clip(light, 0, 255).astype(np.uint8)


def in_infrared(seen: Image) -> Image:
    """Return a crop without colors, as a camera at night sees it."""
    gray = cv2.cvtColor(np.ascontiguousarray(seen), cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), np.uint8)
