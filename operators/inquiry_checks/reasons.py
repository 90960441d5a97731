"""Does what an inquiry gives as its case number and reason say anything (order, section I.7)?

The gate asks the same in SQL. It is written here once more, so that a fault of the one shows in the other.
"""

import re

from schemas.gate_rules import GateRules
from schemas.profile import BOILERPLATE, CASE_NUMBER

LONGEST_CASE = 64
DIFFERENT_LETTERS = 3
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"[0-9]*")
_RUN_OF_KEYS = re.compile(
    r"qwer|asdf|sdfg|dfgh|fghj|ghjk|hjkl|zxcv|xcvb|cvbn|vbnm|rtyu|tyui|yuio|uiop|abcd|bcde|cdef"
)
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{4,}")


def usable_case(case_number: str, pattern: str = CASE_NUMBER) -> bool:
    """A case number in the form in which the agency writes them.

    >>> usable_case("26-001234"), usable_case("none")
    (True, False)
    """
    given = case_number.strip()
    return 2 <= len(given) <= LONGEST_CASE and re.search(pattern, given) is not None


def says_something(reason: str, letters: int = 5, boilerplate: tuple[str, ...] = BOILERPLATE) -> bool:
    """Enough letters, and a word that is no boilerplate, no bare number and no run of keys.

    >>> says_something("Stolen truck of last night"), says_something("asdfgh"), says_something("xxxxxx")
    (True, False, False)
    """
    spoken = [char for char in reason.lower() if char.isalnum()]
    if len(spoken) < letters or len(set(spoken)) < DIFFERENT_LETTERS:
        return False
    return any(_tells(word, boilerplate) for word in _WORD.findall(reason.lower()))


def is_documented(case_number: str, reason: str, rules: GateRules) -> bool:
    """One of the two is usable by an agency's rules."""
    return usable_case(case_number, rules.case_number) or says_something(
        reason, rules.reason_letters, rules.boilerplate
    )


def _tells(word: str, boilerplate: tuple[str, ...]) -> bool:
    if word in boilerplate or _NUMBER.fullmatch(word):
        return False
    return not _RUN_OF_KEYS.search(word) and not _CONSONANTS.fullmatch(word)
