"""`platestream migrate` and `platestream topics`: the database and the broker as they are declared."""

from typing import Annotated

import typer

from clickhouse.sql_files import MigrationError
from platestream.cli.console import err, out
from platestream.cli.entrance import entrance
from services import setup as job


def migrate(
    listing: Annotated[
        bool, typer.Option("--list", help="Show migrations and files of views, and whether they are applied.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Say what would be applied; change nothing.")] = False,
) -> None:
    """Bring the database to this release's tables and views. Applying twice changes nothing.

    Example: platestream migrate --dry-run
    """
    try:
        with entrance("migrate", ruled=False) as door:
            if listing:
                for entry in job.migrations(door):
                    out.print(f"{entry.title:32} {entry.state:8} {entry.sha256[:12]}")
                return
            done = job.apply_migrations(door, dry_run=dry_run)
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
    partitions: Annotated[
        int,
        typer.Option(
            min=0,
            help="Of frames, frames_quarantine and detections, where they are not there yet; the most "
            "processes that can read them. 8 at least.",
        ),
    ] = 0,
    acls: Annotated[
        bool,
        typer.Option(
            help="Also the rights of our accounts (platestream_...); for the broker's administrator."
        ),
    ] = False,
) -> None:
    """Make the topics on the broker, with partitions, retention (the profile's at most) and compaction.

    Example: PLATESTREAM_KAFKA=localhost:9092 platestream topics --check
    """
    with entrance("topics", ruled=False) as door:
        compared = job.topics(door, check=check, replication=replication, partitions=partitions, acls=acls)
    if compared is None:
        out.print("PLATESTREAM_KAFKA is not set: the embedded edge makes its topics as it writes them")
        return
    for line in compared.made:
        out.print(line)
    for line in compared.wrong:
        err.print(line)
    if compared.wrong:
        raise typer.Exit(1)
    out.print(f"{compared.declared} topics are as declared{', and the rights of accounts' if acls else ''}")
