"""Serials to draw: those of the regions' formats, and enough of anything else.

Issuers and formats come up equally often: the recognizer must read a small state's plate as well as a large
one's. A third follows no format, so that it learns characters and not habits: what is likely is judged after
it (`platestream.reading.formats`).
"""

import string
from dataclasses import dataclass

from models.training.dice import Dice
from platestream.reading.formats import region
from platestream.reading.glyphs import ALPHABET

REGIONS = ("us", "eu", "br")

CONFUSED = ("WMHNK", "VYXU", "0ODQ", "CG6", "1IT7J", "L4A", "EFP", "8B3", "S5", "2Z", "R")
"""What small pictures confuse."""
CAREFUL_STATES = 0.85
"""Share of US serials without I, O and Q, which most states leave out."""


@dataclass(frozen=True)
class Serial:
    region: str
    text: str


def draw_serial(dice: Dice) -> Serial:
    """A serial of 3 to 8 characters of A-Z and 0-9, and the region whose plates carry it."""
    kinds = (_anything, _mostly_letters, _number, _confusable, _formatted)
    kind = dice.choices(kinds, (0.12, 0.08, 0.10, 0.08, 0.62))[0]
    return kind(dice)


def _anything(dice: Dice) -> Serial:
    length = dice.choices((3, 4, 5, 6, 7, 8), (1, 2, 4, 8, 8, 1))[0]
    return Serial(dice.choice(("us", "us", "eu")), _some(dice, ALPHABET, length))


def _mostly_letters(dice: Dice) -> Serial:
    """As personal plates are."""
    length = dice.choices((3, 4, 5, 6, 7), (1, 2, 4, 6, 6))[0]
    kinds = [string.ascii_uppercase if dice.chance(0.85) else string.digits for _ in range(length)]
    return Serial("us", "".join(dice.choice(kind) for kind in kinds))


def _confusable(dice: Dice) -> Serial:
    """Of a format, with some characters in place of which a small picture lets another one be read."""
    serial = _formatted(dice)
    alike = [i for i, c in enumerate(serial.text) for kin in CONFUSED if c in kin]
    text = list(serial.text)
    for i in alike:
        text[i] = dice.choice(next(kin for kin in CONFUSED if text[i] in kin))
    return Serial(serial.region, "".join(text))


def _number(dice: Dice) -> Serial:
    """A number, alone or with up to two letters, as on special and commercial plates."""
    digits = _some(dice, string.digits, dice.choices((4, 5, 6, 7), (2, 3, 4, 2))[0])
    letters = _some(dice, string.ascii_uppercase, dice.randint(0, 2))
    return Serial("us", (letters + digits)[:7] if dice.chance(0.5) else digits[:5] + letters)


def _formatted(dice: Dice) -> Serial:
    code = dice.choices(REGIONS, (0.48, 0.15, 0.07))[0]
    issuer = dice.choice([issuer for issuer in region(code).issuers.values() if issuer.formats])
    letters = string.ascii_uppercase
    if code == "us" and dice.chance(CAREFUL_STATES):
        letters = "".join(c for c in letters if c not in "IOQ")
    form, _, unissued = dice.choice(list(issuer.formats)).partition("-")
    letters = "".join(c for c in letters if c not in unissued)
    sets = {"A": letters, "9": string.digits, "X": letters + string.digits}
    return Serial(code, "".join(dice.choice(sets.get(c, c.upper())) for c in form))


def _some(dice: Dice, characters: str, count: int) -> str:
    return "".join(dice.choice(characters) for _ in range(count))


def split_of(dice: Dice, text: str) -> int:
    """Before which character the groups part: mostly where letters meet digits, near the middle."""
    changes = [i for i in range(1, len(text)) if text[i].isdigit() != text[i - 1].isdigit()]
    if changes and dice.chance(0.85):
        return min(changes, key=lambda i: abs(i - len(text) / 2) + dice.random())
    return dice.randint(2, max(2, len(text) - 2))


def printed_words() -> tuple[str, ...]:
    """Names and slogans of all issuers."""
    issuers = [issuer for code in REGIONS for issuer in region(code).issuers.values()]
    return tuple(i.name.title() for i in issuers) + tuple(slogan for i in issuers for slogan in i.slogans)
