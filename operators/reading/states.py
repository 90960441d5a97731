"""Which state issued a plate: the words printed around the serial and the serial's own format, weighed.

Each is evidence and none decides alone. Where nothing tells, the answer is None.
"""

from collections.abc import Iterable, Sequence
from math import exp, log
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from operators.reading.formats import Issuer, Region

PER_LETTER, PER_EDIT, PER_STRANGER = 1.2, 2.4, 0.5
"""Log odds for a letter that fits a printed phrase, and against, for an edit and for a letter left over."""
SUREST = 12.0
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
    phrases = (issuer.name, *issuer.slogans)
    return sum(max(match(text, phrase) for phrase in phrases) for text in texts)


def weigh(region: Region, serial: str, texts: Iterable[str]) -> dict[str, float]:
    """Chance of each issuer given the serial and the words around it; they sum to one."""
    lines = [w for t in texts if len(w := words(t)) >= 3]
    odds = {
        code: printed(issuer, lines)
        + FORMAT_WEIGHT * (region.chance(serial, code) - region.chance(serial))
        + PRIOR_WEIGHT * log(issuer.share)
        for code, issuer in region.issuers.items()
    }
    top = max(odds.values())
    raw = {code: exp(o - top) for code, o in odds.items()}
    total = sum(raw.values())
    return {code: r / total for code, r in raw.items()}


def state(region: Region, serial: str, texts: Iterable[str]) -> State:
    """The most likely issuer, or NOBODY when it is not likely enough to be named."""
    chances = weigh(region, serial, texts)
    code = max(chances, key=chances.__getitem__)
    return State(code, chances[code]) if chances[code] >= SAY_FROM else NOBODY
