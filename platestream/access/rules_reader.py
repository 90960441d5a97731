"""Rules in force, as stored in the database.

A setting never decides a rule. PLATESTREAM_PROFILE names the profile that a new installation begins with.
Later, a process does not start if its PLATESTREAM_PROFILE differs from the rules in force.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.access.profiles import load, names
from platestream.edges.clickhouse_client import INGEST, Dsn, connect, read_rows
from platestream.edges.rules_history import SELECTED, rules_of_row
from platestream.schemas.gate_rules import AgencyRules, GateRules, RulesRow, with_columns
from platestream.schemas.profile import Profile, ProfileError, flatten
from platestream.schemas.toml import read_toml
from platestream.settings import Settings

_NOW = f"SELECT set_at, {SELECTED}, rules FROM platestream.rules_in_force"  # noqa: S608 - the same


FIRST = "st-johns"
MOVED = {
    "alert_confidence": "alerts.least_confidence",
    "alternative_confidence": "alerts.least_alternative",
    "unapproved": "cameras.unapproved",
}
"""Former settings that changed a rule, and the path of the rule in the profile."""
FILES: Mapping[str, str] = {
    "notify_file": "--notify",
    "partners_file": "--partners",
    "oidc_file": "--oidc",
}
"""Settings of further rule files, and the option of `registry rules` that puts each in force."""
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")


class RulesError(ValueError):
    """Rules in force that are unusable, or that a setting contradicts; the message says what to do."""


class BrokenRulesError(RulesError):
    """Rules in force that are unusable."""


def in_force(client: Client) -> AgencyRules:
    """Return the rules in force. `client` may have any role that acts.

    Raises RulesError if they are unusable, and DatabaseError.
    """
    row = in_force_row(client)
    if row.differs:
        raise BrokenRulesError(
            f"the rules in force contradict themselves ({row.differs[0]}): the ALPR administrator puts a "
            "profile in force again (platestream registry rules --profile PROFILE --by NAME)"
        )
    return row.rules


def in_force_row(client: Client) -> RulesRow:
    """Return the row in force, which may contradict itself. Raises RulesError and DatabaseError."""
    ((set_at, *columns, text),) = read_rows(client, "reading the rules in force", _NOW)
    return rules_row(set_at, rules_of_row(columns), text)


def rules_row(set_at: datetime, columns: GateRules, text: str) -> RulesRow:
    """Return a row of the table.

    Raises RulesError if its text cannot be read, or if it has none and names a file.
    """
    try:
        if text:
            return RulesRow(set_at, columns, text, AgencyRules.parse(text))
        if columns.profile not in names():
            raise ProfileError(
                f"the rules in force are of {columns.profile}, of which the database has no text"
            )
        return RulesRow(set_at, columns, text, rules_of_columns(columns))
    except ProfileError as error:
        raise BrokenRulesError(
            f"{error}: platestream migrate where that file can be read, or platestream registry rules "
            "--profile PROFILE --by NAME by the ALPR administrator"
        ) from None


def rules_of_columns(columns: GateRules) -> AgencyRules:
    """Return the rules of a row with columns only, by the profile that it names. Raises ProfileError."""
    profile = load(columns.profile)
    ours = with_columns(profile, columns)
    own = () if ours == profile else ("inquiries.case_number",)
    return AgencyRules(name=columns.profile, always_registry=columns.always_registry, own=own, profile=ours)


def check(settings: Settings, rules: AgencyRules) -> None:
    """Raise RulesError if the settings, or the profile that they name, contradict the rules in force."""
    if others := other_files(settings, rules):
        raise RulesError(others[0])
    values = flatten(rules.profile)
    for name, path in MOVED.items():
        named = getattr(settings, name)
        if named not in (None, values[path]):
            raise RulesError(
                f"PLATESTREAM_{name.upper()}={named} contradicts the rules in force ({path} = "
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
    """Return the differences between the profile that the settings name and the rules in force.

    Raises RulesError if that profile cannot be read.
    """
    if not settings.profile:
        return []
    try:
        return rules.contradictions(load(settings.profile))
    except ProfileError as error:
        raise RulesError(f"PLATESTREAM_PROFILE: {error}") from None


@cache
def text_of(file: Path) -> str:
    """Return the text of a rule file.

    It is read once in a process, so that the checked text is the one used.
    """
    return file.read_text(encoding="utf-8")


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a TOML file's content without secrets: files that it names, passwords in URLs.

    Raises OSError and ValueError.
    """
    return sha256(msgspec.json.encode(_public(read_toml(text_of(file))), order="deterministic")).hexdigest()


def files_of(settings: Settings) -> dict[str, str]:
    """Return the hashes of the files that these settings name, by setting; unusable files are left out."""
    found = {}
    for name in FILES:
        if file := getattr(settings, name):
            with suppress(OSError, ValueError):
                found[name] = digest_of(file)
    return found


def other_files(settings: Settings, rules: AgencyRules) -> list[str]:
    """Return a sentence for each file of these settings that is not the one in force."""
    bound = rules.files
    return [
        f"PLATESTREAM_{name.upper()}={getattr(settings, name)} is not the file in force "
        f"(SHA-256 {digest[:12]}, in force {bound.get(name, 'none')[:12]}). The ALPR administrator puts it "
        f"in force with platestream registry rules {FILES[name]} FILE --by NAME"
        for name, digest in files_of(settings).items()
        if bound is not None and bound.get(name) != digest
    ]


def _public(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _public(one) for name, one in value.items() if not name.endswith("_file")}
    if isinstance(value, list):
        return [_public(one) for one in value]
    return _PASSWORD.sub(r"\1@", value) if isinstance(value, str) else value


def initial_profile(settings: Settings) -> Profile:
    """Return the profile that a new installation begins with. Raises ProfileError."""
    return load(settings.profile or FIRST)


def database_may_exist(settings: Settings) -> bool:
    """Return whether a database can exist. Connecting would create the embedded one."""
    named = Dsn.parse(settings.clickhouse)
    return named.scheme != "chdb" or named.path.is_dir()


def checked_rules(settings: Settings, client: Client) -> AgencyRules:
    """Return the rules in force.

    Raises RulesError, also if the settings contradict them, and DatabaseError.
    """
    rules = in_force(client)
    check(settings, rules)
    return rules


def rules_in_force(settings: Settings) -> AgencyRules:
    """Return the rules in force, read once at the start of a flow with the account of the flows.

    A flow whose settings contradict them does not start; a change applies when the flow is restarted. Raises
    RulesError, ConnectError and DatabaseError.
    """
    dsn, plain = settings.clickhouse_for(INGEST), settings.allow_plaintext
    client = connect(dsn, INGEST, allow_plaintext=plain)
    try:
        return checked_rules(settings, client)
    finally:
        client.close()
