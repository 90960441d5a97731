"""`platestream retention`: the job that deletes what is past its time, and its receipts."""

import json
import time
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from connectors import ledger
from connectors.clickhouse_client import AUDITOR, RETENTION, connect
from connectors.metrics import serve
from connectors.profiles import load as load_profile
from connectors.settings import Settings, load_settings
from platestream.cli.console import err, out, print_json
from schemas.ledger import LedgerEntry
from services.retention import job as retention

app = typer.Typer(no_args_is_help=True, help="What is past the retention period is deleted, with receipts.")


@app.command()
def run(
    every: Annotated[
        int, typer.Option(min=0, help="Minutes from one run to the next; 0: run once and end.")
    ] = 0,
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Serve metrics on this port; 0: none.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="The receipt as a JSON object.")] = False,
) -> None:
    """Delete what is older than the profile allows, and put a receipt on record (order, F.8.b, J.1, J.2).

    Examples: platestream retention run
    and platestream retention run --every 15 --metrics-port 3031
    """
    settings = load_settings()
    if metrics_port:
        serve(metrics_port)
    while True:
        _show(once(settings, datetime.now(UTC)), as_json)
        if not every:
            return
        time.sleep(60 * every)


def once(settings: Settings, now: datetime) -> LedgerEntry:
    """One run by the settings' profile; the embedded edge's files and stores with it."""
    period = load_profile(settings.profile).retention.span
    client = connect(settings.clickhouse, RETENTION, allow_plaintext=settings.allow_plaintext)
    try:
        return retention.run(client, period, now, None if settings.kafka else settings.data)
    finally:
        client.close()


@app.command()
def log(
    last: Annotated[int, typer.Option(min=1, help="How many receipts.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line a receipt.")] = False,
) -> None:
    """The receipts, newest first; exit 1 when the ledger is not whole.

    Example: platestream retention log --last 5
    """
    settings = load_settings()
    client = connect(settings.clickhouse, AUDITOR, allow_plaintext=settings.allow_plaintext)
    entries = [entry for entry, _hash in ledger.read(client, "retention", "run")][-last:][::-1]
    if as_json:
        for entry in entries:
            print_json(_told(entry))
    else:
        out.print(_table(entries))
    faults = ledger.verify(client)
    for fault in faults:
        err.print(fault)
    if faults:
        raise typer.Exit(1)


def _show(entry: LedgerEntry, as_json: bool) -> None:
    if as_json:
        print_json(_told(entry))
        return
    told = retention.read_receipt(entry)
    gone = ", ".join(f"{rows} of {table}" for table, rows in told.deleted.items() if rows) or "no row"
    out.print(f"receipt {entry.number}: past {told.cutoff:%Y-%m-%d %H:%M} UTC: {gone}")
    for line in [*told.files, *told.stores, *(f"evidence {one}" for one in told.released)]:
        out.print(f"  {line}")


def _told(entry: LedgerEntry) -> dict[str, object]:
    told = {"number": entry.number, "at": entry.at, "hash": entry.hash}
    return {**told, **json.loads(entry.record)}


def _table(entries: list[LedgerEntry]) -> Table:
    table = Table("receipt", "at (UTC)", "deleted before", "rows", "oldest detection left", "hash")
    for entry in entries:
        told = retention.read_receipt(entry)
        first = told.oldest.get("detections")
        table.add_row(
            str(entry.number),
            f"{entry.at:%Y-%m-%d %H:%M}",
            f"{told.cutoff:%Y-%m-%d %H:%M}",
            str(sum(told.deleted.values())),
            f"{first:%Y-%m-%d %H:%M}" if first else "none",
            entry.hash[:12],
        )
    return table
