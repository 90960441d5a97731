"""The gate's rules that an agency sets: read, checked and put in force, each change as a permanent row.

The author of a change is the person of the door; the person who ordered it is named in the act. The gate
judges by the newest row (`clickhouse/views/gate.sql`); an auditor sees all of them.
"""

from datetime import datetime
from functools import partial
from typing import Any

from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import DatabaseError, read_rows, run
from platestream.edges.rules_history import LISTS, read_history
from platestream.schemas.gate_rules import AgencyRules, GateRules, columns_of
from platestream.schemas.profile import LONGEST, SHORTEST

# A bad pattern or an unknown zone would make every inquiry fail, so the engine tries them first.
_COMPILES = "SELECT match('', {value:String})"
_KNOWN_ZONE = "SELECT toTimeZone(now(), {value:String})"
MIGRATION = "migration"
"""The account in `set_by` of the row that a new database begins with."""
WAIT = {"mutations_sync": 2}
_TYPES = {bool: "Bool", int: "UInt32", str: "String"}
_ENFORCED = """
SELECT (SELECT argMax(always_registry, set_at) FROM platestream.gate_rules)
    OR (SELECT count() FROM platestream.registry WHERE kind = 'user') > 0
"""


class WrongRule(ValueError):  # noqa: N818
    """Error for a rule that cannot be put in force; names it."""


def in_force(client: Client) -> GateRules:
    """Return the rules that the gate judges by now. `client` needs the auditor's, supervisor's or owner's
    role.
    """
    return read_history(client)[-1].rules


def newest(client: Client) -> datetime:
    """Return when the rules in force were set. `client` as for `in_force`."""
    return read_history(client)[-1].set_at


def adopt(client: Client, set_at: datetime, rules: AgencyRules) -> None:
    """Complete a row that has no text yet, once, and mark when. `client` has the owner's role."""
    columns = _row(rules)
    parameters = {f"v_{name}": value for name, value in columns.items()}
    types = {
        name: "Array(String)" if name in LISTS else _TYPES[type(value)] for name, value in columns.items()
    }
    values = ", ".join(f"{name} = {{v_{name}:{kind}}}" for name, kind in types.items())
    sql = (
        f"ALTER TABLE platestream.gate_rules UPDATE {values}, adopted_at = now() "
        "WHERE rules = '' AND set_at = {at:DateTime64(6, 'UTC')}"
    )
    run(
        "completing the rules",
        partial(client.command, sql, parameters={**parameters, "at": set_at}, settings=WAIT),
    )


def _row(rules: AgencyRules) -> dict[str, Any]:
    values = columns_of(rules.gate)
    columns = {name: list(one) if isinstance(one, tuple) else one for name, one in values.items()}
    return {**columns, "rules": rules.text}


def check(client: Client, rules: GateRules) -> None:
    """Raise WrongRule for rules that cannot be put in force."""
    if not 0 <= rules.reason_letters <= 1000:
        raise WrongRule("reason_letters: 0 to 1000")
    if not 0 <= rules.training_days <= 36500:
        raise WrongRule("training_days: 0 to 36500")
    if not SHORTEST <= rules.retention <= LONGEST:
        raise WrongRule("retention_s: 3 minutes to 150 days")
    _try(
        client, "time_zone", _KNOWN_ZONE, rules.time_zone or "UTC", "not a time zone that the database knows"
    )
    for name, patterns in (("case_number", (rules.case_number,)), ("prohibited", rules.prohibited)):
        for pattern in patterns:
            _try(client, name, _COMPILES, pattern, "not a pattern that RE2 knows")


def registry_enforced(client: Client) -> bool:
    """Return whether the gate requires registered people: from the first registered user on, or always where
    so ruled.
    """
    return bool(read_rows(client, "reading the registry", _ENFORCED)[0][0])


def _try(client: Client, name: str, sql: str, value: str, fault: str) -> None:
    try:
        run("trying a rule", lambda: client.query(sql, parameters={"value": value}))
    except DatabaseError:
        raise WrongRule(f"{name}: {fault}: {value}") from None
