"""Character tables as the recogniser would give them, for tests without a model."""

import numpy as np
import numpy.typing as npt

from schemas.reading import GLYPHS

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
