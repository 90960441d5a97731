"""Class of a row of the inquiry gate: the table whose query judges it by the rules that can concern it.

`platestream.inquire` sends each row to the table of its class. A writer that knows the class inserts there at
once, which saves the database the analysis of four queries; a row in a wrong table is refused by its first
rule.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from platestream.schemas.acts import ACTS, CONFIRMED, Act

SEARCHES = ("search", "sightings", "fuzzy", "cotravel", "companions", "picture")
DOCUMENTATION = ("case_number", "reason", "pattern", "purpose", "violation", "requester", "legal_basis")
RULES_OF_THEIR_OWN = frozenset(
    {
        *("bolo", "hotlist_take", "evidence_purge", "retention", "registry_agency", "registry_user"),
        *("registry_recover", "registry_recovery_code"),
    }
)
"""Acts without documentation for which the gate has a rule of their own (clickhouse/views/gate.sql)."""


def is_plain(act: Act) -> bool:
    """Return whether only the gate's rules about people concern the act."""
    shows = act.partners or act.browses or act.shows_data
    return not (act.documented or shows or act.name in RULES_OF_THEIR_OWN or act.name in CONFIRMED)


PLAIN = frozenset(act.name for act in ACTS if is_plain(act))


def gate_class(row: Mapping[str, Any]) -> str:
    """Return `plain`, `search`, `hits` or `all` for a row; columns that are left out have their defaults."""
    kind = row.get("kind", "search")
    if row.get("partner") or row.get("fields"):
        return "all"
    if kind == "hits":
        return "hits"
    if kind in SEARCHES:
        return "search"
    if kind in PLAIN and not row.get("cameras") and not any(row.get(name) for name in DOCUMENTATION):
        return "plain"
    return "all"


def gate_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of the gate for the rows of one statement, which is `inquire` for several classes."""
    classes = {gate_class(row) for row in rows}
    return f"platestream.inquire_{classes.pop()}" if len(classes) == 1 else "platestream.inquire"


def gate_class_sql(plain: str) -> str:
    """Return `gate_class` as an SQL expression; `plain` is the SQL tuple of plain acts."""
    searches = ", ".join(f"'{name}'" for name in SEARCHES)
    return f"""\
multiIf(
        partner != '' OR notEmpty(fields), 'all',
        kind = 'hits', 'hits',
        kind IN ({searches}), 'search',
        kind IN {plain} AND concat({", ".join(DOCUMENTATION)}) = '' AND empty(cameras), 'plain',
        'all')
"""
