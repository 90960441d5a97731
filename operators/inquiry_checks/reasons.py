"""Judgement of free text: reasons of inquiries (order, section I.7), words of hot list entries (section H).

The gate judges the same in SQL. It is written here once more, so that a fault of the one shows in the other.
"""

import re
from collections.abc import Iterator, Mapping

from operators.inquiry_checks.folded import readable
from schemas.gate_rules import GateRules
from schemas.profile import BOILERPLATE, CASE_NUMBER

SHORTEST_CASE, LONGEST_CASE = 3, 64
DIFFERENT_IN_A_CASE = 2
_BETWEEN = frozenset(" ./_-")
DIFFERENT_LETTERS = 3
SHORTEST_NUMBER = 4
"""Digits of a telephone number, or of an extension."""
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"[0-9]*")
_RUN_OF_KEYS = re.compile(
    r"qwer|asdf|sdfg|dfgh|fghj|ghjk|hjkl|zxcv|xcvb|cvbn|vbnm|rtyu|tyui|yuio|uiop|abcd|bcde|cdef"
)
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{4,}")


def usable_case(case_number: str, pattern: str = CASE_NUMBER) -> bool:
    """A case number in the form in which the agency writes them; 00, 0-0 and 1111 number nothing.

    >>> usable_case("26-001234"), usable_case("none"), usable_case("0-0")
    (True, False, False)
    """
    given = case_number.strip()
    if not SHORTEST_CASE <= len(given) <= LONGEST_CASE or len(set(given) - _BETWEEN) < DIFFERENT_IN_A_CASE:
        return False
    return re.search(pattern, given) is not None


def says_something(reason: str, letters: int = 5, boilerplate: tuple[str, ...] = BOILERPLATE) -> bool:
    """Enough letters, and a word that is no boilerplate, no bare number and no run of keys.

    >>> says_something("Stolen truck of last night"), says_something("asdfgh"), says_something("xxxxxx")
    (True, False, False)
    """
    text = readable(reason)
    spoken = _letters(text)
    if len(spoken) < letters or len(set(spoken)) < DIFFERENT_LETTERS:
        return False
    return any(_tells(word, boilerplate) for word in _WORD.findall(text))


def names_somebody(text: str, boilerplate: tuple[str, ...] = BOILERPLATE) -> bool:
    """A word of two different letters at least that is no boilerplate.

    >>> names_somebody("Ofc. Vale"), names_somebody("n/a"), names_somebody("XX")
    (True, False, False)
    """
    words = (word for word in _WORD.findall(readable(text)) if _tells(word, boilerplate))
    return any(len(set(word)) > 1 for word in words)


def reaches_somebody(text: str, boilerplate: tuple[str, ...] = BOILERPLATE) -> bool:
    """A telephone number, or words that say where somebody is found.

    >>> reaches_somebody("928-555-0114"), reaches_somebody("front desk"), reaches_somebody("000-0000")
    (True, True, False)
    """
    digits = [char for char in readable(text) if char in "0123456789"]
    number = len(digits) >= SHORTEST_NUMBER and len(set(digits)) >= DIFFERENT_LETTERS
    return number or names_somebody(text, boilerplate)


def entry_lacks(fields: Mapping[str, str], rules: GateRules) -> Iterator[str]:
    """The fields of a hot list entry that say nothing, of those that section H asks for."""
    for name in ("reason", "instructions"):
        if not says_something(fields.get(name, ""), rules.reason_letters, rules.boilerplate):
            yield name
    if not names_somebody(fields.get("requested_by", ""), rules.boilerplate):
        yield "requested_by"
    if not reaches_somebody(fields.get("contact", ""), rules.boilerplate):
        yield "contact"
    if not usable_case(fields.get("case_number", ""), rules.case_number):
        yield "case_number"


def is_documented(case_number: str, reason: str, rules: GateRules) -> bool:
    """One of the two is usable by an agency's rules."""
    return usable_case(case_number, rules.case_number) or says_something(
        reason, rules.reason_letters, rules.boilerplate
    )


def _letters(text: str) -> list[str]:
    return [char for char in text if char.isalnum()]


def _tells(word: str, boilerplate: tuple[str, ...]) -> bool:
    if word in boilerplate or _NUMBER.fullmatch(word):
        return False
    return not _RUN_OF_KEYS.search(word) and not _CONSONANTS.fullmatch(word)
