"""The rules in force, as the database has them.

A setting never decides what a rule is. PLATESTREAM_PROFILE names the profile that a new installation begins
with; afterwards a process whose PLATESTREAM_PROFILE says otherwise than the rules in force does not start.
"""

from datetime import datetime
from functools import partial

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import Dsn, run
from connectors.gate_rules import COLUMNS, columns_of
from connectors.profiles import load, names
from connectors.settings import Settings
from schemas.gate_rules import AgencyRules, GateRules, RulesRow, with_columns
from schemas.profile import Profile, ProfileError, flat

_NOW = f"SELECT set_at, {', '.join(COLUMNS)}, rules FROM platestream.rules_in_force"  # noqa: S608 - the same


FIRST = "st-johns"
MOVED = {
    "alert_confidence": "alerts.least_confidence",
    "alternative_confidence": "alerts.least_alternative",
    "unapproved": "cameras.unapproved",
}
"""Settings of before that change a rule, and where the rule is now."""


class RulesError(ValueError):
    """Rules in force that cannot be used, or that a setting contradicts; says what to do."""


def in_force(client: Client) -> AgencyRules:
    """Return the rules in force. `client` may have any role that acts.

    Raises RulesError where they cannot be used, and DatabaseError.
    """
    row = in_force_row(client)
    if row.differs:
        raise RulesError(
            f"the rules in force contradict themselves ({row.differs[0]}): the ALPR administrator puts a "
            "profile in force again (platestream registry rules --profile PROFILE --by NAME)"
        )
    return row.rules


def in_force_row(client: Client) -> RulesRow:
    """Return the row in force, which may contradict itself. Raises RulesError and DatabaseError."""
    ((set_at, *columns, text),) = run("reading the rules in force", partial(client.query, _NOW)).result_rows
    return stored(set_at, columns_of(columns), text)


def stored(set_at: datetime, columns: GateRules, text: str) -> RulesRow:
    """Return a row of the table.

    Raises RulesError where its text cannot be read, or it has none and names a file.
    """
    try:
        if text:
            return RulesRow(set_at, columns, text, AgencyRules.parse(text))
        if columns.profile not in names():
            raise ProfileError(
                f"the rules in force are of {columns.profile}, of which the database has no text"
            )
        return RulesRow(set_at, columns, text, of_columns(columns))
    except ProfileError as error:
        raise RulesError(
            f"{error}: platestream migrate where that file can be read, or platestream registry rules "
            "--profile PROFILE --by NAME by the ALPR administrator"
        ) from None


def of_columns(columns: GateRules) -> AgencyRules:
    """Return the rules of a row that has columns alone, by the profile that it names. Raises ProfileError."""
    profile = load(columns.profile)
    ours = with_columns(profile, columns)
    own = () if ours == profile else ("inquiries.case_number",)
    return AgencyRules(name=columns.profile, always_registry=columns.always_registry, own=own, profile=ours)


def check(settings: Settings, rules: AgencyRules) -> None:
    """Raises RulesError where the settings, or the profile that they name, contradict the rules in force."""
    values = flat(rules.profile)
    for name, path in MOVED.items():
        told = getattr(settings, name)
        if told not in (None, values[path]):
            raise RulesError(
                f"PLATESTREAM_{name.upper()}={told} contradicts the rules in force ({path} = "
                f"{values[path]}): it is a rule now. Take the setting away; the ALPR administrator changes "
                f"{path} in the profile and puts that in force (platestream registry rules --profile PROFILE)"
            )
    if found := contradictions(settings, rules):
        raise RulesError(
            f"PLATESTREAM_PROFILE={settings.profile} contradicts the rules in force, which are of "
            f"{rules.name} ({found[0]}{f'; {len(found) - 1} more' if found[1:] else ''}). The ALPR "
            f"administrator puts it in force with platestream registry rules --profile {settings.profile} "
            "--by NAME; otherwise take the setting away, or name what is in force"
        )


def contradictions(settings: Settings, rules: AgencyRules) -> list[str]:
    """Return what the profile that the settings name says otherwise than the rules in force.

    Raises RulesError where that profile cannot be read.
    """
    if not settings.profile:
        return []
    try:
        return rules.contradictions(load(settings.profile))
    except ProfileError as error:
        raise RulesError(f"PLATESTREAM_PROFILE: {error}") from None


def before_there_are_any(settings: Settings) -> Profile:
    """Return the profile that a new installation begins with. Raises ProfileError."""
    return load(settings.profile or FIRST)


def may_be_there(settings: Settings) -> bool:
    """Return whether there can be a database: connecting would make the embedded one."""
    named = Dsn.parse(settings.clickhouse)
    return named.scheme != "chdb" or named.path.is_dir()


def agreed(settings: Settings, client: Client) -> AgencyRules:
    """Return the rules in force.

    Raises RulesError, also where the settings contradict them, and DatabaseError.
    """
    rules = in_force(client)
    check(settings, rules)
    return rules
