"""The gate's rules as the database has them: each change a row, the newest in force."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import run
from schemas.gate_rules import GateRules, RulesInForce

COLUMNS = GateRules.__dataclass_fields__.keys()
LISTS = ("boilerplate", "prohibited", "purposes", "violation_for", "violations", "declaration_texts")
EVER = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER = f"""
SELECT set_at, {", ".join(COLUMNS)} FROM platestream.gate_rules
WHERE set_at > {{after:DateTime64(6, 'UTC')}} ORDER BY set_at
"""  # noqa: S608 - names of our own columns


def history(client: Client, after: datetime = EVER) -> list[RulesInForce]:
    """Every change of the rules since `after`, oldest first.

    `client` needs the sealer's, auditor's, supervisor's or owner's role. Raises DatabaseError.
    """
    asked = {"after": after}
    rows = run("reading the gate's rules", partial(client.query, _AFTER, parameters=asked)).result_rows
    return [_ruled(row) for row in rows]


def _ruled(row: Sequence[Any]) -> RulesInForce:
    return RulesInForce(row[0], columns_of(row[1:]))


def columns_of(row: Sequence[Any]) -> GateRules:
    """Return the columns of a row of COLUMNS."""
    values: dict[str, Any] = dict(zip(COLUMNS, row, strict=True))
    for name in LISTS:
        values[name] = tuple(values[name])
    return GateRules(**values)
