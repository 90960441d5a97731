"""`platestream migrate` and `platestream topics`: the database and the broker as they are declared."""

from typing import Annotated

import typer

from clickhouse import migrate as migrations
from clickhouse.sql_files import MigrationError
from connectors.clickhouse_client import OWNER, connect
from connectors.kafka_topics import create, faults
from connectors.profiles import load as load_profile
from connectors.settings import load_settings
from platestream.cli.console import err, out
from schemas.topics import within


def migrate(
    listing: Annotated[
        bool, typer.Option("--list", help="Show migrations and files of views, and whether they are applied.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Say what would be applied; change nothing.")] = False,
) -> None:
    """Bring the database to this release's tables and views. Applying twice changes nothing.

    Example: platestream migrate --dry-run
    """
    settings = load_settings()
    client = connect(settings.clickhouse, OWNER, allow_plaintext=settings.allow_plaintext, explain=True)
    try:
        if listing:
            for entry in migrations.list_migrations(client):
                out.print(f"{entry.title:32} {entry.state:8} {entry.sha256[:12]}")
            return
        done = migrations.apply(client, dry_run=dry_run)
    except MigrationError as error:
        err.print(str(error))
        raise typer.Exit(1) from None
    for title in done:
        out.print(f"{'would apply' if dry_run else 'applied'} {title}")
    if not done:
        out.print("nothing to apply")


def topics(
    check: Annotated[
        bool, typer.Option(help="Only compare; exit 1 when the broker has something else.")
    ] = False,
    replication: Annotated[int, typer.Option(min=1, help="Copies of each partition.")] = 1,
) -> None:
    """Make the topics on the broker, with partitions, retention (the profile's at most) and compaction.

    Example: PLATESTREAM_KAFKA=localhost:9092 platestream topics --check
    """
    settings = load_settings()
    if not settings.kafka:
        out.print("PLATESTREAM_KAFKA is not set: the embedded edge makes its topics as it writes them")
        return
    config = {"bootstrap.servers": settings.kafka, **settings.kafka_properties()}
    declared = within(load_profile(settings.profile).retention.span)
    if not check:
        for line in create(config, declared, replication):
            out.print(line)
    wrong = list(faults(config, declared))
    for line in wrong:
        err.print(line)
    if wrong:
        raise typer.Exit(1)
    out.print(f"{len(declared)} topics are as declared")
