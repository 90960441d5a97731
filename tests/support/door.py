"""Doors for tests: a person signed in to a test's database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from platestream.access.door import Clients, Door
from platestream.schemas.acts import ROLES, Role
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.tables import REGISTRY
from platestream.settings import Settings
from tests.support.database import Database

OWN = RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", own=True)


def door_of(database: Database, who: str = "vale", *, data: Path | None = None, tool: str = "test") -> Door:
    """The door for `who` in a test's database; topics are files in `data`, by default beside the database."""
    settings = Settings(clickhouse=database.dsn, data=data or database.data)
    return Door(settings, who, tool, Clients(settings))


def person(
    who: str = "vale",
    *roles: Role,
    trained: datetime | None = None,
    agency: str = "sjpd",
    active: bool = True,
) -> RegistryRecord:
    """A registered person with these roles, or all of them, trained a month ago unless said otherwise."""
    return RegistryRecord(
        kind="user",
        id=who,
        name=who,
        agency=agency,
        employee_number=f"E-{who}"[:64],
        active=active,
        role=",".join(roles or ROLES),
        trained_at=trained or datetime.now(UTC) - timedelta(days=30),
    )


def shift(who: str = "vale", hours: float = 8) -> RegistryRecord:
    """A shift of this person that began a minute ago."""
    since = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    return RegistryRecord(
        kind="shift",
        id=f"{who}@{since:%Y-%m-%dT%H:%M:%SZ}",
        name=who,
        user=who,
        agency="sjpd",
        since=since,
        until=since + timedelta(hours=hours),
        changed_at=since,
    )


def staffed(database: Database, *people: RegistryRecord) -> None:
    """Register this agency and `people`, or Vale with every role, so that the registry's rules hold; all of
    them are on shift.
    """
    registered = people or (person(),)
    database.put(REGISTRY, OWN, *registered, *(shift(one.id) for one in registered))


def signed_in_as(monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    """Commands that this test runs in its own process are run by `who`."""
    monkeypatch.setattr("platestream.access.door.system_account", lambda: who)
