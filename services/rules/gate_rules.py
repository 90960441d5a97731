"""The rules of the gate that an agency sets: read, checked and put in force, each change a row that stays.

Who changed them is whoever came through the door; on whose order stands beside it in the act. The gate
judges by the newest row (`clickhouse/views/gate.sql`); an auditor sees all of them.
"""

from dataclasses import asdict

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import OWNER, DatabaseError, run
from connectors.gate_rules import COLUMNS, history
from schemas.gate_rules import GateRules
from schemas.profile import LONGEST, SHORTEST
from services.door import Door, Permit

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


def put_in_force(door: Door, rules: GateRules, by: str) -> bool:
    """Judge by `rules` from now on, on the order of `by`; whether that changes anything.

    Raises WrongRule, RefusedInquiry and DatabaseError.
    """
    before = in_force(door.client(OWNER))
    check(door.client(OWNER), rules)
    if before == rules:
        return False
    permit = door.enter("rules", rules.profile, change=difference(before, rules), reason=ordered(by))
    write(permit, door, rules)
    return True


def write(permit: Permit, door: Door, rules: GateRules) -> None:
    """Write rules whose change is on record, in the name of who made it."""
    values = asdict(rules)
    values["boilerplate"] = [word.lower() for word in rules.boilerplate]
    row = [
        permit.who,
        *(list(v) if isinstance(v, tuple) else v for v in (values[name] for name in COLUMNS)),
    ]
    run(
        "writing the gate's rules",
        lambda: door.client(OWNER).insert("platestream.gate_rules", [row], column_names=["set_by", *COLUMNS]),
    )


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


def difference(before: GateRules, after: GateRules) -> str:
    """What a change is, rule by rule: before -> after."""
    old, new = asdict(before), asdict(after)
    return "; ".join(
        f"{name}: {_said(old[name])} -> {_said(new[name])}" for name in new if old[name] != new[name]
    )


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "-"
    return "-" if value == "" else str(value)


def registry_enforced(client: Client) -> bool:
    """Whether the gate asks who may look: from the first registered user on, or always where so ruled."""
    return bool(run("reading the registry", lambda: client.query(_ENFORCED)).result_rows[0][0])


def _compile(client: Client, name: str, pattern: str) -> None:
    try:
        run("trying a pattern", lambda: client.query(_COMPILES, parameters={"pattern": pattern}))
    except DatabaseError:
        raise WrongRule(f"{name}: not a pattern that RE2 knows: {pattern}") from None
