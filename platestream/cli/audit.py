"""`platestream audit`: is the inquiry log whole?"""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from connectors.changelog import read_to_end
from connectors.clickhouse_client import AUDITOR, connect
from connectors.inquiry_verify import verify as verify_log
from connectors.settings import load_settings, open_topics
from platestream.cli import yearly_audit
from platestream.cli.console import err, out
from schemas.topics import INQUIRIES
from services.inquiries import export as inquiry_export
from services.inquiries import gate

app = typer.Typer(no_args_is_help=True, help="The inquiry log, checked from outside.")


@app.callback()
def _group() -> None:
    """Keeps `audit verify` a command of a group."""


app.command()(yearly_audit.sample)
app.command()(yearly_audit.finding)
app.command()(yearly_audit.memo)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="JSON lines to write; an existing file is not touched.")],
    case: Annotated[str, typer.Option(help="Case or incident number.")] = "",
    reason: Annotated[str, typer.Option(help="Reason for the export.")] = "",
) -> None:
    """Write the sealed inquiry log to a file that can be checked anywhere; the export itself is on record.

    Example: platestream audit export inquiries-2026.jsonl --reason 'Yearly audit 2026'
    """
    settings = load_settings()
    client = connect(settings.clickhouse, AUDITOR, allow_plaintext=settings.allow_plaintext)
    if file.exists():
        raise typer.BadParameter(f"{file} exists")
    told: gate.Why = {
        "who": getpass.getuser() if settings.clickhouse.startswith("chdb:") else "",
        "tool": "platestream audit export",
        "case_number": case,
        "reason": reason,
    }
    gate.record(client, kind="audit", other=f"export {file.name}"[:64], **told)
    with file.open("xb") as target:
        head = inquiry_export.write(client, target)
    out.print(f"{head.seals} seals; note this head, by which a cut tail is told: {head}")


@app.command()
def verify(
    export: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Check this file instead; no database is needed."),
    ] = None,
    head: Annotated[str, typer.Option(help="A head noted earlier (seal:hash) that must be in it.")] = "",
) -> None:
    """Check that no inquiry was changed, added, removed or cut off, against the seals and their copy.

    Examples: platestream audit verify
    and platestream audit verify --export inquiries-2026.jsonl --head 812:9f2c…
    """
    if export is not None:
        _verify_export(export, head)
        return
    settings = load_settings()
    client = connect(settings.clickhouse, AUDITOR, allow_plaintext=settings.allow_plaintext)
    copy = [INQUIRIES.decode(message) for message in read_to_end(open_topics(settings), INQUIRIES)]
    faults = verify_log(client, copy)
    for fault in faults:
        err.print(fault)
    if faults:
        raise typer.Exit(1)
    out.print(f"the inquiry log is whole: {len({one.seal for one in copy})} seals, each as in the copy")


def _verify_export(file: Path, expected: str) -> None:
    heads: list[inquiry_export.Head] = []
    with file.open("rb") as lines:
        faults = list(inquiry_export.verify(lines, datetime.now(UTC), expected, heads))
    for fault in faults:
        err.print(fault)
    if faults:
        raise typer.Exit(1)
    out.print(f"the export is whole: {heads[0].seals} seals, head {heads[0]}")
