"""Vote over many readings of the same line: candidates, and how well each explains all readings.

A candidate is scored against every reading's character probabilities by CTC (`glyphs.likelihood`). A reading
that lost an edge or took a sticker for a letter therefore still supports the rest of the string, character by
character, without alignment by hand. The format is one more piece of evidence in the sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

from platestream.reading import glyphs
from platestream.reading.formats import Region, Symbol

Floats = npt.NDArray[np.float32]

SHORTEST, LONGEST = 3, 9
MOST = 48
"""Candidates that are scored; more cost time and have not once held the truth."""

LOOK_ALIKES: Mapping[str, str] = {
    "0": "D", "1": "LT7", "2": "Z", "4": "LA", "5": "S", "6": "G", "7": "T1", "8": "B",
    "A": "4", "B": "8", "D": "0", "G": "6", "H": "W", "L": "14", "M": "N", "N": "MH",
    "S": "5", "T": "7", "U": "0", "Z": "2",
}  # fmt: skip
_LIKE_ZERO, _LIKE_ONE = "OQ", "I"

TRACE = 0.015
"""Least probability of a bar at an end, in every table, from which it is considered."""
TAKEN = 0.8
"""Weight of a reading with a possible symbol as support for the string without it."""
MOST_SPELLINGS = 96
DEMANDED = 0.1
HARDLY_ZERO = 20.0
"""Least ratio of the probabilities of the text with an O and the one with a zero."""
HARDLY_TOLD = 0.03
"""Added to the picture's evidence between O and 0, I and 1, because plate dies hardly differ."""


@dataclass(frozen=True)
class Candidate:
    """One string with its evidence; `chances` is its CTC likelihood under each reading, 0 to 1."""

    text: str
    chances: tuple[float, ...]
    votes: float
    """Share of the readings that say exactly this, each counted by its confidence."""
    prior: float
    """Log of the format's chance, per-letter scale removed: how issued it looks (`formats.Region.chance`)."""

    def features(self) -> tuple[float, ...]:
        """Return the features of the ranking: log likelihoods, votes, format, length, word or not."""
        p = np.asarray(self.chances)
        return (
            float(np.log(1e-3 + p).mean()),
            log(float(p.mean()) + 1e-4),
            log(float(p.max()) + 1e-4),
            self.votes,
            self.prior / 10,
            self.prior + 2.8 * len(self.text),
            abs(len(self.text) - 6.5),
            float(is_word(self.text)),
        )


def fold(text: str) -> str:
    """Return text with O and Q written as 0, I as 1, because plate dies do not distinguish them."""
    return text.replace("O", "0").replace("Q", "0").replace("I", "1")


def is_word(text: str) -> bool:
    """Return whether a string may be letters only, with O and I perhaps written as digits."""
    return not set(text) & set("23456789") and any(c.isalpha() for c in text)


def greedy_readings(tables: Floats) -> dict[str, float]:
    """Return each distinct (folded) greedy reading of readings x steps x 37, with its summed confidence."""
    out: dict[str, float] = {}
    for table in tables:
        read = glyphs.greedy(table)
        text = fold(read.text)
        if SHORTEST <= len(text) <= LONGEST:
            out[text] = out.get(text, 0.0) + float(np.prod(read.confidences)) + 0.05
    return out


def proposals(readings: Mapping[str, float], region: Region, formats: Mapping[str, float]) -> list[str]:
    """Return the readings and the strings that they may be errors of.

    These have one character less, or a look-alike, if that gives a string whose format is clearly more common
    than the reading's own.
    """
    ranked = sorted(readings, key=lambda text: -readings[text])
    extra: dict[str, None] = {}
    for text in ranked[:6]:
        usual = region.prevalence(text, formats)
        for i, letter in enumerate(text):
            shorter = text[:i] + text[i + 1 :]
            if len(shorter) > SHORTEST and region.prevalence(shorter, formats):
                extra[shorter] = None
            for other in LOOK_ALIKES.get(letter, ""):
                changed = text[:i] + other + text[i + 1 :]
                if region.prevalence(changed, formats) > 3 * usual:
                    extra[changed] = None
    return list(dict.fromkeys([*ranked, *extra]))[:MOST]


def with_bars(
    tables: Floats, readings: Mapping[str, float], region: Region, formats: Mapping[str, float]
) -> list[str]:
    """Return the likeliest reading with a bar before or behind it, where all tables have a trace of one.

    An I at an end looks like a side of the plate or its frame. The string must be likelier to be issued with
    it. Only for plates without words: a US plate's frame is as near, and its formats hardly tell.
    """
    best = max(readings, key=lambda text: readings[text])
    blank, bar = 0, glyphs.INDEX["1"]
    out = list[str]()
    for longer, way in ((f"1{best}", 1), (f"{best}1", -1)):
        traces = list[float]()
        for table in tables[:, ::way]:
            first = int(np.argmax(table.argmax(axis=1) != blank))
            traces.append(float(table[:first, bar].max(initial=0.0)))
        if min(traces) > TRACE and region.prevalence(longer, formats) > region.prevalence(best, formats):
            out.append(longer)
    return [text for text in out if text not in readings and len(text) <= LONGEST]


def candidates(
    tables: Sequence[Floats],
    region: Region,
    formats: Mapping[str, float] | None = None,
    symbols: Sequence[tuple[Symbol, float]] = (),
) -> list[Candidate]:
    """Return every string worth considering for readings given as steps x 37 tables; unordered, folded.

    `formats` are those to be expected of this plate (`Region.mixed`), by default all of the region, and
    `symbols` the pictures that it may have (`Region.symbols`): a reading that took one for a character
    supports the string without it, too.
    """
    formats = region.formats if formats is None else formats
    if not tables:
        return []
    stacked = glyphs.tie_look_alikes(glyphs.stack(tables))
    readings = greedy_readings(stacked)
    if not readings:
        return []
    texts = proposals(readings, region, formats)
    if not region.speaks:
        texts += with_bars(stacked, readings, region, formats)
    chances = dict(zip(texts, glyphs.likelihood(stacked, texts), strict=True))
    votes = {text: readings.get(text, 0.0) / len(tables) for text in texts}
    for symbol, weight in symbols:
        for text, bare in without_symbol(texts, symbol):
            chances[bare] = np.maximum(chances[bare], TAKEN * weight * chances[text])
            votes[bare] = max(votes[bare], TAKEN * weight * votes[text])
    return [
        Candidate(text, tuple(map(float, chances[text])), votes[text], region.chance_folded(text, formats))
        for text in texts
    ]


def without_symbol(texts: Sequence[str], symbol: Symbol) -> list[tuple[str, str]]:
    """Return pairs of a text that may have the symbol as a character and the known text without it."""
    known = set(texts)
    pairs = [(t, t[: symbol.at] + t[symbol.at + 1 :]) for t in texts if t[symbol.at : symbol.at + 1]]
    return [(t, bare) for t, bare in pairs if t[symbol.at] in symbol.read_as and bare in known]


def unfold(
    texts: Sequence[str], tables: Sequence[Floats], region: Region, formats: Mapping[str, float]
) -> list[str]:
    """Return the strings with O and 0, I and 1 distinguished by the expected formats and the picture.

    If the region writes zero for O (as the FBI's hot list does), an O is written only where a very likely
    format of this plate requires a letter, or where hardly any plate has a zero (4R0W485: only one state's
    serials have this length and order, and a letter there). A Q has a tail, which the picture shows.
    """
    spellings = {text: options for text in texts if len(options := _spellings(text)) > 1}
    if not spellings:
        return list(texts)
    every = list(dict.fromkeys(option for options in spellings.values() for option in options))
    chances = dict(zip(every, glyphs.likelihood(glyphs.stack(tables), every), strict=True))

    def score(option: str) -> float:
        return float(np.log(HARDLY_TOLD + chances[option]).mean()) + region.chance(option, formats)

    def shown(text: str) -> str:
        options = spellings.get(text, [text])
        if region.zero_for_o and len(options) > 1:
            tailed = {
                o for o in options if "Q" in o and chances[o].mean() > chances[o.replace("Q", "O")].mean()
            }
            options = [o for o in options if "O" not in o or _is_demanded(o, region, formats)]
            options = [o for o in options if "Q" not in o or o in tailed]
        return max(options, key=score) if len(options) > 1 else options[0]

    return [shown(text) for text in texts]


def _spellings(text: str) -> list[str]:
    """Return all spellings of a folded text, or the text alone if there are too many."""
    options = [""]
    for c in text:
        choices = "0" + _LIKE_ZERO if c == "0" else "1" + _LIKE_ONE if c == "1" else c
        options = [o + x for o in options for x in choices]
        if len(options) > MOST_SPELLINGS:
            return [text]
    return options


def _is_demanded(option: str, region: Region, formats: Mapping[str, float]) -> bool:
    """Return whether a string's O must not be written as zero."""
    if region.prevalence(option, formats) > DEMANDED:
        return True
    letters, zeros = (region.chance(text, formats) for text in (option, option.replace("O", "0")))
    return letters - zeros > log(HARDLY_ZERO)
