"""Which lines of text may be a plate's serial, and which certainly are something else."""

import re
from collections.abc import Sequence

from operators.reading.geometry import Line
from operators.reading.vote import LONGEST, SHORTEST

SHORT = 6
"""Digits from which on a number is rather a plate's than a sign's."""
SMALLEST = 6.0
"""Pixels: text lower than this cannot be read to the last character."""
FLATTEST, LONGEST_SHAPE = 1.0, 11.0
"""Width by height of a serial's line: a three-character plate, and nine narrow ones with margins."""

_CLOCK = re.compile(
    r"\d{1,2}[^\w·]\d{2}[^\w·]\d{2}|(19|20)\d\d\D(0\d|1[0-2])(\D|$)"
    r"|\d{1,2}\s*[:/.]\s*\d{2}\s*[:/.]\s*\d{2,4}|\d\d:\d\d"
)
"""Between its numbers stand no letters and no points at half the height: 2B94G65 and 08·38·01 are serials."""
_YEAR = re.compile(r"[\W_]*(199\d|20[0-3]\d)[\W_]*")
"""What is left of a date when its line is cut; of four-digit plates one in two hundred is such a number."""
_PHONE = re.compile(r"\d{3}\D{1,2}\d{3}\D{1,2}\d{4}|\(\d{3}\)")
_NUMBERED = re.compile(
    r"(EXIT|ROUTE|HIGHWAY|ROAD|UNIT|SUITE|ROOM|LEVEL|FLOOR|GATE|DOCK|CAMERA|MILE|ZONE)\W*[\dO]{1,4}\W?[A-Z]?"
    r"|(US|SR|CR|I|ST|RD|APT|CAM|BUS|STOP|P|RTE|HWY|BAY|LOT)\W+[\dO]{1,4}[A-Z]?"
    r"|(JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|N[O0]V|DEC)\W+(19|20)?\d\d"  # a sticker's
    r"|\d{1,4}(/\d)?(\W*(MILES?|HOURS?|FEET)|\W+(HRS?|MPH|KM|FT|LBS|TONS?))"
    r"|\W*\d{3}-\d{4}\W*",  # to call within a town
    re.IGNORECASE,
)
"""What roads, places and limits are called on signs (MUTCD 2023, part 2). A short word without a gap before
its number is as likely a serial: HWY 236 is a sign's, HWY236 is not.
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
"""What stands in large letters on vehicles and signs: makers, hauliers, commands."""


def shaped(line: Line) -> bool:
    """Whether a line has the size and proportions of a serial."""
    return line.height >= SMALLEST and FLATTEST <= line.width / line.height <= LONGEST_SHAPE


def plausible(text: str) -> bool:
    """Whether a line read as this text may be a serial, perhaps with a sticker or symbol read along."""
    length = sum(c.isalnum() for c in text)
    return SHORTEST <= length <= LONGEST + 1 and not foreign(text)


def no_serial(text: str) -> bool:
    """Whether a line read as this text certainly is none: foreign, or too long by more than a sticker."""
    return foreign(text) or sum(c.isalnum() for c in text) > LONGEST + 1


def foreign(text: str) -> bool:
    """Clock times, dates, years, phone numbers, web addresses, makers' names: read well, and no plate."""
    if "".join(c for c in text.upper() if c.isalnum()) in PRINTED or _YEAR.fullmatch(text.strip()):
        return True
    return any(pattern.search(text) for pattern in (_CLOCK, _PHONE, _SITE))


def numbered(text: str) -> bool:
    """Whether a line read as this text is a road's, a place's or a limit's on a sign, or a number to call;
    where an issuer's name stands beside it a plate may say the same (BAY 1234, 523-6205).
    """
    return bool(_NUMBERED.fullmatch(text.strip()))


def bare(text: str) -> bool:
    """Whether a line read as this text is a word or a short number, as most signs are, or an aircraft's."""
    letters = [c for c in text if c.isalnum()]
    digits = sum(c.isdigit() for c in letters)
    return digits == 0 or (digits == len(letters) < SHORT) or bool(_AIRCRAFT.fullmatch("".join(letters)))


def inside(line: Line, others: Sequence[Line]) -> bool:
    """Whether a line's centre lies within one of the others (a piece cut from a longer line)."""
    x, y = line.centre
    return any(o.span[0] <= x <= o.span[2] and o.span[1] <= y <= o.span[3] for o in others)


def likely(line: Line, text: str, tallest: float) -> float:
    """A rough order for a second look: big, with digits, of a plate's length. Greater is likelier."""
    letters = [c for c in text if c.isalnum()]
    digits = sum(c.isdigit() for c in letters)
    fit = 1.0 - 0.2 * abs(len(letters) - 6.5)
    return line.height / tallest + fit + (0.5 if digits > 0 else -0.5)
