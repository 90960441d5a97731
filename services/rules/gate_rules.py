"""The rules of the gate that an agency sets: read, checked and put in force, each change a row that stays.

The gate judges by the newest row (`clickhouse/views/gate.sql`); an auditor sees all of them.
"""

from dataclasses import asdict

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import DatabaseError, run
from connectors.gate_rules import COLUMNS, history
from schemas.gate_rules import GateRules
from schemas.profile import LONGEST, SHORTEST

# A pattern that does not compile would make the gate fail on every inquiry, so the engine is asked first.
_COMPILES = "SELECT match('', {pattern:String})"
_ENFORCED = """
SELECT (SELECT argMax(always_registry, set_at) FROM platestream.gate_rules)
    OR (SELECT count() FROM platestream.registry WHERE kind = 'user') > 0
"""


class WrongRule(ValueError):  # noqa: N818
    """A rule that cannot be put in force; names it."""


def in_force(client: Client) -> GateRules:
    """The rules that the gate judges by now. `client` needs the auditor's, supervisor's or owner's role."""
    return history(client)[-1].rules


def put_in_force(client: Client, rules: GateRules, set_by: str) -> bool:
    """Judge by `rules` from now on; whether that changes anything. `client` needs the owner's role.

    Raises WrongRule, and DatabaseError.
    """
    if not 0 <= rules.reason_letters <= 1000:
        raise WrongRule("reason_letters: 0 to 1000")
    if not 0 <= rules.training_days <= 36500:
        raise WrongRule("training_days: 0 to 36500")
    if not SHORTEST <= rules.retention <= LONGEST:
        raise WrongRule("retention_s: 3 minutes to 150 days")
    for name, patterns in (("case_number", (rules.case_number,)), ("prohibited", rules.prohibited)):
        for pattern in patterns:
            _compile(client, name, pattern)
    if in_force(client) == rules:
        return False
    values = asdict(rules)
    values["boilerplate"] = [word.lower() for word in rules.boilerplate]
    row = [set_by, *(list(v) if isinstance(v, tuple) else v for v in (values[name] for name in COLUMNS))]
    run(
        "writing the gate's rules",
        lambda: client.insert("platestream.gate_rules", [row], column_names=["set_by", *COLUMNS]),
    )
    return True


def registry_enforced(client: Client) -> bool:
    """Whether the gate asks who may look: from the first registered user on, or always where so ruled."""
    return bool(run("reading the registry", lambda: client.query(_ENFORCED)).result_rows[0][0])


def _compile(client: Client, name: str, pattern: str) -> None:
    try:
        run("trying a pattern", lambda: client.query(_COMPILES, parameters={"pattern": pattern}))
    except DatabaseError:
        raise WrongRule(f"{name}: not a pattern that RE2 knows: {pattern}") from None
