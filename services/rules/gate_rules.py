"""The rules of the gate that an agency sets: read, checked and put in force, each change a row that stays.

Who changed them is whoever came through the door; on whose order stands beside it in the act. The gate
judges by the newest row (`clickhouse/views/gate.sql`); an auditor sees all of them.
"""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import DatabaseError, run
from connectors.gate_rules import COLUMNS, LISTS, history
from schemas.gate_rules import AgencyRules, GateRules
from schemas.profile import LONGEST, SHORTEST
from services.door import Door, Permit

# A pattern that does not compile would make the gate fail on every inquiry, so the engine is asked first.
_COMPILES = "SELECT match('', {pattern:String})"
MIGRATION = "migration"
"""The account in `set_by` of the row that a new database begins with."""
WAIT = {"mutations_sync": 2}
_TYPES = {bool: "Bool", int: "UInt32", str: "String"}
_ENFORCED = """
SELECT (SELECT argMax(always_registry, set_at) FROM platestream.gate_rules)
    OR (SELECT count() FROM platestream.registry WHERE kind = 'user') > 0
"""


class WrongRule(ValueError):  # noqa: N818
    """A rule that cannot be put in force; names it."""


def in_force(client: Client) -> GateRules:
    """The rules that the gate judges by now. `client` needs the auditor's, supervisor's or owner's role."""
    return history(client)[-1].rules


def newest(client: Client) -> datetime:
    """Return since when the rules in force are. `client` as for `in_force`."""
    return history(client)[-1].set_at


def write(permit: Permit, door: Door, rules: AgencyRules) -> None:
    """Write rules by the act that holds their hash; the database takes the gate's columns from the text."""
    door.write("rules_append", act=permit.inquiry_id, rules=rules.text)


def adopt(client: Client, set_at: datetime, rules: AgencyRules) -> None:
    """Complete a row that has no text yet, once, and mark when. `client` has the owner's role."""
    columns = _row(rules)
    told = {f"v_{name}": value for name, value in columns.items()}
    types = {
        name: "Array(String)" if name in LISTS else _TYPES[type(value)] for name, value in columns.items()
    }
    values = ", ".join(f"{name} = {{v_{name}:{kind}}}" for name, kind in types.items())
    sql = (
        f"ALTER TABLE platestream.gate_rules UPDATE {values}, adopted_at = now() "
        "WHERE rules = '' AND set_at = {at:DateTime64(6, 'UTC')}"
    )
    run(
        "completing the rules", partial(client.command, sql, parameters={**told, "at": set_at}, settings=WAIT)
    )


def _row(rules: AgencyRules) -> dict[str, Any]:
    values = asdict(rules.gate)
    columns = {name: list(v) if isinstance(v := values[name], tuple) else v for name in COLUMNS}
    return {**columns, "rules": rules.text}


def check(client: Client, rules: GateRules) -> None:
    """Raises WrongRule for what cannot be put in force."""
    if not 0 <= rules.reason_letters <= 1000:
        raise WrongRule("reason_letters: 0 to 1000")
    if not 0 <= rules.training_days <= 36500:
        raise WrongRule("training_days: 0 to 36500")
    if not SHORTEST <= rules.retention <= LONGEST:
        raise WrongRule("retention_s: 3 minutes to 150 days")
    for name, patterns in (("case_number", (rules.case_number,)), ("prohibited", rules.prohibited)):
        for pattern in patterns:
            _compile(client, name, pattern)


def ordered(by: str) -> str:
    """On whose order, as the reason of the act."""
    return f"By order of {by}"


def registry_enforced(client: Client) -> bool:
    """Whether the gate asks who may look: from the first registered user on, or always where so ruled."""
    return bool(run("reading the registry", lambda: client.query(_ENFORCED)).result_rows[0][0])


def _compile(client: Client, name: str, pattern: str) -> None:
    try:
        run("trying a pattern", lambda: client.query(_COMPILES, parameters={"pattern": pattern}))
    except DatabaseError:
        raise WrongRule(f"{name}: not a pattern that RE2 knows: {pattern}") from None
