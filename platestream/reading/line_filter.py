"""Selection of the lines of text that may be a plate's serial."""

import re
from collections.abc import Sequence

from platestream.reading.geometry import Line
from platestream.reading.vote import LONGEST, SHORTEST

SHORT = 6
"""Number of digits from which a number is more likely a plate's than a sign's."""
SMALLEST = 6.0
"""Least height of text in pixels that can be read completely."""
FLATTEST, LONGEST_SHAPE = 1.0, 11.0
"""Width by height of a serial's line: a three-character plate, and nine narrow ones with margins."""

_CLOCK = re.compile(
    r"\d{1,2}[^\w·]\d{2}[^\w·]\d{2}|(19|20)\d\d\D(0\d|1[0-2])(\D|$)"
    r"|\d{1,2}\s*[:/.]\s*\d{2}\s*[:/.]\s*\d{2,4}|\d\d:\d\d"
)
"""It has no letters and no middle dots between its numbers: 2B94G65 and 08·38·01 are serials."""
_YEAR = re.compile(r"[\W_]*(199\d|20[0-3]\d)[\W_]*")
"""The rest of a date in a cut line; one in two hundred four-digit plates is such a number."""
_PHONE = re.compile(r"\d{3}\D{1,2}\d{3}\D{1,2}\d{4}|\(\d{3}\)")
_NUMBERED = re.compile(
    r"(EXIT|ROUTE|HIGHWAY|ROAD|UNIT|SUITE|ROOM|LEVEL|FLOOR|GATE|DOCK|CAMERA|MILE|ZONE)\W*[\dO]{1,4}\W?[A-Z]?"
    r"|(US|SR|CR|I|ST|RD|APT|CAM|BUS|STOP|P|RTE|HWY|BAY|LOT)\W+[\dO]{1,4}[A-Z]?"
    r"|(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|N[O0]V|DEC)\W+(19|20)?\d\d"  # a sticker's
    r"|\d{1,4}(/\d)?(\W*(MILES?|HOURS?|FEET)|\W+(HRS?|MPH|KM|FT|LBS|TONS?))"
    r"|\W*\d{3}-\d{4}\W*",  # to call within a town
    re.IGNORECASE,
)
"""Names of roads, places and limits on signs (MUTCD 2023, part 2). A short word without a gap before its
number is as likely a serial: HWY 236 is a sign's, HWY236 is not.
"""
_AIRCRAFT = re.compile(r"N[1-9](\d{0,4}|\d{0,3}[A-HJ-NP-Z]|\d{0,2}[A-HJ-NP-Z]{2})")
"""A US aircraft's registration (14 CFR 47.15)."""
_SITE = re.compile(r"WWW\.|\.\s?(COM|NET|ORG|GOV|US)\b", re.IGNORECASE)


_PRINTED = """
ACURA AUDI BENTLEY BUICK CADILLAC CHEVROLET CHRYSLER CITROEN DACIA DODGE FERRARI FIAT FORD GENESIS HONDA
HYUNDAI INFINITI JAGUAR JEEP LEXUS LINCOLN MASERATI MAZDA MERCEDES MITSUBISHI NISSAN OPEL PENSKE PEUGEOT
PONTIAC PORSCHE RENAULT SATURN SCION SEAT SKODA SUBARU SUZUKI TESLA TOYOTA VOLVO FEDEX UHAUL RYDER
SCHOOLBUS TAXI STOP YIELD EXIT ONEWAY OPEN SALE PARKING POLICE SHERIFF AMBULANCE
"""
PRINTED = frozenset(_PRINTED.split())
"""Words in large letters on vehicles and signs: makers, carriers, commands."""


def has_serial_shape(line: Line) -> bool:
    """Return whether a line has the size and proportions of a serial."""
    return line.height >= SMALLEST and FLATTEST <= line.width / line.height <= LONGEST_SHAPE


def may_be_serial(text: str) -> bool:
    """Return whether a line with this text may be a serial, perhaps including a sticker or symbol."""
    length = sum(c.isalnum() for c in text)
    return SHORTEST <= length <= LONGEST + 1 and not is_other_text(text)


def is_no_serial(text: str) -> bool:
    """Return whether text is certainly no serial: foreign, or too long even with a sticker."""
    return is_other_text(text) or sum(c.isalnum() for c in text) > LONGEST + 1


def is_other_text(text: str) -> bool:
    """Return whether text is a time, date, year, phone number, web address or maker's name."""
    if "".join(c for c in text.upper() if c.isalnum()) in PRINTED or _YEAR.fullmatch(text.strip()):
        return True
    return any(pattern.search(text) for pattern in (_CLOCK, _PHONE, _SITE))


def is_sign_number(text: str) -> bool:
    """Return whether text is a road's, a place's or a limit's on a sign, or a telephone number.

    Beside an issuer's name a plate may say the same (BAY 1234, 523-6205).
    """
    return bool(_NUMBERED.fullmatch(text.strip()))


def is_bare(text: str) -> bool:
    """Return whether text is a word or a short number, as on most signs, or an aircraft's registration."""
    letters = [c for c in text if c.isalnum()]
    digits = sum(c.isdigit() for c in letters)
    return digits == 0 or (digits == len(letters) < SHORT) or bool(_AIRCRAFT.fullmatch("".join(letters)))


def is_inside(line: Line, others: Sequence[Line]) -> bool:
    """Return whether a line's center is within one of the others (a piece cut from a longer line)."""
    x, y = line.centre
    return any(o.span[0] <= x <= o.span[2] and o.span[1] <= y <= o.span[3] for o in others)


def likelihood_score(line: Line, text: str, tallest: float) -> float:
    """Return a rough score for a closer look: large, with digits, of a plate's length. Higher is likelier."""
    letters = [c for c in text if c.isalnum()]
    digits = sum(c.isdigit() for c in letters)
    fit = 1.0 - 0.2 * abs(len(letters) - 6.5)
    return line.height / tallest + fit + (0.5 if digits > 0 else -0.5)
