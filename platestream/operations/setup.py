"""Setup of the database and the broker as this release declares them, and their comparison."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from clickhouse_connect.driver.client import Client

from platestream.access import rules_in_force as in_force
from platestream.access.door import Door
from platestream.access.rules_reader import database_may_exist, files_of, initial_profile
from platestream.clickhouse import migrate
from platestream.clickhouse.migrate import Entry
from platestream.edges import kafka_acls
from platestream.edges.clickhouse_client import OWNER, ConnectError, DatabaseError, connect, run
from platestream.edges.kafka_topics import create, faults
from platestream.schemas.topics import topics_for_retention


@dataclass(frozen=True)
class SetupReport:
    """The things made on the broker, differences from the declaration, and the number of declared topics."""

    made: tuple[str, ...]
    wrong: tuple[str, ...]
    declared: int


def migrations(door: Door) -> list[Entry]:
    """Return migrations and files of views, with their state. Raises MigrationError and ConnectError."""
    with owner(door) as client:
        return migrate.list_migrations(client)


def apply_migrations(door: Door, *, dry_run: bool = False) -> list[str]:
    """Apply pending migrations, and upgrade the rules in force to this release; return what was done, or
    would be.

    Raises MigrationError, ConnectError, RulesError and ProfileError.
    """
    with owner(door) as client:
        done = migrate.apply(client, dry_run=dry_run)
        settings = door.settings
        return done if dry_run else done + in_force.upgrade(client, settings.profile, files_of(settings))


def topics(
    door: Door, *, check: bool = False, replication: int = 1, partitions: int = 0, acls: bool = False
) -> SetupReport | None:
    """Make the topics unless only to `check`, and compare them, with `acls` also the rights of our accounts.
    Return None where no broker is named.

    Their retention is by the rules in force or, before there are tables, by the installation's first profile.
    Raises BrokerError, RulesError and ProfileError.
    """
    settings = door.settings
    if not settings.kafka:
        return None
    config = {"bootstrap.servers": settings.kafka, **settings.kafka_properties()}
    declared = topics_for_retention(_period(door))
    made = [] if check else create(config, declared, replication, partitions)
    if acls and not check:
        made += kafka_acls.set_rights(config)
    wrong = (*faults(config, declared), *(kafka_acls.faults(config) if acls else ()))
    return SetupReport(tuple(made), wrong, len(declared))


def _period(door: Door) -> timedelta:
    if database_may_exist(door.settings):
        with suppress(ConnectError, DatabaseError):
            return door.rules.profile.retention.span
    return initial_profile(door.settings).retention.span


@contextmanager
def owner(door: Door) -> Iterator[Client]:
    """Connect as the owner, with an error that names the rights that a server's account lacks."""
    settings = door.settings
    dsn, plain = settings.clickhouse_for(OWNER), settings.allow_plaintext
    client = run("connecting as the owner", lambda: connect(dsn, OWNER, allow_plaintext=plain, explain=True))
    try:
        yield client
    finally:
        client.close()
