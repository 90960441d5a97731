"""`platestream bench vehicles DATA`: how often a vehicle's type, color and direction are given and right.

Labels are tab-separated: file below DATA, kind of the box (plate or vehicle), its pixels, type, color, view.
An empty label is what the labeller could not tell; it counts for nothing. Types count as the reader gives
them. The first folder of a file is its
set. Shares have the 95 % interval of Wilson. Colors count strictly, and with silver as gray, as in matching.
"""

import csv
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from benchmarks.sets import wilson
from platestream.operators.vehicle import Look, direction, vehicle_view
from platestream.reading.factory import PlateReader
from platestream.reading.geometry import Image
from platestream.reading.vehicle import GIVEN, VehicleModel

ALIKE = {"silver": "gray"}
COARSE = {one: word for word, types in GIVEN.items() for one in types}
COMING = {"front": "approaching", "rear": "leaving"}
Row = Mapping[str, str]


def run(
    data: Path,
    labels: Path,
    pictures_read: int,
    progress: Callable[[Iterable[Row]], Iterable[Row]] = lambda rows: rows,
) -> dict[str, object]:
    """Return a line for each set, and the milliseconds of a vehicle beside those of reading a picture.

    Raises OSError and KeyError for files that are missing or have other columns.
    """
    with labels.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["kind"] == "plate"]
    model = VehicleModel()
    found: dict[str, list[tuple[Row, Look]]] = defaultdict(list)
    seconds = list[float]()
    for row in progress(rows):
        pixels = _picture(data / row["file"])
        began = time.perf_counter()
        look = model([vehicle_view(pixels, _box(row))])
        seconds.append(time.perf_counter() - began)
        found[row["file"].split("/")[0]].append((row, look))
    return {
        "ms_a_vehicle": round(1000 * median(seconds), 1),
        "ms_a_picture_read": _reading_ms([data / row["file"] for row in rows[:pictures_read]]),
        "sets": [{"set": name, "vehicles": len(looks), **figures(looks)} for name, looks in found.items()],
    }


def figures(looks: Sequence[tuple[Row, Look]]) -> dict[str, object]:
    """Return share given and share right of these, by attribute, for vehicles with a label."""
    types = [(COARSE.get(row["type"], row["type"]), look.body and look.body.word) for row, look in looks]
    colors = [(row["color"], look.colour and look.colour.word) for row, look in looks]
    ways = [(COMING.get(row["view"], ""), _way(look)) for row, look in looks]
    return {
        "type": _line(types),
        "color": _line(colors),
        "color_silver_as_gray": _line([(ALIKE.get(a, a), b and ALIKE.get(b, b)) for a, b in colors]),
        "direction": _line(ways),
    }


def _way(look: Look) -> str | None:
    found = direction(look.front, growth=1.0)
    return found and found.word


def _line(pairs: Sequence[tuple[str, str | None]]) -> dict[str, object]:
    known = [(label, said) for label, said in pairs if label]
    given = [(label, said) for label, said in known if said]
    return {
        "labeled": len(known),
        "given": _share(len(given), len(known)),
        "right": _share(sum(label == said for label, said in given), len(given)),
    }


def _share(count: int, of: int) -> list[float]:
    """Return a share in percent with its interval: share, least, most."""
    if not of:
        return []
    return [round(100 * one, 1) for one in (count / of, *wilson(count, of))]


def _reading_ms(files: Sequence[Path]) -> float | None:
    if not files:
        return None
    reader = PlateReader(threads=1)
    pictures = [_picture(file) for file in files]
    reader.read(pictures[0])
    began = time.perf_counter()
    for picture in pictures:
        reader.read(picture)
    return round(1000 * (time.perf_counter() - began) / len(pictures), 1)


def _picture(file: Path) -> Image:
    pixels = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if pixels is None:
        raise OSError(f"{file} is no picture")
    return np.asarray(pixels, np.uint8)


def _box(row: Row) -> tuple[int, int, int, int]:
    return int(row["x"]), int(row["y"]), int(row["width"]), int(row["height"])
