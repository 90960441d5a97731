"""The database and the broker as this release declares them: brought there, and compared."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from clickhouse import migrate
from clickhouse.migrate import Entry
from connectors import kafka_acls
from connectors.clickhouse_client import OWNER, connect, run
from connectors.kafka_topics import create, faults
from connectors.profiles import load
from schemas.topics import within
from services.door import Door


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
    """Titles of what was applied, or would be. Raises MigrationError and ConnectError."""
    with owner(door) as client:
        return migrate.apply(client, dry_run=dry_run)


def topics(
    door: Door, *, check: bool = False, replication: int = 1, partitions: int = 0, acls: bool = False
) -> Compared | None:
    """Make the topics unless only to `check`, and compare, with `acls` the rights of our accounts, too; None
    where no broker is named.

    Raises BrokerError, and ProfileError for a profile whose retention cannot be read.
    """
    settings = door.settings
    if not settings.kafka:
        return None
    config = {"bootstrap.servers": settings.kafka, **settings.kafka_properties()}
    declared = within(load(settings.profile).retention.span)
    made = [] if check else create(config, declared, replication, partitions)
    if acls and not check:
        made += kafka_acls.set_rights(config)
    wrong = (*faults(config, declared), *(kafka_acls.faults(config) if acls else ()))
    return Compared(tuple(made), wrong, len(declared))


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
