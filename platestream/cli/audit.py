"""`platestream audit`: is the inquiry log whole?"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from platestream.cli import published, yearly_audit
from platestream.cli.console import err, out
from platestream.cli.entrance import entrance
from schemas.counted import counted
from services.inquiries import export as inquiry_export
from services.inquiries import whole

app = typer.Typer(no_args_is_help=True, help="The inquiry log, checked from outside.")


@app.callback()
def _group() -> None:
    """Keeps `audit verify` a command of a group."""


app.command()(yearly_audit.sample)
app.command()(yearly_audit.due)
app.command()(yearly_audit.finding)
app.command()(yearly_audit.memo)
app.command()(published.publish)
app.command()(published.head)
app.command()(published.prove)
app.command()(published.witness)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="JSON lines to write; an existing file is not touched.")],
    case: Annotated[str, typer.Option(help="Case or incident number.")] = "",
    reason: Annotated[str, typer.Option(help="Reason for the export.")] = "",
) -> None:
    """Write the sealed inquiry log to a file that can be checked anywhere; the export itself is on record.

    Example: platestream audit export inquiries-2026.jsonl --reason 'Yearly audit 2026'
    """
    with entrance("audit export") as door:
        head = whole.export(door, file, case_number=case, reason=reason)
    out.print(f"{counted(head.seals, 'seal')}; note this head, by which a cut tail is told: {head}")


@app.command()
def verify(
    export: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Check this file instead; no database is needed."),
    ] = None,
    head: Annotated[str, typer.Option(help="A head noted earlier (seal:hash) that must be in it.")] = "",
    log: Annotated[
        str, typer.Option("--published", help="Check a published log, a folder or an address; needs --key.")
    ] = "",
    proof: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Check a proof of one inquiry; needs --key."),
    ] = None,
    key: Annotated[str, typer.Option(help="The key of the log: name+hash+base64.")] = "",
    older: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A checkpoint kept earlier that --published must go on from."
        ),
    ] = None,
) -> None:
    """Check that no inquiry was changed, added, removed or cut off, against the seals and their copy, and
    against what was published.

    Examples: platestream audit verify
    and platestream audit verify --export inquiries-2026.jsonl --head 812:9f2c…
    and platestream audit verify --published https://sjpd.example/log --key sjpd.example/log+1a2b3c4d+AbCd…
    """
    if (log or proof) and not key:
        raise typer.BadParameter("the log's key is needed: --key (platestream audit head shows it)")
    if export is not None:
        _verify_export(export, head)
    if log:
        published.check_published(log, key, older, export)
    if proof is not None:
        published.check_proof(proof, key)
    if export or log or proof:
        return
    with entrance("audit verify") as door:
        found = whole.check(door)
    for fault in found.faults:
        err.print(fault)
    if waits := whole.waiting_sentence(found.waiting):
        err.print(waits)
    if found.faults:
        raise typer.Exit(1)
    out.print(f"the inquiry log is whole: {counted(found.seals, 'seal')}, each as in the copy")


def _verify_export(file: Path, expected: str) -> None:
    heads: list[inquiry_export.Head] = []
    with file.open("rb") as lines:
        faults = list(inquiry_export.verify(lines, datetime.now(UTC), expected, heads))
    for fault in faults:
        err.print(fault)
    if faults:
        raise typer.Exit(1)
    out.print(f"the export is whole: {heads[0].seals} seals, head {heads[0]}")
