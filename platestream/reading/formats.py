"""Serial formats as evidence: the prior probability of a string on a plate.

A region's plates are a mixture: an issuer (by its share of the population), one of its formats (current ones
three times as likely as older ones), any characters that the format allows; and with a fixed share strings of
no format (personalized plates), so that a format can decide a close case but never overrule a clear picture.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from math import exp, log, prod
from typing import Any, NamedTuple

ODD = 0.1
"""Of plates that follow no listed format nearly all are letters, or letters before or after a number; any
other mixture is that much rarer."""

_DIGITS, _LETTERS = 10.0, 24.0
_FOLDED = {"0": "OQ", "1": "I"}
"""Letters that a folded text has as digits."""
_SHAPE = str.maketrans(dict.fromkeys("0123456789", "9") | dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "A"))
_OLDER = 0.25
_UNLISTED_LENGTH = 1e-4
LEAST_PART = 5
"""Least number of letters in a word of a name that identifies an issuer by itself."""
RARE = 0.05
"""Probability below which an issuer's symbols are ignored."""


class Symbol(NamedTuple):
    """A picture in the issuer's serials.

    It is before character `at` (0: before all); `read_as` are the characters that it is read as.
    """

    at: int
    read_as: str


@dataclass(frozen=True)
class Issuer:
    """An issuer of plates: the words printed on them and the probability of each format ("AAA9999").

    In a format A is a letter, 9 a digit, X either, and a small letter that letter ("b999AAA" of Bucharest).
    Letters behind a hyphen are not issued ("9999AAA-AEIOUQ").
    """

    code: str
    share: float
    name: str
    slogans: tuple[str, ...]
    formats: Mapping[str, float]
    symbols: tuple[Symbol, ...] = ()
    parts: tuple[str, ...] = ()
    """Words of a name of several, which may stand apart ("RHODE" and, farther on, "ISLAND")."""

    @cached_property
    def phrases(self) -> tuple[str, ...]:
        """All phrases that identify the issuer where they are printed."""
        return (self.name, *self.slogans, *self.parts)


@dataclass(frozen=True)
class Region:
    code: str
    issuers: Mapping[str, Issuer]
    personal: float
    """Share of plates that follow no listed format, 0 to 1."""
    lengths: Mapping[int, float]
    zero_for_o: bool
    formats: Mapping[str, float]
    """All issuers' formats, weighed by the issuers' shares."""
    character_width: float
    """Width of a serial's line by its height and number of characters, as the detector frames it."""
    width_spread: float
    """Standard deviation of the logarithm of that."""
    with_o: Mapping[str, frozenset[int]]
    """Positions at which an O is issued, by format, if known; most issuers have none."""

    @cached_property
    def speaks(self) -> bool:
        """True if its plates have names or slogans that identify the issuer."""
        return any(issuer.slogans for issuer in self.issuers.values())

    @cached_property
    def printed(self) -> tuple[tuple[str, str], ...]:
        """The code of each issuer with every phrase that identifies it, without spaces."""
        return tuple((code, p.replace(" ", "")) for code, i in self.issuers.items() for p in i.phrases)

    @cached_property
    def phrases(self) -> Mapping[int, tuple[str, ...]]:
        """The names and slogans of all issuers without spaces, by their length."""
        all_of = {p.replace(" ", "") for i in self.issuers.values() for p in (i.name, *i.slogans)}
        return {n: tuple(sorted(p for p in all_of if len(p) == n)) for n in sorted(set(map(len, all_of)))}

    def proportion(self, width_by_height: float, length: int) -> float:
        """Return how well a line's proportions fit a serial of this length: log odds, 0 best, -6 worst."""
        off = (log(width_by_height / length) - log(self.character_width)) / self.width_spread
        return max(-0.5 * off * off, -6.0)

    def mixed(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Return all formats, weighted by the probability of their issuers (`weights`, summing to one)."""
        return mixture(self.issuers, weights)

    def symbols(self, weights: Mapping[str, float]) -> list[tuple[Symbol, float]]:
        """Return the pictures that this plate may have, each with the probability (0 to 1) of its issuer."""
        return [(s, w) for code, w in weights.items() for s in self.issuers[code].symbols if w > RARE]

    def chance(self, text: str, formats: Mapping[str, float] | None = None) -> float:
        """Return the log probability of this text among plates of these formats (by default the region's)."""
        return self._chance(text, shape(text), self.formats if formats is None else formats)

    def chance_folded(self, text: str, formats: Mapping[str, float]) -> float:
        """Return the same for a text whose 0 and 1 may be letters.

        If the region writes zero for O, its zeros may be where an issuer has an O.
        """
        own = self._folded_shape(text)
        if not self.zero_for_o:
            return self._chance(text, own, formats)
        return log(exp(self._chance(text, own, formats)) + (1 - self.personal) * self._with_o(text, formats))

    def prevalence(self, text: str, formats: Mapping[str, float]) -> float:
        """Return the share of plates whose format a text has whose 0 and 1 may be letters."""
        own = self._folded_shape(text)
        return sum(share for form, share in formats.items() if _is_issued(text, own, form))

    def _folded_shape(self, text: str) -> str:
        """Return the text's own format, with ? for a 0 or 1 that may be a letter."""
        if self.zero_for_o:
            return shape(text)
        return "".join("?" if c in _FOLDED else o for c, o in zip(text, shape(text), strict=True))

    def _with_o(self, text: str, formats: Mapping[str, float]) -> float:
        """Return the probability of the text with an O for a zero, as issued."""
        spelled = {
            form: "".join("O" if c == "0" and i in places else c for i, c in enumerate(text))
            for form, places in self.with_o.items()
            if form in formats
        }
        return sum(
            formats[form] / _texts(form)
            for form, with_o in spelled.items()
            if with_o != text and _is_issued(with_o, shape(with_o), form)
        )

    def _chance(self, text: str, own: str, formats: Mapping[str, float]) -> float:
        share = self.personal * (1.0 if _simple(shape(text)) else ODD)
        free = share * self.lengths.get(len(text), _UNLISTED_LENGTH) / (_DIGITS + _LETTERS) ** len(text)
        issued = sum(formats[form] / _texts(form) for form in formats if _is_issued(text, own, form))
        return log(free + (1 - self.personal) * issued)


def mixture(issuers: Mapping[str, Issuer], weights: Mapping[str, float]) -> dict[str, float]:
    """Return the issuers' formats with their probabilities, each issuer weighted."""
    out: dict[str, float] = {}
    for code, weight in weights.items():
        for form, chance in issuers[code].formats.items():
            out[form] = out.get(form, 0.0) + weight * chance
    return out


def shape(text: str) -> str:
    """Return the text's own format: A for a letter, 9 for a digit."""
    return text.translate(_SHAPE)


def fits(text: str, form: str) -> bool:
    """Return whether a text has a format, in which X is a letter or a digit."""
    return _is_issued(text, shape(text), form)


@lru_cache(2**12)
def _simple(own: str) -> bool:
    """Return whether a text of that format is letters, a number, or one before the other."""
    return len(re.findall(r"A+|9+", own)) < 3


class _Places(NamedTuple):
    """A format taken apart: its shape, the letters that are fixed at a place, and those that it never has."""

    shape: str
    fixed: tuple[tuple[int, str], ...]
    unissued: str


@lru_cache(2**12)
def _places(form: str) -> _Places:
    places, _, unissued = form.partition("-")
    fixed = tuple((i, c.upper()) for i, c in enumerate(places) if c.islower())
    return _Places("".join("A" if c.islower() else c for c in places), fixed, unissued)


@lru_cache(2**16)
def _of_shape(own: str, form: str) -> bool:
    wanted = _places(form).shape
    return len(own) == len(wanted) and all(
        w in ("X", o) or o == "?" for w, o in zip(wanted, own, strict=True)
    )


def _is_issued(text: str, own: str, form: str) -> bool:
    """Return whether a text whose format is `own` (?: a letter or a digit) is issued in a format."""
    if not _of_shape(own, form):
        return False
    wanted, fixed, unissued = _places(form)
    if any(text[i] != letter for i, letter in fixed):
        return False
    return not unissued or all(
        w == "9" or not set(_FOLDED.get(c, c) if o == "?" else c) <= set(unissued)
        for c, o, w in zip(text, own, wanted, strict=True)
    )


@lru_cache(2**12)
def _texts(form: str) -> float:
    """Return the number of texts with a format."""
    wanted, fixed, unissued = _places(form)
    letters = _LETTERS if not unissued else 26.0 - len(unissued)
    return prod({"9": _DIGITS, "A": letters, "X": _DIGITS + letters}[w] for w in wanted) / letters ** len(
        fixed
    )


def _parts(name: str, names: Collection[str]) -> tuple[str, ...]:
    """Return the longer words of a name, except those that are another issuer's whole name."""
    each = name.split()
    return tuple(w for w in each if len(each) > 1 and len(w) >= LEAST_PART and w not in names)


def _issuer(code: str, raw: Mapping[str, Any], population: float, names: Collection[str]) -> Issuer:
    current, older = raw["formats"], raw["older_formats"]
    formats: dict[str, float] = {}
    unissued = raw.get("unissued", "")
    current = [f"{form}-{unissued}" if unissued else form for form in current]
    for forms, part in ((current, 1 - _OLDER if older else 1.0), (older, _OLDER)):
        for form in forms:
            formats[form] = formats.get(form, 0.0) + part / len(forms)
    share = float(raw["population_millions"]) / population
    symbols = tuple(Symbol(int(s["at"]), s["read_as"]) for s in raw.get("symbols", ()))
    name = raw["name"].upper()
    return Issuer(code, share, name, tuple(raw["slogans"]), formats, symbols, _parts(name, names))


def region_of(raw: Mapping[str, Any]) -> Region:
    """Return a region from its file's content. Raises KeyError if a field is missing."""
    population = sum(float(i["population_millions"]) for i in raw["issuers"].values())
    names = {i["name"].upper() for i in raw["issuers"].values()}
    issuers = {code: _issuer(code, i, population, names) for code, i in raw["issuers"].items()}
    everyone = mixture(issuers, {code: issuer.share for code, issuer in issuers.items()})
    lengths = {int(n): float(p) for n, p in raw["lengths"].items()}
    width = raw["character_width"]
    with_o = {
        form: frozenset(map(int, places))
        for issuer in raw["issuers"].values()
        for form, places in issuer.get("with_o", {}).items()
    }
    return Region(
        raw["region"], issuers, float(raw["personal"]), lengths, bool(raw["zero_for_o"]), everyone,
        float(width["typical"]), float(width["spread"]), with_o,
    )  # fmt: skip


@lru_cache
def region(code: str) -> Region:
    """Return the region with that code ("us", "eu", "br"). Raises ValueError if it has no file."""
    path = resources.files("platestream.reading.regions") / f"{code}.json"
    if not code.isalnum() or not path.is_file():
        raise ValueError(f"no region {code!r}: the file {code}.json is not there")
    return region_of(json.loads(path.read_text(encoding="utf-8")))
