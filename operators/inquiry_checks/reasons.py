"""Checks of free text: reasons of inquiries (order, section I.7) and texts of hot list entries (section H).

The gate does the same in SQL. The second implementation here lets a fault of one show in the other.
"""

import re
from collections.abc import Iterator, Mapping

from platestream.operators.inquiry_checks.text_folding import fold_letters
from platestream.schemas.gate_rules import GateRules
from platestream.schemas.profile import BOILERPLATE, CASE_NUMBER

SHORTEST_CASE, LONGEST_CASE = 3, 64
DIFFERENT_IN_A_CASE = 2
_BETWEEN = frozenset(" ./_-")
DIFFERENT_LETTERS = 3
SHORTEST_BASIS = 5
SHORTEST_NUMBER = 4
"""Digits of a telephone number, or of an extension."""
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"[0-9]*")
_RUN_OF_KEYS = re.compile(
    r"qwer|asdf|sdfg|dfgh|fghj|ghjk|hjkl|zxcv|xcvb|cvbn|vbnm|rtyu|tyui|yuio|uiop|abcd|bcde|cdef"
)
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{4,}")


def is_usable_case(case_number: str, pattern: str = CASE_NUMBER) -> bool:
    """Return whether text is a case number in the agency's form; 00, 0-0 and 1111 are none.

    >>> is_usable_case("26-001234"), is_usable_case("none"), is_usable_case("0-0")
    (True, False, False)
    """
    given = case_number.strip()
    if not SHORTEST_CASE <= len(given) <= LONGEST_CASE or len(set(given) - _BETWEEN) < DIFFERENT_IN_A_CASE:
        return False
    return re.search(pattern, given) is not None


def is_meaningful(reason: str, letters: int = 5, boilerplate: tuple[str, ...] = BOILERPLATE) -> bool:
    """Return whether text has enough letters, and a word that is no boilerplate, bare number or run of keys.

    >>> is_meaningful("Stolen truck of last night"), is_meaningful("asdfgh"), is_meaningful("xxxxxx")
    (True, False, False)
    """
    text = fold_letters(reason)
    spoken = [char for char in text if char.isalnum()]
    if len(spoken) < letters or len(set(spoken)) < DIFFERENT_LETTERS:
        return False
    return any(_has_meaning(word, boilerplate) for word in _WORD.findall(text))


def names_person(text: str, boilerplate: tuple[str, ...] = BOILERPLATE) -> bool:
    """Return whether text has a word of at least two different letters that is no boilerplate.

    >>> names_person("Ofc. Vale"), names_person("n/a"), names_person("XX")
    (True, False, False)
    """
    words = (word for word in _WORD.findall(fold_letters(text)) if _has_meaning(word, boilerplate))
    return any(len(set(word)) > 1 for word in words)


def is_contact(text: str, boilerplate: tuple[str, ...] = BOILERPLATE) -> bool:
    """Return whether text is a telephone number, or words that say where somebody can be found.

    >>> is_contact("928-555-0114"), is_contact("front desk"), is_contact("000-0000")
    (True, True, False)
    """
    digits = [char for char in fold_letters(text) if char in "0123456789"]
    number = len(digits) >= SHORTEST_NUMBER and len(set(digits)) >= DIFFERENT_LETTERS
    return number or names_person(text, boilerplate)


def is_legal_basis(text: str, boilerplate: tuple[str, ...] = BOILERPLATE) -> bool:
    """Return whether text can be the legal basis of a request from outside of law enforcement (I.4).

    >>> is_legal_basis("court order 7"), is_legal_basis("11111"), is_legal_basis("aaaaa")
    (True, False, False)
    """
    return is_meaningful(text, SHORTEST_BASIS, boilerplate)


def meaningless_fields(fields: Mapping[str, str], rules: GateRules) -> Iterator[str]:
    """Yield the fields of a hot list entry without meaning, of those that section H requires."""
    for name in ("reason", "instructions"):
        if not is_meaningful(fields.get(name, ""), rules.reason_letters, rules.boilerplate):
            yield name
    if not names_person(fields.get("requested_by", ""), rules.boilerplate):
        yield "requested_by"
    if not is_contact(fields.get("contact", ""), rules.boilerplate):
        yield "contact"
    if not is_usable_case(fields.get("case_number", ""), rules.case_number):
        yield "case_number"


def is_documented(case_number: str, reason: str, rules: GateRules) -> bool:
    """Return whether case number or reason is usable by an agency's rules."""
    return is_usable_case(case_number, rules.case_number) or is_meaningful(
        reason, rules.reason_letters, rules.boilerplate
    )


def _has_meaning(word: str, boilerplate: tuple[str, ...]) -> bool:
    if word in boilerplate or _NUMBER.fullmatch(word):
        return False
    return not _RUN_OF_KEYS.search(word) and not _CONSONANTS.fullmatch(word)
