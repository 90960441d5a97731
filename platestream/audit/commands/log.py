"""`platestream audit`: integrity of the inquiry log."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from platestream.audit import integrity
from platestream.audit.commands import yearly
from platestream.cli.door import open_door
from platestream.cli.options import Case, existing_file, existing_folder
from platestream.cli.output import err, out, print_faults
from platestream.schemas.pluralize import pluralize
from platestream.transparency_log import commands as published
from platestream.transparency_log import log_export as inquiry_export
from platestream.transparency_log.log_integrity import waiting_sentence

app = typer.Typer(no_args_is_help=True, help="Export, verify, publish and audit the inquiry log.")


@app.callback()
def _group() -> None:
    """Keep `audit verify` a command of a group."""


app.command()(yearly.sample)
app.command()(yearly.due)
app.command()(yearly.finding)
app.command()(yearly.memo)
app.command()(published.publish)
app.command()(published.head)
app.command()(published.prove)
app.command()(published.witness)


@app.command()
def export(
    file: Annotated[
        Path, typer.Argument(help="File for the JSON lines; an existing file is not overwritten.")
    ],
    case: Case = "",
    reason: Annotated[str, typer.Option(help="Reason for the export.")] = "",
) -> None:
    """Export the sealed inquiry log to a file that can be verified without the database. The export itself is
    logged.

    Example: platestream audit export inquiries-2026.jsonl --reason 'Yearly audit 2026'
    """
    with open_door("audit export") as door:
        head = integrity.export(door, file, case_number=case, reason=reason)
    out.print(f"{pluralize(head.seals, 'seal')}; note this head, which reveals a cut tail: {head}")


@app.command()
def verify(
    export: Annotated[Path | None, existing_file("Verify this file instead; needs no database.")] = None,
    head: Annotated[str, typer.Option(help="A head noted earlier (seal:hash) that must be in the log.")] = "",
    log: Annotated[
        str,
        typer.Option("--published", help="Verify a published log, given as folder or address; needs --key."),
    ] = "",
    proof: Annotated[Path | None, existing_folder("Verify a proof of one inquiry; needs --key.")] = None,
    key: Annotated[str, typer.Option(help="The key of the log: name+hash+base64.")] = "",
    older: Annotated[
        Path | None, existing_file("A checkpoint stored earlier that --published must extend.")
    ] = None,
    period: Annotated[
        str, typer.Option(help="Judge a period, for example 2026-10, by the counts of --published.")
    ] = "",
    counts: Annotated[
        Path | None, existing_file("Counts of audit prove --out, instead of published ones.")
    ] = None,
) -> None:
    """Verify the integrity of the inquiry log against its seals, the copy of the seals and the published log.
    Report each inquiry that was changed, added, removed or cut off.

    Examples: platestream audit verify
    and platestream audit verify --export inquiries-2026.jsonl --head 812:9f2c…
    and platestream audit verify --published https://sjpd.example/log --key sjpd.example/log+1a2b3c4d+AbCd…
    and platestream audit verify --published log/ --key sjpd.example/log+1a2b3c4d+AbCd… --period 2026-10
    """
    if (period or counts) and not (log and period):
        raise typer.BadParameter("a period needs --published, and --counts a --period")
    if (log or proof) and not key:
        raise typer.BadParameter("the log's key is needed: --key (platestream audit head shows it)")
    if export is not None:
        _verify_export(export, head)
    if log:
        published.check_published(log, key, older, export)
    if period:
        published.check_period(log, key, period, counts)
    if proof is not None:
        published.check_proof(proof, key)
    if export or log or proof:
        return
    with open_door("audit verify") as door:
        found = integrity.check(door)
    if waits := waiting_sentence(found.waiting):
        err.print(waits)
    print_faults(found.faults)
    out.print(f"the inquiry log is intact: {pluralize(found.seals, 'seal')}, each as in the copy")


def _verify_export(file: Path, expected: str) -> None:
    heads: list[inquiry_export.Head] = []
    with file.open("rb") as lines:
        print_faults(inquiry_export.verify(lines, datetime.now(UTC), expected, heads))
    out.print(f"the export is intact: {heads[0].seals} seals, head {heads[0]}")
