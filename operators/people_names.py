"""Identity of people: names and employee numbers compared independently of their spelling.

The database compares the ids of the registry by the same rule (`clickhouse/views/registry.sql`); a test
compares both.
"""

import re
from collections.abc import Iterable, Mapping

from platestream.operators.inquiry_checks.text_folding import fold_text
from platestream.schemas.registry import RegistryRecord

_DIGITS = str.maketrans("0134578", "oieastb")


def name_identity(name: str) -> str:
    """Return a name without case, spaces and signs, and look-alikes as the letters they stand for.

    >>> name_identity("Smith "), name_identity("SM1TH"), name_identity("\u0455m\u0456th")
    ('smith', 'smith', 'smith')
    """
    plain = re.sub("[@$!|]", "", name)  # `fold_text` would turn these signs into letters
    return re.sub("[^a-z0-9]", "", fold_text(plain)).translate(_DIGITS)


def number_identity(number: str) -> str:
    """Return an employee number without case, signs and leading zeros.

    >>> number_identity(" 0047-A"), number_identity("47a")
    ('47a', '47a')
    """
    return re.sub("[^a-z0-9]", "", number.lower()).lstrip("0")


def resolve(name: str, users: Mapping[str, RegistryRecord]) -> str:
    """Return the registered id for a sign-in's name: equal except for case and surrounding spaces.

    A name with other letters is another name, because a sign-in provider may have given it to somebody else.
    So is one that matches two records.
    """
    if name in users:
        return name
    plain = name.strip().casefold()
    fitting = [one for one in users if one.casefold() == plain]
    return fitting[0] if len(fitting) == 1 else name


def same_person(one: str, other: str, users: Iterable[RegistryRecord]) -> bool:
    """Return whether two names belong to one person: by the names themselves, or by one employee number."""
    if name_identity(one) == name_identity(other):
        return True
    listed = list(users)
    return bool(_numbers(one, listed) & _numbers(other, listed))


def find_duplicates(users: Iterable[RegistryRecord]) -> list[tuple[str, str]]:
    """Return pairs of records of one person, at least one of them active."""
    listed = sorted(users, key=lambda one: one.id)
    return [
        (one.id, other.id)
        for place, one in enumerate(listed)
        for other in listed[place + 1 :]
        if (one.active or other.active) and _is_duplicate(one, other)
    ]


def _is_duplicate(one: RegistryRecord, other: RegistryRecord) -> bool:
    number = number_identity(one.employee_number)
    same_number = number != "" and number == number_identity(other.employee_number)
    return name_identity(one.id) == name_identity(other.id) or (same_number and one.agency == other.agency)


def _numbers(name: str, users: Iterable[RegistryRecord]) -> set[tuple[str, str]]:
    """Return agency and employee number of everybody who is registered by this name, in any spelling."""
    wanted = name_identity(name)
    return {
        (one.agency, number_identity(one.employee_number))
        for one in users
        if name_identity(one.id) == wanted and number_identity(one.employee_number)
    }
