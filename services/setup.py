"""The database and the broker as this release declares them: brought there, and compared."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from clickhouse_connect.driver.client import Client

from clickhouse import migrate
from clickhouse.migrate import Entry
from connectors import kafka_acls
from connectors.clickhouse_client import OWNER, ConnectError, DatabaseError, connect, run
from connectors.kafka_topics import create, faults
from connectors.rules_in_force import before_there_are_any, files_of, may_be_there
from schemas.topics import within
from services.door import Door
from services.rules import in_force


@dataclass(frozen=True)
class Compared:
    """What was made on the broker, what it has otherwise than declared, and how many topics are declared."""

    made: tuple[str, ...]
    wrong: tuple[str, ...]
    declared: int


def migrations(door: Door) -> list[Entry]:
    """Migrations and files of views, and whether they are applied. Raises MigrationError, ConnectError."""
    with owner(door) as client:
        return migrate.list_migrations(client)


def apply_migrations(door: Door, *, dry_run: bool = False) -> list[str]:
    """Apply what is pending, and bring the rules in force to this release; return what was done, or would be.

    Raises MigrationError, ConnectError, RulesError and ProfileError.
    """
    with owner(door) as client:
        done = migrate.apply(client, dry_run=dry_run)
        settings = door.settings
        return done if dry_run else done + in_force.settle(client, settings.profile, files_of(settings))


def topics(
    door: Door, *, check: bool = False, replication: int = 1, partitions: int = 0, acls: bool = False
) -> Compared | None:
    """Make the topics unless only to `check`, and compare, with `acls` the rights of our accounts, too; None
    where no broker is named.

    How long they keep is what the rules in force say; before there are tables, what the profile says that the
    installation begins with. Raises BrokerError, RulesError and ProfileError.
    """
    settings = door.settings
    if not settings.kafka:
        return None
    config = {"bootstrap.servers": settings.kafka, **settings.kafka_properties()}
    declared = within(_period(door))
    made = [] if check else create(config, declared, replication, partitions)
    if acls and not check:
        made += kafka_acls.set_rights(config)
    wrong = (*faults(config, declared), *(kafka_acls.faults(config) if acls else ()))
    return Compared(tuple(made), wrong, len(declared))


def _period(door: Door) -> timedelta:
    if may_be_there(door.settings):
        with suppress(ConnectError, DatabaseError):
            return door.rules.profile.retention.span
    return before_there_are_any(door.settings).retention.span


@contextmanager
def owner(door: Door) -> Iterator[Client]:
    """A connection that also says what a server's account lacks."""
    settings = door.settings
    dsn, plain = settings.clickhouse_for(OWNER), settings.allow_plaintext
    client = run("connecting as the owner", lambda: connect(dsn, OWNER, allow_plaintext=plain, explain=True))
    try:
        yield client
    finally:
        client.close()
