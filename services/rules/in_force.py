"""A profile put in force in the database: the gate's rules, and the period of its views.

Topics follow by `platestream topics`, flows and the retention job by PLATESTREAM_PROFILE when they start.
"""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import AUDITOR, OWNER, run
from connectors.profiles import load
from schemas.gate_rules import GateRules, of_profile
from schemas.profile import Profile
from services.door import Door
from services.retention.job import AGED, Aged
from services.rules import gate_rules

_CREATED = """
SELECT name, create_table_query FROM system.tables
WHERE database = 'platestream' AND name IN {tables:Array(String)} ORDER BY name
"""
_TTL = re.compile(r"\sTTL\s")


@dataclass(frozen=True)
class Change:
    """What is to change; None leaves a rule as it is. `profile` is a name or a file."""

    profile: str | None = None
    case_number: str | None = None
    always_registry: bool | None = None

    @property
    def nothing(self) -> bool:
        """Nothing is to change."""
        return self == Change()


@dataclass(frozen=True)
class Ruled:
    """The rules in force now, what was changed, and whether the gate asks who may look."""

    rules: GateRules
    changed: list[str]
    registry_enforced: bool


def show(door: Door) -> Ruled:
    """The rules in force. Raises RefusedInquiry and DatabaseError."""
    door.enter("registry_show", "rules")
    return _ruled(door, [])


def change(door: Door, wanted_: Change, by: str) -> Ruled:
    """Put rules in force on the order of `by`: one act, on record with what was before and after.

    Raises ProfileError and WrongRule, and then nothing is changed, RefusedInquiry and DatabaseError.
    """
    owner = door.client(OWNER)
    before = gate_rules.in_force(owner)
    rules = wanted(owner, wanted_.profile, load(wanted_.profile)) if wanted_.profile else before
    told: dict[str, Any] = {"case_number": wanted_.case_number, "always_registry": wanted_.always_registry}
    rules = replace(rules, **{name: value for name, value in told.items() if value is not None})
    gate_rules.check(owner, rules)
    if rules == before:
        return _ruled(door, [])
    changed = gate_rules.difference(before, rules)
    permit = door.enter("rules", rules.profile, change=changed, reason=gate_rules.ordered(by))
    gate_rules.write(permit, door, rules)
    return _ruled(door, [changed])


def put_in_force(door: Door, name: str, by: str) -> list[str]:
    """Judge, show and expire by the profile `name` from now on; says what changed. Raises as `change`.

    Whether the registry always holds is left as it is.
    """
    return change(door, Change(profile=name), by).changed


def _ruled(door: Door, changed: list[str]) -> Ruled:
    reader = door.client(AUDITOR if door.speaks else OWNER)  # who speaks for people owns nothing
    return Ruled(gate_rules.in_force(reader), changed, gate_rules.registry_enforced(reader))


def wanted(client: Client, name: str, profile: Profile) -> GateRules:
    """What the rules would be with `profile`."""
    return of_profile(name, profile, always_registry=gate_rules.in_force(client).always_registry)


def keeps(table: Aged, period: timedelta) -> timedelta:
    """How long a table keeps its rows where data is kept for `period`."""
    return period if table.keep is None else min(period, table.keep)


def expiring(client: Client) -> list[str]:
    """Return the tables that age and delete rows by themselves: none, since no act allowed that."""
    asked = {"tables": [table.name for table in AGED]}
    rows = run("reading tables", partial(client.query, _CREATED, parameters=asked)).result_rows
    return [str(name) for name, created in rows if _TTL.search(created)]
