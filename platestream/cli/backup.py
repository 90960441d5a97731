"""`platestream backup` and `restore`: what must be kept, and its way back into an empty system."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from clickhouse.sql_files import MigrationError
from platestream.cli.console import err, out
from platestream.cli.entrance import entrance
from services.backup import make
from services.backup import restore as job
from services.backup.archive import Manifest

PUBLISHED = (
    "{count} inquiries of this backup are in a published log, and others may hold heads of it, newer ones "
    "too. Nothing more is published until platestream audit publish --another-log begins another log: leave "
    "the files of the one before on the web, and publish why (docs/proof.md, When publishing is refused)"
)

UNHEARD = (
    "Offers between agencies count when the other agency has said what stands, a minute after the start: "
    "then look through platestream partners offers, and partners offered"
)


def backup(
    file: Annotated[Path, typer.Argument(help="A new file; it is for its owner alone.")],
) -> None:
    """Write what must be kept to one file (ZIP), while everything runs; on record as an act.

    In it: registry, hot list, rules, the sealed inquiry log, what came of hits, evidence, audits, receipts,
    what is offered to and by other agencies.
    Not in it: detections, pictures and hits, which no copy may outlive; keys, passwords and settings.

    Example: platestream backup /mnt/backup/2026-11-26.zip
    """
    with entrance("backup") as door:
        try:
            made = make.backup(door, file, datetime.now(UTC))
        except OSError as error:
            err.print(f"{file}: {error.strerror or error}")
            raise typer.Exit(1) from None
    out.print(f"{file}: {_held(made)}")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that platestream backup wrote.", exists=True)],
) -> None:
    """Bring a backup into an empty system, where nothing runs yet; on record as an act.

    Then start it, and check it with platestream audit verify: what the backup had not sealed is sealed at the
    start. What was put on record after the backup is lost here.

    Example: platestream restore /mnt/backup/2026-11-26.zip
    """
    with entrance("restore", ruled=False) as door:
        try:
            made = job.restore(door, file)
        except MigrationError as error:
            err.print(str(error))
            raise typer.Exit(1) from None
    out.print(f"{file}: {_held(made.manifest)}, as of {made.manifest.made_at:%Y-%m-%d %H:%M:%S}Z")
    if made.left:
        out.print(f"left as they are, because they are there already: {', '.join(made.left)}")
    if made.published:
        out.print(PUBLISHED.format(count=made.published))
    if _offers(made.manifest):
        out.print(UNHEARD)
    out.print("next: start it (platestream up, or the containers), and then platestream audit verify")


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
