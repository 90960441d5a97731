"""A profile put in force in the database: the gate's rules, the period of its views, and the tables' TTLs.

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
from services.door import Door, Permit
from services.retention.job import AGED, Aged
from services.rules import gate_rules

_CREATED = """
SELECT name, create_table_query FROM system.tables
WHERE database = 'platestream' AND name IN {tables:Array(String)}
"""
_TTL = re.compile(r" TTL .* \+ toInterval(Second|Minute|Hour|Day)\((\d+)\)")


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
    expiries = _expiries(owner, rules) if wanted_.profile else {}
    changed = [gate_rules.difference(before, rules)] if rules != before else []
    changed += [f"table {table.name}: {kept} -> {period}" for table, (kept, period) in expiries.items()]
    if not changed:
        return _ruled(door, [])
    permit = door.enter("rules", rules.profile, change="; ".join(changed), reason=gate_rules.ordered(by))
    if rules != before:
        gate_rules.write(permit, door, rules)
    for table, (_kept, period) in expiries.items():
        _expire(permit, owner, table, period)
    return _ruled(door, changed)


def put_in_force(door: Door, name: str, by: str) -> list[str]:
    """Judge, show and expire by the profile `name` from now on; says what changed. Raises as `change`.

    Whether the registry always holds is left as it is.
    """
    return change(door, Change(profile=name), by).changed


def _expiries(owner: Client, rules: GateRules) -> dict[Aged, tuple[timedelta | None, timedelta]]:
    """The tables whose rows are to expire after another time than they do: before and after."""
    kept = ttls(owner)
    periods = {table: keeps(table, rules.retention) for table in AGED}
    return {table: (kept[table.name], one) for table, one in periods.items() if kept[table.name] != one}


def _expire(_permit: Permit, owner: Client, table: Aged, period: timedelta) -> None:
    seconds = round(period.total_seconds())
    sql = f"ALTER TABLE platestream.{table.name} MODIFY TTL {expiry(table, seconds)}"
    run("setting a TTL", partial(owner.command, sql))


def _ruled(door: Door, changed: list[str]) -> Ruled:
    reader = door.client(AUDITOR if door.speaks else OWNER)  # who speaks for people owns nothing
    return Ruled(gate_rules.in_force(reader), changed, gate_rules.registry_enforced(reader))


def wanted(client: Client, name: str, profile: Profile) -> GateRules:
    """What the rules would be with `profile`."""
    return of_profile(name, profile, always_registry=gate_rules.in_force(client).always_registry)


def keeps(table: Aged, period: timedelta) -> timedelta:
    """How long a table keeps its rows where data is kept for `period`."""
    return period if table.keep is None else min(period, table.keep)


def expiry(table: Aged, seconds: int) -> str:
    """A table's TTL."""
    return f"toDateTime({table.age}) + toIntervalSecond({seconds}) DELETE"


def ttls(client: Client) -> dict[str, timedelta | None]:
    """How long each table that ages keeps its rows by its own TTL; None: for ever."""
    asked = {"tables": [table.name for table in AGED]}
    rows = run("reading TTLs", partial(client.query, _CREATED, parameters=asked)).result_rows
    kept: dict[str, timedelta | None] = {table.name: None for table in AGED}
    for name, created in rows:
        if found := _TTL.search(created):
            kept[name] = timedelta(**{f"{found[1].lower()}s": int(found[2])})
    return kept
