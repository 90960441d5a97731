"""The rules in force: put there by an act, as one row of the database with the whole profile.

The gate, views, services, flows and jobs all go by that row. Topics follow by
`platestream topics`, flows when they start again.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import msgspec
from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import AUDITOR, OWNER, DatabaseError, run
from connectors.profiles import load
from connectors.rules_in_force import RulesError, check, in_force_row, of_columns
from schemas.gate_rules import AgencyRules, GateRules, RulesRow
from schemas.profile import ProfileError, faults
from services.door import Door
from services.retention.job import AGED, Aged
from services.rules import gate_rules

_CREATED = """
SELECT name, create_table_query FROM system.tables
WHERE database = 'platestream' AND name IN {tables:Array(String)} ORDER BY name
"""
_NEWEST = """
SELECT set_at, set_by, profile, rules,
    (SELECT count() FROM platestream.gate_rules), (SELECT count() FROM platestream.inquiry_log)
FROM platestream.gate_rules ORDER BY set_at DESC LIMIT 1
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
    whole: AgencyRules


def show(door: Door) -> Ruled:
    """Return the rules in force. Raises RefusedInquiry, RulesError and DatabaseError."""
    door.enter("registry_show", "rules")
    return _ruled(door, [])


def change(door: Door, wanted: Change, by: str) -> Ruled:
    """Put rules in force on the order of `by`: one act, on record with what was before and after.

    Raises ProfileError and WrongRule, and then nothing is changed, RefusedInquiry and DatabaseError.
    """
    before = _before(door.client(OWNER), wanted)
    after = before.rules
    if wanted.profile:
        after = AgencyRules(
            name=wanted.profile, always_registry=after.always_registry, profile=load(wanted.profile)
        )
    if wanted.case_number is not None and wanted.case_number != after.profile.inquiries.case_number:
        inquiries = msgspec.structs.replace(after.profile.inquiries, case_number=wanted.case_number)
        profile = msgspec.structs.replace(after.profile, inquiries=inquiries)
        own = tuple(sorted({*after.own, "inquiries.case_number"}))
        after = msgspec.structs.replace(after, profile=profile, own=own)
    if wanted.always_registry is not None:
        after = msgspec.structs.replace(after, always_registry=wanted.always_registry)
    return _ruled(door, _put(door, before, after, by))


def zone_of(door: Door) -> ZoneInfo | None:
    """Return the agency's time zone; None where the database has no rules that this account may read.

    Raises RulesError where PLATESTREAM_PROFILE contradicts the rules in force, or they cannot be used.
    """
    try:
        rules = door.rules
    except DatabaseError:  # no tables yet, or an account without a role: what is done with it says so itself
        return None
    check(door.settings, rules)
    return ZoneInfo(rules.profile.agency.time_zone)


def put(door: Door, rules: AgencyRules, by: str) -> list[str]:
    """Put these rules in force on the order of `by`; return what changed. Raises as `change`."""
    return _put(door, in_force_row(door.client(OWNER)), rules, by)


def put_in_force(door: Door, name: str, by: str) -> list[str]:
    """Put the profile `name` in force; return what changed. Raises as `change`.

    Whether the registry always holds stays as before.
    """
    return change(door, Change(profile=name), by).changed


def settle(client: Client, named: str) -> list[str]:
    """Bring the row in force to what this release stores; return what was done, a sentence each.

    A new installation, in which nobody has acted, begins with the profile `named`. A row of a release before,
    which has the gate's columns alone, gets its text once: of the profile that it names, or of `named` where
    that file is not here and both say the same. `client` has the owner's role.

    Raises ProfileError where the profile of a new installation cannot be read, RulesError where the text of a
    row before cannot be found, and DatabaseError.
    """
    ((set_at, set_by, name, text, rows, acts),) = run(
        "reading the rules", partial(client.query, _NEWEST)
    ).result_rows
    if text:
        return []
    fresh = set_by == gate_rules.MIGRATION and rows == 1 and not acts
    if fresh:
        rules = AgencyRules(name=named or name, profile=load(named or name))
        gate_rules.check(client, rules.gate)
    else:
        rules = _adopted(client, named)
    gate_rules.adopt(client, set_at, rules)
    return [f"rules in force: those of the profile {rules.name}"]


def _adopted(client: Client, named: str) -> AgencyRules:
    """Return the rules of a row that has columns alone.

    They are of the profile that the row names, or of `named` where that file is not here and says the same.
    """
    columns = gate_rules.in_force(client)
    try:
        return of_columns(columns)
    except ProfileError as error:
        if not named:
            raise RulesError(f"{error}: name the profile in force in PLATESTREAM_PROFILE") from None
    ours = AgencyRules(name=columns.profile, always_registry=columns.always_registry, profile=load(named))
    if ours.gate != columns:
        differs = RulesRow(gate_rules.newest(client), columns, ours.text, ours).differs
        raise RulesError(
            f"the rules in force are of {columns.profile}, which cannot be read here, and {named} says "
            f"otherwise ({differs[0]}): name the profile in force in PLATESTREAM_PROFILE"
        )
    return ours


def _before(owner: Client, wanted: Change) -> RulesRow:
    """Return the row that is to be replaced; with a whole profile one whose text cannot be used, too."""
    try:
        return in_force_row(owner)
    except RulesError:
        if not wanted.profile:
            raise
        columns = gate_rules.in_force(owner)
        rules = AgencyRules(
            name=columns.profile, always_registry=columns.always_registry, profile=load(wanted.profile)
        )
        return RulesRow(gate_rules.newest(owner), columns, "", rules)


def _put(door: Door, before: RulesRow, rules: AgencyRules, by: str) -> list[str]:
    owner = door.client(OWNER)
    gate_rules.check(owner, rules.gate)
    for field, said in faults(rules.profile):
        raise gate_rules.WrongRule(f"{field}: {said}")
    changed = rules.changes(before.rules)
    rewrite = bool(changed) or not before.text or bool(before.differs)
    if rewrite and not changed:
        changed = before.differs or ["stored with their text"]
    if not rewrite:
        return []
    permit = door.enter(
        "rules",
        rules.name,
        change="; ".join(changed),
        effect=rules.digest,
        reason=gate_rules.ordered(by),
    )
    gate_rules.write(permit, door, rules)
    return changed


def _ruled(door: Door, changed: list[str]) -> Ruled:
    reader = door.client(AUDITOR if door.speaks else OWNER)  # who speaks for people owns nothing
    row = in_force_row(reader)
    return Ruled(row.columns, changed, gate_rules.registry_enforced(reader), row.rules)


def keeps(table: Aged, period: timedelta) -> timedelta:
    """How long a table keeps its rows where data is kept for `period`."""
    return period if table.keep is None else min(period, table.keep)


def expiring(client: Client) -> list[str]:
    """Return the tables that age and delete rows by themselves: none, since no act allowed that."""
    asked = {"tables": [table.name for table in AGED]}
    rows = run("reading tables", partial(client.query, _CREATED, parameters=asked)).result_rows
    return [str(name) for name, created in rows if _TTL.search(created)]
