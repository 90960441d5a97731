"""Baseline: one look, the largest plate-like line."""

import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from schemas.reading import PlateRead

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz -.·"
PLATE = re.compile(r"(?=.*\d)[A-Z0-9]{4,8}")


class Engine(Protocol):
    @property
    def models(self) -> tuple[str, ...]: ...
    def detect(self, image: Image, longest: int) -> list[Floats]: ...
    def recognise(self, crops: Sequence[Image], width: int = 320) -> list[Floats]: ...


class TwoLooks:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def models(self) -> tuple[str, ...]:
        return self._engine.models

    def read(self, image: Image) -> list[PlateRead]:
        boxes = [
            b for p in self._engine.detect(image, 960) if (b := _box(p, image.shape))[2] > 8 and b[3] > 5
        ]
        lines = self._engine.recognise([image[y : y + h, x : x + w] for x, y, w, h in boxes])
        reads = [r for box, line in zip(boxes, lines, strict=True) if (r := _read(box, line))]
        return sorted(reads, key=lambda r: -r.box[2] * r.box[3])


def _box(polygon: Floats, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    x, y = np.maximum(polygon.min(axis=0).astype(int), 0)
    right, bottom = np.minimum(polygon.max(axis=0).astype(int) + 1, (shape[1], shape[0]))
    return int(x), int(y), int(right - x), int(bottom - y)


def _read(box: tuple[int, int, int, int], line: Floats) -> PlateRead | None:
    best = line.argmax(axis=1)
    keep = [i for i in range(len(best)) if best[i] and (i == 0 or best[i] != best[i - 1])]
    pairs = [
        (c.upper(), float(line[i, best[i]]))
        for i in keep
        if best[i] <= len(ALPHABET) and (c := ALPHABET[best[i] - 1]).isalnum()
    ]
    plate = "".join(c for c, _ in pairs)
    if not PLATE.fullmatch(plate):
        return None
    sure = tuple(p for _, p in pairs)
    return PlateRead(plate, float(np.prod(sure)), None, 0.0, box, (), sure)
