"""Code tables of NCIC-style extracts.

National extracts write O as 0 in every field (`0H` is Ohio, `D0DG` Dodge), so codes are looked up with O and
0 as one.
"""

from platestream.schemas.fields import STATES
from platestream.schemas.message import RefusedError
from platestream.schemas.ncic_codes import BODIES, COLOURS, MAKES
from platestream.schemas.plates import equate, normalise

# First letter of a record -> category and reason.
TYPES = {
    "A": ("amber_alert", "AMBER alert"),
    "B": ("stolen_boat", "Stolen boat"),
    "C": ("supervised_release", "Supervised release"),
    "F": ("wanted_person", "Felony vehicle"),
    "H": ("protection_order", "Protection order"),
    "K": ("protective_interest", "Protective interest"),
    "L": ("violent_person", "Violent person"),
    "M": ("missing_person", "Missing person"),
    "N": ("deported_felon", "Deported felon"),
    "P": ("stolen_plate", "Stolen plate"),
    "R": ("stolen_vehicle", "Stolen vehicle, Canada"),
    "T": ("terrorist_activity", "Gang or threat screening"),
    "V": ("stolen_vehicle", "Stolen vehicle"),
    "W": ("wanted_person", "Wanted person"),
    "X": ("sex_offender", "Sex offender"),
}
# Words in a line -> category; the first match counts.
WORDS = (
    ("AMBER", "amber_alert"),
    ("BLUE ALERT", "blue_alert"),
    ("SILVER", "silver_alert"),
    ("MISSING", "missing_person"),
    ("PROTECTION", "protection_order"),
    ("TERROR", "terrorist_activity"),
    ("THREAT", "terrorist_activity"),
    ("STOLEN PLATE", "stolen_plate"),
    ("LOST PLATE", "stolen_plate"),
    ("STOLEN", "stolen_vehicle"),
    ("WANTED", "wanted_person"),
    ("WARRANT", "wanted_person"),
    ("FELONY", "wanted_person"),
    ("ATTEMPT TO LOCATE", "suspect_vehicle"),
)
JUNK = {"0", "00", "000", "190", "N0NE", "N0PLATE", "UNK", "UNKN0WN", "TEMP", "NA", "TEST", "XXX"}


def make(code: str) -> str:
    """Return the make of a code; a code that is not in the table is returned unchanged."""
    return MAKES.get(equate(code.strip().upper()), code.strip())


def colour(code: str) -> str:
    """Return the color of a code; of two, `BLK/WHI`, the first."""
    first = code.strip().split("/")[0].strip()
    return COLOURS.get(equate(first.upper()), first.lower())


def body(code: str) -> str:
    """Return the body style of a code; empty where it is not in the table."""
    return BODIES.get(equate(code.strip().upper()), "")


def state(code: str) -> str:
    """Return the state of issue, with 0 read as O; empty where the field is no state."""
    code_ = code.strip().upper().replace("0", "O")
    return code_ if code_ in STATES else ""


def plate(text: str) -> str:
    """Return the plate. Raises RefusedError for placeholders (blank, `000`, `UNKNOWN`)."""
    said = normalise(text)
    if equate(said) in JUNK or len(set(said)) < 2 or len(said) > 10:
        raise RefusedError("junk", "`plate` is none")
    return said


def category(letter: str) -> tuple[str, str]:
    """Return category and reason of a record type. Raises RefusedError for an unknown letter."""
    if letter not in TYPES:
        raise RefusedError("schema", "`type` is none of the record types")
    return TYPES[letter]


def category_of_words(text: str) -> str:
    """Return the category of a list by the words of its reason. Raises RefusedError where no word is
    known.
    """
    said = text.upper()
    found = next((category for words, category in WORDS if words in said), None)
    if found is None:
        raise RefusedError("schema", "`reason` names no category")
    return found
