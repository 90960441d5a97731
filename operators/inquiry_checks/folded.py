"""A text as a reader sees it, so that a prohibited purpose is found in other letters, too.

The gate folds in SQL what is folded here (`clickhouse/views/gate.sql`); a test compares both.
"""

import re
import unicodedata
from collections.abc import Iterable

# Letters of other alphabets, digits and signs that stand for a letter.
LETTERS, LETTERS_LIKE = "ıавеніјкморстухѕԁԛԝαεηικνορτυχ", "iabehijkmopctyxsdqwaenikvoptux"
LOOKS = f"{LETTERS}0134578@$!|"
LIKE = f"{LETTERS_LIKE}oieastbasii"
_FOLD = str.maketrans(LOOKS, LIKE)
_FOLD_LETTERS = str.maketrans(LETTERS, LETTERS_LIKE)


def folded(text: str) -> str:
    """Lower case, without accents and invisible characters, look-alikes as the letters they stand for.

    >>> folded("Immigrátion"), folded("1mmigrаt10n")
    ('immigration', 'immigration')
    """
    return _taken_apart(text).translate(_FOLD)


def readable(text: str) -> str:
    """The same where digits and signs stand for themselves.

    >>> readable("nоnе, 928-555-0114")
    'none, 928-555-0114'
    """
    return _taken_apart(text).translate(_FOLD_LETTERS)


def _taken_apart(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.lower()).lower()
    seen = (char for char in apart if unicodedata.category(char)[0] != "M")
    return "".join(char for char in seen if unicodedata.category(char) != "Cf")


def squeezed(text: str) -> str:
    """The letters of a folded text alone.

    >>> squeezed("i.m.m.i.g r a t i o n")
    'immigration'
    """
    return "".join(char for char in folded(text) if unicodedata.category(char)[0] == "L")


def says(text: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns (RE2, lower case) is in the text, as it stands or in other letters."""
    forms = (text.lower(), folded(text))
    letters = squeezed(text)
    return any(
        any(re.search(one, form) for form in forms) or re.search(one.replace(" ", ""), letters)
        for one in patterns
    )
