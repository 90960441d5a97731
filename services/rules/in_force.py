"""A profile put in force in the database: the gate's rules, the period of its views, and the tables' TTLs.

Topics follow by `platestream topics`, flows and the retention job by PLATESTREAM_PROFILE when they start.
"""

import re
from datetime import timedelta
from functools import partial

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import run
from schemas.gate_rules import GateRules, of_profile
from schemas.profile import Profile
from services.retention.job import AGED, Aged
from services.rules import gate_rules

_CREATED = """
SELECT name, create_table_query FROM system.tables
WHERE database = 'platestream' AND name IN {tables:Array(String)}
"""
_TTL = re.compile(r" TTL .* \+ toInterval(Second|Minute|Hour|Day)\((\d+)\)")


def put_in_force(owner: Client, name: str, profile: Profile, by: str) -> list[str]:
    """Judge, show and expire by `profile` from now on; says what changed. `owner` needs that role.

    Whether the registry always holds is left as it is. Raises WrongRule and DatabaseError.
    """
    rules = wanted(owner, name, profile)
    changed = [f"rules of {name}"] if gate_rules.put_in_force(owner, rules, by) else []
    kept = ttls(owner)
    for table in AGED:
        period = keeps(table, rules.retention)
        if kept[table.name] != period:
            seconds = round(period.total_seconds())
            sql = f"ALTER TABLE platestream.{table.name} MODIFY TTL {expiry(table, seconds)}"
            run("setting a TTL", partial(owner.command, sql))
            changed.append(f"table {table.name}: {seconds} s")
    return changed


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
