"""Character tables as the recogniser would give them, for tests without a model."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from platestream.reading.geometry import Image
from platestream.schemas.reading import GLYPHS

Floats = npt.NDArray[np.float32]


def spoken(text: str, sure: float = 0.98) -> Floats:
    """Steps x GLYPHS: each character for one step, a blank after each; the rest of its chance is blank."""
    table = np.zeros((2 * len(text) + 2, len(GLYPHS)), np.float32)
    table[:, 0] = 1.0
    for i, letter in enumerate(text):
        step = 2 * i + 1
        table[step, GLYPHS.index(letter)] = sure
        table[step, 0] = 1.0 - sure
    return table


def doubted(text: str, at: int, other: str, chance: float) -> Floats:
    """The same with a rival at one character, which has this chance and leaves the rest to the first."""
    table = spoken(text)
    step = 2 * at + 1
    table[step] = 0.0
    table[step, GLYPHS.index(text[at])] = 1.0 - chance
    table[step, GLYPHS.index(other)] = chance
    return table


PICTURE = np.zeros((720, 1280, 3), np.uint8)


class ScriptedEngine:
    """Finds the same lines at every look and reads each by the script, in turn."""

    models = ("scripted",)

    def __init__(self, lines: Sequence[tuple[int, int, int, int]], says: Sequence[str], sure: float) -> None:
        self.lines, self.says, self.sure = lines, says, sure
        self.detected, self.careful, self.serials, self.read = 0, 0, 0, 0

    def detect(
        self,
        image: Image,
        longest: int,
        threshold: float = 0.6,
        careful: bool = False,
        serials: bool = False,
    ) -> list[Floats]:
        self.detected += 1
        self.serials += serials
        self.careful += careful
        if image.shape != PICTURE.shape:
            return []
        return [
            np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)
            for x, y, w, h in self.lines
        ]

    def recognise(self, crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
        first = self.read
        self.read += len(crops)
        return [spoken(self.says[(first + i) % len(self.says)], self.sure) for i in range(len(crops))]
