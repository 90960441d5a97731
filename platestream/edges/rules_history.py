"""History of the gate's rules in the database: one row for each change, the newest in force."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import read_rows
from platestream.schemas.gate_rules import COLUMNS, GateRules, RulesInForce

_OF_TEXT = {
    "training_span": "JSONExtractString(rules, 'profile', 'training', 'renewed_every')",
    "declaration_span": "JSONExtractString(rules, 'profile', 'sharing', 'declaration_holds')",
    "time_zone": "JSONExtractString(rules, 'profile', 'agency', 'time_zone')",
}
SELECTED = ", ".join((*COLUMNS, *_OF_TEXT.values()))
"""The expressions of a query for `rules_of_row`."""
LISTS = ("boilerplate", "prohibited", "purposes", "violation_for", "violations", "declaration_texts")
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER = f"""
SELECT set_at, {SELECTED} FROM platestream.gate_rules
WHERE set_at > {{after:DateTime64(6, 'UTC')}} ORDER BY set_at
"""  # noqa: S608 - names of our own columns


def read_history(client: Client, after: datetime = BEGINNING) -> list[RulesInForce]:
    """Return every change of the rules after `after`, oldest first.

    `client` needs the sealer's, auditor's, supervisor's or owner's role. Raises DatabaseError.
    """
    rows = read_rows(client, "reading the gate's rules", _AFTER, after=after)
    return [RulesInForce(row[0], rules_of_row(row[1:])) for row in rows]


def rules_of_row(row: Sequence[Any]) -> GateRules:
    """Return the rules in a row of the expressions SELECTED."""
    values: dict[str, Any] = dict(zip((*COLUMNS, *_OF_TEXT), row, strict=True))
    for name in LISTS:
        values[name] = tuple(values[name])
    return GateRules(**values)
