"""Rules put in force in tests, by the columns that the gate judges by."""

from connectors.profiles import load
from schemas.gate_rules import AgencyRules, GateRules, with_columns
from services.door import Door
from services.rules import in_force


def rules_of(columns: GateRules) -> AgencyRules:
    """Return whole rules with these columns."""
    profile = with_columns(load(columns.profile), columns)
    return AgencyRules(name=columns.profile, always_registry=columns.always_registry, profile=profile)


def put_columns(door: Door, columns: GateRules, by: str) -> list[str]:
    """Put rules with these columns in force by an act; return what changed."""
    return in_force.put(door, rules_of(columns), by)
