"""State of issue of a plate, from the words printed around the serial and the serial's own format.

Each is evidence and none decides alone. Without evidence the answer is None.
"""

from collections.abc import Iterable, Mapping
from math import exp, log
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from platestream.reading.formats import Region

PER_LETTER, PER_EDIT, PER_STRANGER = 1.5, 2.4, 0.5
"""Log odds for a letter that fits a printed phrase, and against, for an edit and for a letter left over."""
SUREST = 20.0
UNEDITED = PER_EDIT / (PER_LETTER + PER_EDIT)
"""Share of a phrase's letters that have to be there for log odds above 0."""
LIKE = 50.0
"""RapidFuzz's partial ratio below which they are in no part of a longer text."""
FORMAT_WEIGHT, PRIOR_WEIGHT = 0.7, 0.4
LEAST_CONFIDENCE = 0.7
"""Probability below which no state is returned."""


Shown = dict[str, Mapping[str, float]]
"""Results of `shown` by line of text."""


class State(NamedTuple):
    code: str | None
    confidence: float


NOBODY = State(None, 0.0)


def normalize_words(text: str) -> str:
    """Return capital letters, digits and single spaces: "West   Virginia," becomes "WEST VIRGINIA"."""
    letters = "".join(c if c.isalnum() else " " for c in text.upper())
    return " ".join(letters.split())


def phrase_match(text: str, phrase: str) -> float:
    """Return the log odds that `text` shows `phrase` (both without spaces), 0 if it hardly does."""
    if len(text) < max(3, UNEDITED * len(phrase)):
        return 0.0
    part, rest = text, 0
    if len(text) >= len(phrase):
        where = fuzz.partial_ratio_alignment(phrase, text, score_cutoff=LIKE)
        if where is None:
            return 0.0
        part = text[where.dest_start : where.dest_end]
        rest = len(text) - len(part)
    edits = Levenshtein.distance(phrase, part)
    odds = PER_LETTER * (len(phrase) - edits) - PER_EDIT * edits - PER_STRANGER * min(rest, 8)
    return min(max(odds, 0.0), SUREST)


def phrase_odds(region: Region, text: str) -> Mapping[str, float]:
    """Return the log odds by issuer that a line of text (from `normalize_words`) shows its best phrase.

    Those at 0 are left out. Digits count only for phrases with digits: others may have a year in the middle
    ("RHODE 55 ISLAND").
    """
    bare, out = text.replace(" ", ""), dict[str, float]()
    letters = "".join(c for c in bare if not c.isdigit())
    for code, phrase in region.printed:
        if (odds := phrase_match(letters if phrase.isalpha() else bare, phrase)) > out.get(code, 0.0):
            out[code] = odds
    return out


def is_issuer_phrase(region: Region, text: str) -> bool:
    """Return whether a line of text is only an issuer's name or slogan, give or take a letter."""
    bare = normalize_words(text).replace(" ", "")
    as_long = (p for n in (-1, 0, 1) for p in region.phrases.get(len(bare) + n, ()))
    return len(bare) > 3 and any(
        Levenshtein.distance(p, bare, score_cutoff=1) <= (len(p) > 5) for p in as_long
    )


def shares(odds: Mapping[str, float]) -> dict[str, float]:
    """Convert log odds to probabilities that sum to one."""
    top = max(odds.values())
    raw = {code: exp(o - top) for code, o in odds.items()}
    total = sum(raw.values())
    return {code: r / total for code, r in raw.items()}


def cached_phrase_odds(region: Region, text: str, known: Shown) -> Mapping[str, float]:
    """Return `phrase_odds` of a line as it was read; `known` caches it."""
    if text not in known:
        known[text] = phrase_odds(region, bare) if len(bare := normalize_words(text)) >= 3 else {}
    return known[text]


def by_words(region: Region, texts: Iterable[str], known: Shown | None = None) -> dict[str, float]:
    """Return the probability of each issuer from the words around the serial only.

    `known` caches the result of each line of a picture, because it is needed repeatedly.
    """
    known = {} if known is None else known
    lines = [cached_phrase_odds(region, text, known) for text in texts]
    return shares(
        {
            code: sum(line.get(code, 0.0) for line in lines) + PRIOR_WEIGHT * log(issuer.share)
            for code, issuer in region.issuers.items()
        }
    )


def state(region: Region, serial: str, issuers: Mapping[str, float]) -> State:
    """Return the most likely issuer given `by_words` and the serial's format, or NOBODY if none is likely."""
    usual = region.chance(serial, region.mixed(issuers))
    chances = shares(
        {
            code: log(max(chance, 1e-12))
            + FORMAT_WEIGHT * (region.chance(serial, region.issuers[code].formats) - usual)
            for code, chance in issuers.items()
        }
    )
    code = max(chances, key=chances.__getitem__)
    return State(code, chances[code]) if chances[code] >= LEAST_CONFIDENCE else NOBODY
