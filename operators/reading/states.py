"""Which state issued a plate: the words printed around the serial and the serial's own format, weighed.

Each is evidence and none decides alone. Where nothing tells, the answer is None.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import exp, log
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from operators.reading.formats import Issuer, Region

PER_LETTER, PER_EDIT, PER_STRANGER = 1.5, 2.4, 0.5
"""Log odds for a letter that fits a printed phrase, and against, for an edit and for a letter left over."""
SUREST = 20.0
FORMAT_WEIGHT, PRIOR_WEIGHT = 0.7, 0.4
SAY_FROM = 0.7
"""Below this the state is not given."""


class State(NamedTuple):
    code: str | None
    confidence: float


NOBODY = State(None, 0.0)


def words(text: str) -> str:
    """Capital letters, digits and single spaces: "West   Virginia," becomes "WEST VIRGINIA"."""
    kept = "".join(c if c.isalnum() else " " for c in text.upper())
    return " ".join(kept.split())


def match(text: str, phrase: str) -> float:
    """Log odds that `text` shows `phrase` (both as from `words`), 0 when it hardly does."""
    text, bare = text.replace(" ", ""), phrase.replace(" ", "")
    if len(text) < 3 or not bare:
        return 0.0
    where = fuzz.partial_ratio_alignment(bare, text)
    if where is None or len(text) < len(bare):
        part, rest = text, 0
    else:
        part = text[where.dest_start : where.dest_end]
        rest = len(text) - len(part)
    edits = Levenshtein.distance(bare, part)
    odds = PER_LETTER * (len(bare) - edits) - PER_EDIT * edits - PER_STRANGER * min(rest, 8)
    return min(max(odds, 0.0), SUREST)


def printed(issuer: Issuer, texts: Sequence[str]) -> float:
    """Log odds from all lines of text near the serial, each counted for the phrase it shows best."""
    return sum(max(match(text, phrase) for phrase in issuer.phrases) for text in texts)


def names(region: Region, text: str) -> bool:
    """Whether a line of text is nothing but an issuer's printed name or slogan, give or take a letter."""
    bare = words(text).replace(" ", "")
    as_long = (p for n in (-1, 0, 1) for p in region.phrases.get(len(bare) + n, ()))
    return len(bare) > 3 and any(
        Levenshtein.distance(p, bare, score_cutoff=1) <= (len(p) > 5) for p in as_long
    )


def shares(odds: Mapping[str, float]) -> dict[str, float]:
    """Log odds to chances that sum to one."""
    top = max(odds.values())
    raw = {code: exp(o - top) for code, o in odds.items()}
    total = sum(raw.values())
    return {code: r / total for code, r in raw.items()}


def by_words(region: Region, texts: Iterable[str]) -> dict[str, float]:
    """Chance of each issuer from the words printed around the serial alone."""
    lines = [w for t in texts if len(w := words(t)) >= 3]
    return shares(
        {
            code: printed(issuer, lines) + PRIOR_WEIGHT * log(issuer.share)
            for code, issuer in region.issuers.items()
        }
    )


def state(region: Region, serial: str, issuers: Mapping[str, float]) -> State:
    """The most likely issuer given `by_words` and the serial's format, or NOBODY when none is likely."""
    usual = region.chance(serial, region.mixed(issuers))
    chances = shares(
        {
            code: log(max(chance, 1e-12))
            + FORMAT_WEIGHT * (region.chance(serial, region.issuers[code].formats) - usual)
            for code, chance in issuers.items()
        }
    )
    code = max(chances, key=chances.__getitem__)
    return State(code, chances[code]) if chances[code] >= SAY_FROM else NOBODY
