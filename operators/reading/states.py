"""Which state issued a plate: the words printed around the serial and the serial's own format, weighed.

Each is evidence and none decides alone. Where nothing tells, the answer is None.
"""

from collections.abc import Iterable, Mapping
from math import exp, log
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from operators.reading.formats import Region

PER_LETTER, PER_EDIT, PER_STRANGER = 1.5, 2.4, 0.5
"""Log odds for a letter that fits a printed phrase, and against, for an edit and for a letter left over."""
SUREST = 20.0
UNEDITED = PER_EDIT / (PER_LETTER + PER_EDIT)
"""Share of a phrase's letters that have to be there for log odds above 0."""
LIKE = 50.0
"""RapidFuzz's partial ratio below which they are in no part of a longer text."""
FORMAT_WEIGHT, PRIOR_WEIGHT = 0.7, 0.4
SAY_FROM = 0.7
"""Below this the state is not given."""


Shown = dict[str, Mapping[str, float]]
"""By line of text what `shown` says of it."""


class State(NamedTuple):
    code: str | None
    confidence: float


NOBODY = State(None, 0.0)


def words(text: str) -> str:
    """Capital letters, digits and single spaces: "West   Virginia," becomes "WEST VIRGINIA"."""
    kept = "".join(c if c.isalnum() else " " for c in text.upper())
    return " ".join(kept.split())


def match(text: str, phrase: str) -> float:
    """Log odds that `text` shows `phrase` (both without spaces), 0 when it hardly does."""
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


def shown(region: Region, text: str) -> Mapping[str, float]:
    """By issuer, log odds that a line of text (as from `words`) shows the phrase of its that it shows best;
    those at 0 are left out. Digits count for phrases that have some: in the middle of others may stand a year
    ("RHODE 55 ISLAND").
    """
    bare, out = text.replace(" ", ""), dict[str, float]()
    letters = "".join(c for c in bare if not c.isdigit())
    for code, phrase in region.printed:
        if (odds := match(letters if phrase.isalpha() else bare, phrase)) > out.get(code, 0.0):
            out[code] = odds
    return out


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


def shown_of(region: Region, text: str, known: Shown) -> Mapping[str, float]:
    """`shown` of a line as it was read; `known` keeps it."""
    if text not in known:
        known[text] = shown(region, bare) if len(bare := words(text)) >= 3 else {}
    return known[text]


def by_words(region: Region, texts: Iterable[str], known: Shown | None = None) -> dict[str, float]:
    """Chance of each issuer from the words printed around the serial alone. `known` keeps what each line of a
    picture shows, as it is asked for again and again.
    """
    known = {} if known is None else known
    lines = [shown_of(region, text, known) for text in texts]
    return shares(
        {
            code: sum(line.get(code, 0.0) for line in lines) + PRIOR_WEIGHT * log(issuer.share)
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
