"""The rules in force, as the database has them.

A setting never decides what a rule is. PLATESTREAM_PROFILE names the profile that a new installation begins
with; afterwards a process whose PLATESTREAM_PROFILE says otherwise than the rules in force does not start.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import Dsn, run
from connectors.gate_rules import COLUMNS, columns_of
from connectors.profiles import load, names
from connectors.settings import Settings
from schemas.gate_rules import AgencyRules, GateRules, RulesRow, with_columns
from schemas.profile import Profile, ProfileError, flat
from schemas.toml import read_toml

_NOW = f"SELECT set_at, {', '.join(COLUMNS)}, rules FROM platestream.rules_in_force"  # noqa: S608 - the same


FIRST = "st-johns"
MOVED = {
    "alert_confidence": "alerts.least_confidence",
    "alternative_confidence": "alerts.least_alternative",
    "unapproved": "cameras.unapproved",
}
"""Settings of before that change a rule, and where the rule is now."""
FILES: Mapping[str, str] = {
    "notify_file": "--notify",
    "partners_file": "--partners",
    "oidc_file": "--oidc",
}
"""Settings whose file rules besides the profile, and the option of `registry rules` that puts it in force."""
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")


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
    if others := other_files(settings, rules):
        raise RulesError(others[0])
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


@cache
def text_of(file: Path) -> str:
    """Return the text of a file that rules, read once in a process: what was compared is what is used."""
    return file.read_text(encoding="utf-8")


def digest_of(file: Path) -> str:
    """Return the SHA-256 of what a TOML file says, without secrets: files that it names, passwords in URLs.

    Raises OSError and ValueError.
    """
    return sha256(msgspec.json.encode(_public(read_toml(text_of(file))), order="deterministic")).hexdigest()


def files_of(settings: Settings) -> dict[str, str]:
    """Return the hashes of the files that these settings name, by setting; of none that cannot be used."""
    found = {}
    for name in FILES:
        if file := getattr(settings, name):
            with suppress(OSError, ValueError):
                found[name] = digest_of(file)
    return found


def other_files(settings: Settings, rules: AgencyRules) -> list[str]:
    """Return which files of these settings are not those in force, a sentence each."""
    bound = rules.files
    return [
        f"PLATESTREAM_{name.upper()}={getattr(settings, name)} is not the file in force "
        f"(SHA-256 {digest[:12]}, in force {bound.get(name, 'none')[:12]}). The ALPR administrator puts it "
        f"in force with platestream registry rules {FILES[name]} FILE --by NAME"
        for name, digest in files_of(settings).items()
        if bound is not None and bound.get(name) != digest
    ]


def _public(told: Any) -> Any:
    if isinstance(told, dict):
        return {name: _public(one) for name, one in told.items() if not name.endswith("_file")}
    if isinstance(told, list):
        return [_public(one) for one in told]
    return _PASSWORD.sub(r"\1@", told) if isinstance(told, str) else told


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
