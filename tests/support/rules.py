"""Rules put in force in tests, by the columns that the gate judges by."""

from platestream.access import rules_in_force
from platestream.access.door import Door
from platestream.access.profiles import load
from platestream.schemas.gate_rules import AgencyRules, GateRules, with_columns
from tests.support.database import Database


def rules_of(columns: GateRules) -> AgencyRules:
    """Return whole rules with these columns."""
    profile = with_columns(load(columns.profile), columns)
    name, always = columns.profile, columns.always_registry
    return AgencyRules(name=name, always_registry=always, files={}, profile=profile)


def put_columns(door: Door, columns: GateRules, by: str) -> list[str]:
    """Put rules with these columns in force by an act; return what changed."""
    return rules_in_force.put(door, rules_of(columns), by)


def as_before(database: Database) -> None:
    """Make the rules in force those of a release that bound no files: any may be used."""
    changed = """rules = replaceOne(rules, '"files":{}', '"files":null')"""
    sql = f"ALTER TABLE platestream.gate_rules UPDATE {changed} WHERE 1"
    database.client().command(sql, settings={"mutations_sync": 2})
