"""The rules of the gate that an agency sets: read, checked and put in force, each change a row that stays.

The gate judges by the newest row (`clickhouse/migrations/0011_gate_rules.sql`); an auditor sees all of them.
"""

from dataclasses import asdict, dataclass
from typing import Any

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import DatabaseError, run

_COLUMNS = (
    *("case_number", "reason_letters", "boilerplate", "prohibited", "purposes", "training_days"),
    *("mou_required", "always_registry"),
)
_NEWEST = f"SELECT {', '.join(_COLUMNS)} FROM platestream.gate_rules ORDER BY set_at DESC LIMIT 1"  # noqa: S608
# A pattern that does not compile would make the gate fail on every inquiry, so the engine is asked first.
_COMPILES = "SELECT match('', {pattern:String})"
_ENFORCED = """
SELECT (SELECT argMax(always_registry, set_at) FROM platestream.gate_rules)
    OR (SELECT count() FROM platestream.registry WHERE kind = 'user') > 0
"""


class WrongRule(ValueError):  # noqa: N818
    """A rule that cannot be put in force; names it."""


@dataclass(frozen=True)
class GateRules:
    """Patterns are RE2. `purposes` empty: none is asked for; `training_days` 0: training counts for good.

    `always_registry`: the registry rules hold even before anybody is registered.
    """

    case_number: str
    reason_letters: int
    boilerplate: tuple[str, ...]
    prohibited: tuple[str, ...]
    purposes: tuple[str, ...]
    training_days: int
    mou_required: bool = True
    always_registry: bool = False


def in_force(client: Client) -> GateRules:
    """The rules that the gate judges by now. `client` needs the auditor's, supervisor's or owner's role."""
    (row,) = run("reading the gate's rules", lambda: client.query(_NEWEST)).result_rows
    values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
    for name in ("boilerplate", "prohibited", "purposes"):
        values[name] = tuple(values[name])
    return GateRules(**values)


def put_in_force(client: Client, rules: GateRules, set_by: str) -> bool:
    """Judge by `rules` from now on; whether that changes anything. `client` needs the owner's role.

    Raises WrongRule, and DatabaseError.
    """
    if not 0 <= rules.reason_letters <= 1000:
        raise WrongRule("reason_letters: 0 to 1000")
    if not 0 <= rules.training_days <= 36500:
        raise WrongRule("training_days: 0 to 36500")
    for name, patterns in (("case_number", (rules.case_number,)), ("prohibited", rules.prohibited)):
        for pattern in patterns:
            _compile(client, name, pattern)
    if in_force(client) == rules:
        return False
    values = asdict(rules)
    values["boilerplate"] = [word.lower() for word in rules.boilerplate]
    row = [set_by, *(list(v) if isinstance(v, tuple) else v for v in (values[name] for name in _COLUMNS))]
    run(
        "writing the gate's rules",
        lambda: client.insert("platestream.gate_rules", [row], column_names=["set_by", *_COLUMNS]),
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
