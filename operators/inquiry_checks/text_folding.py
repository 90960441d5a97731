"""Normalization of text by appearance, so that a prohibited purpose is found in look-alike letters, too.

The gate does the same in SQL (`clickhouse/views/gate.sql`); a test compares both.
"""

import re
import unicodedata
from collections.abc import Iterable

# Letters of other alphabets, digits and signs that stand for a letter.
LETTERS, LETTERS_LIKE = "ıавеніјкморстухѕԁԛԝαεηικνορτυχ", "iabehijkmopctyxsdqwaenikvoptux"
LOOK_ALIKES = f"{LETTERS}0134578@$!|"
LOOK_ALIKES_LETTERS = f"{LETTERS_LIKE}oieastbasii"
BETWEEN = "ж"
"""Letter between two texts that may match together with no pattern: it is in none."""
_FOLD = str.maketrans(LOOK_ALIKES, LOOK_ALIKES_LETTERS)
_FOLD_LETTERS = str.maketrans(LETTERS, LETTERS_LIKE)


def fold_text(text: str) -> str:
    """Return text in lower case, without accents and invisible characters, with look-alikes as their letters.

    >>> fold_text("Immigrátion"), fold_text("1mmigrаt10n")
    ('immigration', 'immigration')
    """
    return _decompose(text).translate(_FOLD)


def fold_letters(text: str) -> str:
    """Return the same with digits and signs unchanged.

    >>> fold_letters("nоnе, 928-555-0114")
    'none, 928-555-0114'
    """
    return _decompose(text).translate(_FOLD_LETTERS)


def _decompose(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.lower()).lower()
    seen = (char for char in apart if unicodedata.category(char)[0] != "M")
    return "".join(char for char in seen if unicodedata.category(char) != "Cf")


def letters_from_words(text: str) -> list[str]:
    """Return the letters of a folded text from the start of each word to the end.

    So a pattern that is written apart is found (im-mi gration), and one that two words make by chance is not.

    >>> letters_from_words("ask W. Porter")
    ['askwporter', 'wporter', 'porter']
    """
    letters = (char if unicodedata.category(char)[0] == "L" else " " for char in fold_text(text))
    words = "".join(letters).split()
    return ["".join(words[start:]) for start in range(len(words))]


def matches_any(text: str, patterns: Iterable[str]) -> bool:
    """Return whether one of the patterns (RE2, lower case) is in the text, unchanged or normalized."""
    forms, letters = (text.lower(), fold_text(text)), letters_from_words(text)
    return any(
        any(re.search(one, form) for form in forms)
        or any(re.match(one.replace(" ", ""), word) for word in letters)
        for one in patterns
    )
