"""The rules in force: put in force by an act, as one row of the database with the complete profile.

The gate, views, services, flows and jobs all use that row. Topics are updated by `platestream topics`, flows
when they restart.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.access import gate_rules
from platestream.access.door import Door
from platestream.access.profiles import load
from platestream.access.rules_reader import RulesError, check, digest_of, in_force_row, rules_of_columns
from platestream.edges.clickhouse_client import AUDITOR, DatabaseError, read_rows
from platestream.schemas.acts import Role
from platestream.schemas.gate_rules import AgencyRules, RulesRow
from platestream.schemas.profile import ProfileError, faults

_CREATED = """
SELECT name, create_table_query FROM system.tables
WHERE database = 'platestream' AND name NOT IN ('traffic', 'camera_hours') ORDER BY name -- figures alone
"""
_NEWEST = """
SELECT set_at, set_by, profile, rules,
    (SELECT count() FROM platestream.gate_rules), (SELECT countIf(NOT automatic) FROM platestream.inquiry_log)
FROM platestream.gate_rules ORDER BY set_at DESC LIMIT 1
"""
_TTL = re.compile(r"\sTTL\s")


@dataclass(frozen=True)
class Change:
    """A change of the rules in force; None leaves a rule unchanged. `profile` is a name or a file, and
    `second_factor` as in `platestream.schemas.profile.SignIn`.

    `files` are those to bind, by setting; None unbinds a file, which may then not be used any more.
    """

    profile: str | None = None
    case_number: str | None = None
    always_registry: bool | None = None
    files: Mapping[str, Path | None] = field(default_factory=dict)
    second_factor: Literal["everybody", "nobody"] | tuple[Role, ...] | None = None

    @property
    def nothing(self) -> bool:
        """True for an empty change."""
        return self == Change()


@dataclass(frozen=True)
class RulesStatus:
    """The current rules in force, the changes, and whether the gate requires registered people."""

    row: RulesRow
    changed: list[str]
    registry_enforced: bool


def show(door: Door) -> RulesStatus:
    """Return the rules in force. Raises RefusedInquiry, RulesError and DatabaseError."""
    door.enter("registry_show", "rules")
    return _ruled(door, [])


def change(door: Door, changes: Change, by: str) -> RulesStatus:
    """Put rules in force on the order of `by` by one act, which is logged with the state before and after.

    Raises ProfileError, WrongRule, OSError and ValueError, and then nothing is changed, RefusedInquiry and
    DatabaseError.
    """
    before = _before(door.writer(AUDITOR), changes)
    after = before.rules
    if changes.profile:
        profile = load(changes.profile)
        after = msgspec.structs.replace(after, name=changes.profile, own=(), profile=profile)
    if changes.case_number is not None and changes.case_number != after.profile.inquiries.case_number:
        after = _with_own(after, "inquiries", "case_number", changes.case_number)
    if changes.second_factor not in (None, after.profile.sign_in.second_factor):
        after = _with_own(after, "sign_in", "second_factor", changes.second_factor)
    if changes.always_registry is not None:
        after = msgspec.structs.replace(after, always_registry=changes.always_registry)
    if changes.files:
        files = {
            **(after.files or {}),
            **{name: digest_of(one) for name, one in changes.files.items() if one},
        }
        bound = {name: one for name, one in files.items() if changes.files.get(name, one) is not None}
        after = msgspec.structs.replace(after, files=bound)
    return _ruled(door, _put(door, before, after, by))


def _with_own(rules: AgencyRules, section: str, name: str, value: object) -> AgencyRules:
    """Return the rules with a value that is changed separately from the profile."""
    changed = msgspec.structs.replace(getattr(rules.profile, section), **{name: value})
    profile = msgspec.structs.replace(rules.profile, **{section: changed})
    own = tuple(sorted({*rules.own, f"{section}.{name}"}))
    return msgspec.structs.replace(rules, profile=profile, own=own)


def zone_of(door: Door) -> ZoneInfo | None:
    """Return the agency's time zone; None where the database has no rules that this account may read.

    Raises RulesError where PLATESTREAM_PROFILE contradicts the rules in force, or they cannot be used.
    """
    try:
        rules = door.rules
    except DatabaseError:  # no tables yet, or an account without a role; the command itself reports that
        return None
    check(door.settings, rules)
    return rules.profile.agency.zone


def put(door: Door, rules: AgencyRules, by: str) -> list[str]:
    """Put these rules in force on the order of `by`; return what changed. Raises as `change`."""
    return _put(door, in_force_row(door.writer(AUDITOR)), rules, by)


def put_in_force(door: Door, name: str, by: str) -> list[str]:
    """Put the profile `name` in force; return what changed. Raises as `change`.

    The bound files, and whether the registry is always required, remain unchanged.
    """
    return change(door, Change(profile=name), by).changed


def upgrade(client: Client, named: str, files: dict[str, str] | None = None) -> list[str]:
    """Upgrade the row in force to this release; return what was done, a sentence each.

    A new installation, in which nobody has acted, begins with the profile `named` and binds `files`; services
    that start meanwhile act by themselves. A row of
    an earlier release, which has the gate's columns only, gets its text once: of the profile that it names,
    or of `named` where that file is missing here and both agree. `client` has the owner's role. Raises
    ProfileError where the profile of a new installation cannot be read, RulesError where the text of an
    earlier row cannot be found, and DatabaseError.
    """
    ((set_at, set_by, name, text, rows, acts),) = read_rows(client, "reading the rules", _NEWEST)
    if text:
        return []
    if set_by == gate_rules.MIGRATION and rows == 1 and not acts:
        rules = AgencyRules(name=named or name, profile=load(named or name), files=files)
        gate_rules.check(client, rules.gate)
    else:
        rules = _adopted(client, named)
    gate_rules.adopt(client, set_at, rules)
    return [f"rules in force: those of the profile {rules.name}"]


def _adopted(client: Client, named: str) -> AgencyRules:
    """Return the rules of a row that has only columns.

    They are those of the profile that the row names, or of `named` where that file is missing here and both
    agree.
    """
    columns = gate_rules.in_force(client)
    try:
        return rules_of_columns(columns)
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


def _before(client: Client, changes: Change) -> RulesRow:
    """Return the row to replace; for a change of the whole profile also a row whose text cannot be used."""
    try:
        return in_force_row(client)
    except RulesError:
        if not changes.profile:
            raise
        columns = gate_rules.in_force(client)
        profile = load(changes.profile)
        rules = AgencyRules(
            name=columns.profile, always_registry=columns.always_registry, files={}, profile=profile
        )
        return RulesRow(gate_rules.newest(client), columns, "", rules)


def _put(door: Door, before: RulesRow, rules: AgencyRules, by: str) -> list[str]:
    gate_rules.check(door.writer(AUDITOR), rules.gate)
    for path, fault in faults(rules.profile):
        raise gate_rules.WrongRule(f"{path}: {fault}")
    changed = rules.changes(before.rules)
    rewrite = bool(changed) or not before.text or bool(before.differs)
    if rewrite and not changed:
        changed = before.differs or ["stored with their text"]
    if not rewrite:
        return []
    change, by_order = "; ".join(changed), f"By order of {by}"
    permit = door.enter("rules", rules.name, change=change, effect=rules.digest, reason=by_order)
    door.write("rules_append", act=permit.inquiry_id, rules=rules.text)  # the gate's columns follow from it
    return changed


def _ruled(door: Door, changed: list[str]) -> RulesStatus:
    reader = door.writer(AUDITOR)
    return RulesStatus(in_force_row(reader), changed, gate_rules.registry_enforced(reader))


def expiring(client: Client) -> list[str]:
    """Return the tables that delete rows by themselves: none, because no act allowed that."""
    rows = read_rows(client, "reading tables", _CREATED)
    return [str(name) for name, created in rows if _TTL.search(created)]
