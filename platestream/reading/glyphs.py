"""Decoding of the recognizer's character probabilities: folding, greedy reading, scoring.

All functions are array arithmetic: "steps" are the recognizer's time steps (one for each 8 pixels of a crop
48 pixels high), "letters" the 37 columns blank, 0-9, A-Z.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from platestream.schemas.reading import GLYPHS

Floats = npt.NDArray[np.float32]

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
INDEX = {letter: i + 1 for i, letter in enumerate(ALPHABET)}

# A printed l may also be a one or an I; every other small letter is its capital.
_SMALL_L = {"1": 0.5, "I": 0.2, "L": 0.3}
_FLOOR = 1e-6
_RESCALED = 8
"""Steps after which probabilities are rescaled, before they underflow: 1e-48 at least."""


def _folding() -> Floats:
    table = np.zeros((len(GLYPHS), len(ALPHABET) + 1), np.float32)
    for row, glyph in enumerate(GLYPHS):
        if glyph == "l":
            for letter, share in _SMALL_L.items():
                table[row, INDEX[letter]] = share
        else:
            # Other characters (a hyphen, a state's symbol, a space) count as a gap.
            table[row, INDEX.get(glyph.upper(), 0)] = 1.0
    return table


_FOLD = _folding()


class GreedyReading(NamedTuple):
    """One greedy reading: the text, and a probability (0 to 1) and a step for each character."""

    text: str
    confidences: tuple[float, ...]
    steps: tuple[int, ...]


def letters(glyphs: Floats) -> Floats:
    """Convert steps x glyphs (`platestream.schemas.reading.GLYPHS`) to steps x 37; case is folded, symbols
    are blank."""
    return glyphs @ _FOLD


def tie_look_alikes(table: Floats) -> Floats:
    """Return the table with 0, O, Q sharing their probability, and 1 and I theirs.

    Plate dies make them alike; the format decides between them, not the picture.
    """
    out = table.copy()
    for group in ("0OQ", "1I"):
        columns = [INDEX[c] for c in group]
        out[..., columns] = table[..., columns].sum(axis=-1, keepdims=True)
    return out


def text_of(glyphs: Floats) -> str:
    """Return the greedy text with case and symbols, for words (state names, signs)."""
    best = glyphs.argmax(axis=1)
    steps = [k for t, k in enumerate(best) if k and (t == 0 or k != best[t - 1])]
    return "".join(GLYPHS[k] for k in steps)


def greedy(table: Floats) -> GreedyReading:
    """Return the best character at each step of a steps x 37 table, repeats joined and blanks dropped."""
    best = table.argmax(axis=1)
    text, sure, steps = "", list[float](), list[int]()
    for t, k in enumerate(best):
        if not k:
            continue
        chance = float(table[t, k])
        if t and k == best[t - 1]:
            sure[-1] = max(sure[-1], chance)
        else:
            text += ALPHABET[k - 1]
            sure.append(chance)
            steps.append(t)
    return GreedyReading(text, tuple(sure), tuple(steps))


def stack(tables: Sequence[Floats]) -> Floats:
    """Return tables of different length as one array (tables x steps x 37); shorter ones end in blanks."""
    steps = max(len(t) for t in tables)
    out = np.zeros((len(tables), steps, tables[0].shape[1]), np.float32)
    out[:, :, 0] = 1.0
    for row, table in zip(out, tables, strict=True):
        row[: len(table)] = table
    return out


def likelihood(tables: Floats, texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the probability (0 to 1) of each text under each table: texts x tables.

    It is the forward pass of CTC. All texts and tables pass the time steps together, so thirty texts cost
    about as much as one.
    """
    longest = 2 * max(len(t) for t in texts) + 1
    labels = np.zeros((len(texts), longest), np.intp)
    for row, text in zip(labels, texts, strict=True):
        row[1 : 2 * len(text) : 2] = [INDEX[c] for c in text]
    skip = np.zeros(labels.shape, np.float64)
    skip[:, 2:] = (labels[:, 2:] != 0) & (labels[:, 2:] != labels[:, :-2])

    emit = np.maximum(tables, _FLOOR).astype(np.float64)[:, :, labels]
    state = np.zeros((len(tables), *labels.shape), np.float64)
    state[:, :, :2] = emit[:, 0, :, :2]
    log_scale = np.zeros(state.shape[:2], np.float64)
    last = tables.shape[1] - 1
    for t in range(1, last + 1):
        moved = state.copy()
        moved[:, :, 1:] += state[:, :, :-1]
        moved[:, :, 2:] += skip[:, 2:] * state[:, :, :-2]
        moved *= emit[:, t]
        state = moved
        if t % _RESCALED == 0 or t == last:
            scale = np.maximum(state.sum(axis=2), 1e-300)
            state /= scale[:, :, None]
            log_scale += np.log(scale)
    rows = np.arange(len(texts))
    end = np.array([2 * len(t) for t in texts])
    ends = state[:, rows, end] + np.where(end > 0, state[:, rows, np.maximum(end - 1, 0)], 0.0)
    result: npt.NDArray[np.float64] = (ends * np.exp(np.minimum(log_scale, 0.0))).T
    return result
