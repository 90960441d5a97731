"""What a plate says, from many readings of the same line: candidates, and how well each explains them all.

A candidate is scored against every reading's character probabilities by CTC (`glyphs.likelihood`), so a
reading that lost an edge or took a sticker for a letter still speaks for the rest of the string, character by
character; nothing has to be aligned by hand. The format is one more piece of evidence in the sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import numpy.typing as npt

from operators.reading import glyphs
from operators.reading.formats import Region, Symbol, shape

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

TAKEN = 0.8
"""How much of a reading that may have taken a symbol for a character speaks for the string without it."""
MOST_SPELLINGS = 96
DEMANDED = 0.1
HARDLY_ZERO = 20.0
"""How many times likelier the text with an O has to be among all plates than the one with a zero."""
HARDLY_TOLD = 0.03
"""Added to the picture's say between O and 0, I and 1: it can be outvoted, as the dies are hardly unlike."""


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
        """What ranking weighs: log likelihoods, votes, format, length, and whether it is a word."""
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


def folded(text: str) -> str:
    """O and Q written 0, I written 1: what plate dies do not tell apart."""
    return text.replace("O", "0").replace("Q", "0").replace("I", "1")


def is_word(text: str) -> bool:
    """Whether a string may be letters only, with O and I perhaps written as digits."""
    return not set(text) & set("23456789") and any(c.isalpha() for c in text)


def said(tables: Floats) -> dict[str, float]:
    """Each distinct (folded) greedy reading of readings x steps x 37, with its summed confidence."""
    out: dict[str, float] = {}
    for table in tables:
        read = glyphs.greedy(table)
        text = folded(read.text)
        if SHORTEST <= len(text) <= LONGEST:
            out[text] = out.get(text, 0.0) + float(np.prod(read.sure)) + 0.05
    return out


def proposals(readings: Mapping[str, float], formats: Mapping[str, float]) -> list[str]:
    """The readings and what may be behind them: one character too many, or a look-alike, where that gives
    a string whose format is clearly more common than the reading's own.
    """
    ranked = sorted(readings, key=lambda text: -readings[text])
    extra: dict[str, None] = {}
    for text in ranked[:6]:
        usual = formats.get(shape(text), 0.0)
        for i, letter in enumerate(text):
            shorter = text[:i] + text[i + 1 :]
            if len(shorter) > SHORTEST and shape(shorter) in formats:
                extra[shorter] = None
            for other in LOOK_ALIKES.get(letter, ""):
                changed = text[:i] + other + text[i + 1 :]
                if formats.get(shape(changed), 0.0) > 3 * usual:
                    extra[changed] = None
    return list(dict.fromkeys([*ranked, *extra]))[:MOST]


def candidates(
    tables: Sequence[Floats],
    region: Region,
    formats: Mapping[str, float] | None = None,
    symbols: Sequence[tuple[Symbol, float]] = (),
) -> list[Candidate]:
    """Every string worth considering for readings given as steps x 37 tables; unordered, folded.

    `formats` are those to be expected of this plate (`Region.mixed`), by default all of the region, and
    `symbols` the pictures it may carry (`Region.symbols`): a reading that took one for a character speaks
    for the string without it, too.
    """
    formats = region.formats if formats is None else formats
    if not tables:
        return []
    stacked = glyphs.tied(glyphs.stack(tables))
    readings = said(stacked)
    if not readings:
        return []
    texts = proposals(readings, formats)
    chances = dict(zip(texts, glyphs.likelihood(stacked, texts), strict=True))
    votes = {text: readings.get(text, 0.0) / len(tables) for text in texts}
    for symbol, weight in symbols:
        for text, bare in without(texts, symbol):
            chances[bare] = np.maximum(chances[bare], TAKEN * weight * chances[text])
            votes[bare] = max(votes[bare], TAKEN * weight * votes[text])
    return [
        Candidate(text, tuple(map(float, chances[text])), votes[text], region.chance_folded(text, formats))
        for text in texts
    ]


def without(texts: Sequence[str], symbol: Symbol) -> list[tuple[str, str]]:
    """The texts that may hold the symbol as a character, each with the one among them that lacks it."""
    known = set(texts)
    pairs = [(t, t[: symbol.at] + t[symbol.at + 1 :]) for t in texts if t[symbol.at : symbol.at + 1]]
    return [(t, bare) for t, bare in pairs if t[symbol.at] in symbol.read_as and bare in known]


def unfolded(
    texts: Sequence[str], tables: Sequence[Floats], region: Region, formats: Mapping[str, float]
) -> list[str]:
    """The strings with O and 0, I and 1 told apart: by the formats to be expected, a little by the picture.

    Where the region writes zero for O (as the FBI's hot list does), an O is written only in a place where a
    format that this plate very likely has demands a letter, or where hardly a plate has a zero (4R0W485: only
    one state's serials have this length and order, and a letter there). A Q has a tail and is told by the
    picture.
    """
    spellings = {text: options for text in texts if len(options := _spellings(text)) > 1}
    if not spellings:
        return list(texts)
    every = list(dict.fromkeys(option for options in spellings.values() for option in options))
    chances = dict(zip(every, glyphs.likelihood(glyphs.stack(tables), every), strict=True))

    def score(option: str) -> float:
        return float(np.log(HARDLY_TOLD + chances[option]).mean()) + region.chance(option, formats)

    def told(text: str) -> str:
        options = spellings.get(text, [text])
        if region.zero_for_o and len(options) > 1:
            tailed = {
                o for o in options if "Q" in o and chances[o].mean() > chances[o.replace("Q", "O")].mean()
            }
            options = [o for o in options if "O" not in o or _demanded(o, region, formats)]
            options = [o for o in options if "Q" not in o or o in tailed]
        return max(options, key=score) if len(options) > 1 else options[0]

    return [told(text) for text in texts]


def _spellings(text: str) -> list[str]:
    """All that a folded text may stand for; the text alone where that is too much."""
    options = [""]
    for c in text:
        choices = "0" + _LIKE_ZERO if c == "0" else "1" + _LIKE_ONE if c == "1" else c
        options = [o + x for o in options for x in choices]
        if len(options) > MOST_SPELLINGS:
            return [text]
    return options


def _demanded(option: str, region: Region, formats: Mapping[str, float]) -> bool:
    """Whether a string's O may not be written as zero."""
    if formats.get(shape(option), 0) > DEMANDED:
        return True
    letters, zeros = (region.chance(text, formats) for text in (option, option.replace("O", "0")))
    return letters - zeros > log(HARDLY_ZERO)
