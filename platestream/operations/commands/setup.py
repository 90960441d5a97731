"""`platestream migrate` and `platestream topics`: tables of the database and topics of the broker."""

from typing import Annotated

import typer

from platestream.cli.door import open_door
from platestream.cli.output import out, print_faults
from platestream.operations import setup as job


def migrate(
    listing: Annotated[
        bool, typer.Option("--list", help="Show migrations and files of views, and whether they are applied.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Show pending migrations without applying them.")] = False,
) -> None:
    """Bring the database to this release's tables and views. A second run changes nothing.

    Example: platestream migrate --dry-run
    """
    with open_door("migrate", ruled=False) as door:
        if listing:
            for entry in job.migrations(door):
                out.print(f"{entry.title:32} {entry.state:8} {entry.sha256[:12]}")
            return
        done = job.apply_migrations(door, dry_run=dry_run)
    for title in done:
        out.print(f"{'would apply' if dry_run else 'applied'} {title}")
    if not done:
        out.print("nothing to apply")


def topics(
    check: Annotated[bool, typer.Option(help="Only compare; exit 1 if the broker differs.")] = False,
    replication: Annotated[int, typer.Option(min=1, help="Replicas of each partition.")] = 1,
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
    """Create the topics on the broker, with partitions, retention (at most the profile's) and compaction.

    Example: PLATESTREAM_KAFKA=localhost:9092 platestream topics --check
    """
    with open_door("topics", ruled=False) as door:
        compared = job.topics(door, check=check, replication=replication, partitions=partitions, acls=acls)
    if compared is None:
        out.print("PLATESTREAM_KAFKA is not set: the embedded edge creates its topics when it writes them")
        return
    for line in compared.made:
        out.print(line)
    print_faults(compared.wrong)
    out.print(f"{compared.declared} topics are as declared{', and the rights of accounts' if acls else ''}")
