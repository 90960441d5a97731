"""`platestream backup` and `platestream restore`: back up an installation and restore it into an empty
one.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from platestream.cli.door import open_door
from platestream.cli.output import err, out
from platestream.clickhouse.sql_files import MigrationError
from platestream.operations.backup import make
from platestream.operations.backup import restore as job
from platestream.operations.backup.archive import Manifest

PUBLISHED = (
    "{count} inquiries of this backup are in a published log, and others may hold its heads, newer ones "
    "included. Nothing more is published until platestream audit publish --another-log begins another log: "
    "leave the files of the previous log on the web, and publish the reason "
    "(docs/how-to/operator/published-log.md, When publishing is refused)"
)

UNHEARD = (
    "Offers between agencies take effect once the other agency has confirmed them, about a minute after the "
    "start. Then check platestream partners offers and partners offered"
)


def backup(
    file: Annotated[Path, typer.Argument(help="A new file, readable by its owner only.")],
) -> None:
    """Back up the installation's records to one ZIP file while the system runs. The backup is logged as an
    act.

    The backup holds the registry, the hot list, the rules, the sealed inquiry log, the dispositions of hits,
    evidence, audits, receipts, and offers to and from other agencies. It does not hold detections, pictures
    and hits, because no copy may outlive their retention; nor keys, passwords and settings.

    Example: platestream backup /mnt/backup/2026-11-26.zip
    """
    with open_door("backup") as door:
        try:
            made = make.backup(door, file, datetime.now(UTC))
        except OSError as error:
            err.print(f"{file}: {error.strerror or error}")
            raise typer.Exit(1) from None
    out.print(f"{file}: {_held(made)}")


def restore(
    file: Annotated[Path, typer.Argument(help="A file of platestream backup.", exists=True)],
) -> None:
    """Restore a backup into an empty installation that is not running. The restore is logged as an act.

    Then start the system and run platestream audit verify. Records that were not sealed in the backup are
    sealed at the start. Records that were made after the backup are not restored.

    Example: platestream restore /mnt/backup/2026-11-26.zip
    """
    with open_door("restore", ruled=False) as door:
        try:
            made = job.restore(door, file)
        except MigrationError as error:
            err.print(str(error))
            raise typer.Exit(1) from None
    out.print(f"{file}: {_held(made.manifest)}, as of {made.manifest.made_at:%Y-%m-%d %H:%M:%S}Z")
    if made.left:
        out.print(f"unchanged, because they already exist: {', '.join(made.left)}")
    if made.published:
        out.print(PUBLISHED.format(count=made.published))
    if _offers(made.manifest):
        out.print(UNHEARD)
    out.print("next: start the system (platestream up, or the containers), then run platestream audit verify")


def _held(made: Manifest) -> str:
    counts = {one.name: one.count for one in made.members}
    tables = [count for name, count in counts.items() if name.startswith("tables/")]
    messages = [count for name, count in counts.items() if name.startswith("topics/")]
    offers = _offers(made)
    return (
        f"{sum(tables)} rows of {len(tables)} tables, {sum(messages)} messages of {len(messages)} topics"
        + (f", {offers} offers between agencies" if offers else "")
    )


def _offers(made: Manifest) -> int:
    return sum(one.count for one in made.members if one.name.startswith("partners/"))
