"""Class of a row of the inquiry gate: the table whose query judges it by the rules that can concern it.

`platestream.inquire` sends each row to the table of its class. A writer that knows the class inserts there at
once, which saves the database the analysis of four queries; a row in a wrong table is refused by its first
rule.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from platestream.schemas.acts import ACTS, CONFIRMED, Act

SEARCHES = ("search", "sightings", "fuzzy", "cotravel", "companions", "picture")
DOCUMENTATION = ("case_number", "pattern", "purpose", "violation", "requester", "legal_basis")
"""Columns beside the reason."""
RULES_OF_THEIR_OWN = frozenset(
    (
        *("bolo", "hotlist_take", "partner_answer"),
        *("registry_agency", "registry_user", "registry_recover", "registry_recovery_code"),
    )
)
"""Acts without documentation for which the gate has a rule of their own (clickhouse/views/gate.sql)."""
BY_CLOCK = frozenset(("evidence_purge", "retention"))
"""Acts without documentation that a clock which was set back stops."""


def concerns_people(act: Act) -> bool:
    """Return whether no rule about documentation, sharing or data that is shown concerns the act."""
    return not (act.documented or act.partners or act.browses or act.shows_data)


OF_PEOPLE = frozenset(act.name for act in ACTS if concerns_people(act)) - RULES_OF_THEIR_OWN
CONFIRM = OF_PEOPLE & (BY_CLOCK | {*CONFIRMED})
"""Acts that the rules about people concern, and those about the second factor or the clock. Others with a
reason are judged as these are, by the rule about prohibited purposes, too.
"""
PLAIN = OF_PEOPLE - CONFIRM
"""Acts that only the rules about people concern."""


def gate_class(row: Mapping[str, Any]) -> str:
    """Return `plain`, `confirm`, `search`, `hits` or `all`; columns that are left out have their defaults."""
    kind = row.get("kind", "search")
    if row.get("partner") or row.get("fields"):
        return "all"
    if kind == "hits":
        return "hits"
    if kind in SEARCHES:
        return "search"
    if kind in OF_PEOPLE and not row.get("cameras") and not any(row.get(name) for name in DOCUMENTATION):
        return "plain" if kind in PLAIN and not row.get("reason") else "confirm"
    return "all"


def gate_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of the gate for the rows of one statement, which is `inquire` for several classes."""
    classes = {gate_class(row) for row in rows}
    return f"platestream.inquire_{classes.pop()}" if len(classes) == 1 else "platestream.inquire"


def gate_class_sql() -> str:
    """Return `gate_class` as an SQL expression."""
    searches = ", ".join(f"'{name}'" for name in SEARCHES)
    undocumented = f"concat({', '.join(DOCUMENTATION)}) = '' AND empty(cameras)"
    return f"""\
multiIf(
        partner != '' OR notEmpty(fields), 'all',
        kind = 'hits', 'hits',
        kind IN ({searches}), 'search',
        NOT ({undocumented}), 'all',
        inquire.reason = '' AND kind IN {sql_names(act.name for act in ACTS if act.name in PLAIN)}, 'plain',
        kind IN {sql_names(act.name for act in ACTS if act.name in OF_PEOPLE)}, 'confirm',
        'all')
"""


def sql_names(acts: Iterable[str]) -> str:
    """Return names of acts as an SQL tuple."""
    return "(\n" + ",\n".join(f"    '{name}'" for name in acts) + ")"
