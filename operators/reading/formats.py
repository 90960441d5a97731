"""Serial formats as evidence: how likely a string is on a plate, before the picture has a say.

A region's plates are a mixture: an issuer (as likely as its share of the population), one of its formats
(current ones three times as likely as older ones), any characters the format allows; and with a fixed share
strings of no format at all (personalised plates), so that a format can tip a close call but never outvote a
clear picture.
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
_SIZES = {"9": _DIGITS, "A": _LETTERS, "X": _DIGITS + _LETTERS}
_SHAPE = str.maketrans(dict.fromkeys("0123456789", "9") | dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "A"))
_OLDER = 0.25
_UNLISTED_LENGTH = 1e-4
LEAST_PART = 5
"""Letters of a name's word that tells something by itself."""
RARE = 0.05
"""Chance below which an issuer's symbols are not thought of."""


class Symbol(NamedTuple):
    """A picture that stands in the issuer's serials before character `at` (0 is in front of all), and the
    characters it is taken for.
    """

    at: int
    read_as: str


@dataclass(frozen=True)
class Issuer:
    """Who issues plates: the words printed on them and the chance of each format ("AAA9999")."""

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
        """All that tells the issuer where it is printed."""
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
    """By format, in which places an O is issued, where it is known: most issuers have none."""

    @cached_property
    def speaks(self) -> bool:
        """Whether its plates bear names or slogans that tell the issuer."""
        return any(issuer.slogans for issuer in self.issuers.values())

    @cached_property
    def printed(self) -> tuple[tuple[str, str], ...]:
        """The code of the issuer, and a phrase that tells it, without spaces: all there are."""
        return tuple((code, p.replace(" ", "")) for code, i in self.issuers.items() for p in i.phrases)

    @cached_property
    def phrases(self) -> Mapping[int, tuple[str, ...]]:
        """The names and slogans of all issuers without spaces, by their length."""
        all_of = {p.replace(" ", "") for i in self.issuers.values() for p in (i.name, *i.slogans)}
        return {n: tuple(sorted(p for p in all_of if len(p) == n)) for n in sorted(set(map(len, all_of)))}

    def proportion(self, width_by_height: float, length: int) -> float:
        """How well a line's proportions suit a serial of so many characters: log odds, 0 best, -6 worst."""
        off = (log(width_by_height / length) - log(self.character_width)) / self.width_spread
        return max(-0.5 * off * off, -6.0)

    def mixed(self, weights: Mapping[str, float]) -> dict[str, float]:
        """All formats, each weighed by how likely its issuers are (`weights` by code, summing to one)."""
        return mixture(self.issuers, weights)

    def symbols(self, weights: Mapping[str, float]) -> list[tuple[Symbol, float]]:
        """The pictures that this plate may carry, each with the chance (0 to 1) that its issuer made it."""
        return [(s, w) for code, w in weights.items() for s in self.issuers[code].symbols if w > RARE]

    def chance(self, text: str, formats: Mapping[str, float] | None = None) -> float:
        """Log of the chance of this very text among plates of these formats (by default the region's)."""
        return self._chance(text, shape(text), self.formats if formats is None else formats)

    def chance_folded(self, text: str, formats: Mapping[str, float]) -> float:
        """The same for a text whose 0 and 1 may be letters; where the region writes zero for O, its zeros may
        be where an issuer has an O.
        """
        own = shape(text)
        if not self.zero_for_o:
            own = "".join("?" if c in "01" else o for c, o in zip(text, own, strict=True))
            return self._chance(text, own, formats)
        return log(exp(self._chance(text, own, formats)) + (1 - self.personal) * self._with_o(text, formats))

    def _with_o(self, text: str, formats: Mapping[str, float]) -> float:
        """The chance of the text with an O for a zero, as issued."""
        spelled = {
            form: "".join("O" if c == "0" and i in places else c for i, c in enumerate(text))
            for form, places in self.with_o.items()
            if form in formats
        }
        return sum(
            formats[form] / _texts(form)
            for form, with_o in spelled.items()
            if with_o != text and _of_form(shape(with_o), form)
        )

    def _chance(self, text: str, own: str, formats: Mapping[str, float]) -> float:
        share = self.personal * (1.0 if _simple(shape(text)) else ODD)
        free = share * self.lengths.get(len(text), _UNLISTED_LENGTH) / (_DIGITS + _LETTERS) ** len(text)
        issued = sum(formats[form] / _texts(form) for form in formats if _of_form(own, form))
        return log(free + (1 - self.personal) * issued)


def mixture(issuers: Mapping[str, Issuer], weights: Mapping[str, float]) -> dict[str, float]:
    """The issuers' formats with their chances, each issuer weighed."""
    out: dict[str, float] = {}
    for code, weight in weights.items():
        for form, chance in issuers[code].formats.items():
            out[form] = out.get(form, 0.0) + weight * chance
    return out


def shape(text: str) -> str:
    """The text's own format: A for a letter, 9 for a digit."""
    return text.translate(_SHAPE)


def fits(text: str, form: str) -> bool:
    """Whether a text has a format, where X stands for a letter or a digit."""
    return _of_form(shape(text), form)


@lru_cache(2**12)
def _simple(own: str) -> bool:
    """Whether a text of that format is letters, a number, or one before the other."""
    return len(re.findall(r"A+|9+", own)) < 3


@lru_cache(2**16)
def _of_form(own: str, form: str) -> bool:
    return len(own) == len(form) and all(f in ("X", s) or s == "?" for f, s in zip(form, own, strict=True))


@lru_cache(2**12)
def _texts(form: str) -> float:
    """How many texts have a format."""
    return prod(_SIZES[f] for f in form)


def _parts(name: str, names: Collection[str]) -> tuple[str, ...]:
    """The longer words of a name, but for those that are another issuer's whole name."""
    each = name.split()
    return tuple(w for w in each if len(each) > 1 and len(w) >= LEAST_PART and w not in names)


def _issuer(code: str, raw: Mapping[str, Any], population: float, names: Collection[str]) -> Issuer:
    current, older = raw["formats"], raw["older_formats"]
    formats: dict[str, float] = {}
    for forms, part in ((current, 1 - _OLDER if older else 1.0), (older, _OLDER)):
        for form in forms:
            formats[form] = formats.get(form, 0.0) + part / len(forms)
    share = float(raw["population_millions"]) / population
    symbols = tuple(Symbol(int(s["at"]), s["read_as"]) for s in raw.get("symbols", ()))
    name = raw["name"].upper()
    return Issuer(code, share, name, tuple(raw["slogans"]), formats, symbols, _parts(name, names))


def region_of(raw: Mapping[str, Any]) -> Region:
    """A region from its file's contents. Raises KeyError when a field is missing."""
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
    """The region of that code ("us", "eu", "br"). Raises ValueError when there is no file for it."""
    path = resources.files("operators.reading.regions") / f"{code}.json"
    if not code.isalnum() or not path.is_file():
        raise ValueError(f"no region {code!r}: the file {code}.json is not there")
    return region_of(json.loads(path.read_text(encoding="utf-8")))
