"""`platestream retention`: the job that deletes what is past its time, and its receipts."""

import json
import time
from typing import Annotated

import typer
from rich.table import Table

from platestream.cli.console import err, out, print_json, table
from platestream.cli.entrance import display_zone, entrance
from platestream.cli.times import shown_at
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

    One run is the act of whoever runs it. With --every it is the job that runs by the clock: on record as the
    machine's, and on a server only the job's own account may run it.

    Examples: platestream retention run
    and platestream retention run --every 15 --metrics-port 3031
    """
    if metrics_port:
        retention.serve_metrics(metrics_port)
    with entrance("retention run") as person:
        job = retention.by_the_clock(person) if every else person
        while True:
            with job:
                try:
                    _show(retention.once(job), as_json)
                except retention.ClockStopped as stopped:
                    if not every:
                        raise
                    err.print(str(stopped), markup=False)
            if not every:
                return
            time.sleep(60 * every)


@app.command()
def clock(
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Record that you compared the clock and that it is right.")
    ] = False,
) -> None:
    """Show whether the clock stopped the retention job, or confirm that the clock is right.

    The job deletes nothing while the database's clock may be wrong. It goes on when two administrators or
    supervisors have confirmed within a day, each under their own name, and at its next run within an hour.

    Example: platestream retention clock --confirm
    """
    with entrance("retention clock") as door:
        if confirm:
            retention.confirm_clock(door)
            out.print(
                "Confirmed. A second administrator or supervisor confirms, too, before the job goes on."
            )
            return
        why = retention.why_stopped(door)
    out.print(why or "The job was not stopped by the clock.", markup=False)
    if why:
        raise typer.Exit(1)


@app.command()
def log(
    last: Annotated[int, typer.Option(min=1, help="How many receipts.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each receipt.")] = False,
) -> None:
    """The receipts, newest first; exit 1 when the ledger is not whole.

    Example: platestream retention log --last 5
    """
    with entrance("retention log") as door:
        found = retention.log(door, last)
    if as_json:
        for entry, _receipt in found.receipts:
            print_json(_told(entry))
    else:
        out.print(_table(found.receipts))
    for fault in found.faults:
        err.print(fault)
    if found.faults:
        raise typer.Exit(1)


def _show(entry: LedgerEntry, as_json: bool) -> None:
    if as_json:
        print_json(_told(entry))
        return
    told = retention.read_receipt(entry)
    gone = ", ".join(f"{rows} of {table}" for table, rows in told.deleted.items() if rows) or "no row"
    past = shown_at(told.cutoff, display_zone(), seconds=False)
    out.print(f"receipt {entry.number}: past {past}: {gone}")
    for line in [*told.files, *told.stores, *(f"evidence {one}" for one in told.released)]:
        out.print(f"  {line}")


def _told(entry: LedgerEntry) -> dict[str, object]:
    told = {"number": entry.number, "at": entry.at, "hash": entry.hash}
    return {**told, **json.loads(entry.record)}


def _table(receipts: list[tuple[LedgerEntry, retention.Receipt]]) -> Table:
    zone = display_zone()
    shown = table("receipt", "at", "deleted before", "rows", "oldest detection left", "hash")
    for entry, told in receipts:
        first = told.oldest.get("detections")
        shown.add_row(
            str(entry.number),
            shown_at(entry.at, zone, seconds=False),
            shown_at(told.cutoff, zone, seconds=False),
            str(sum(told.deleted.values())),
            shown_at(first, zone, seconds=False) or "none",
            entry.hash[:12],
        )
    return shown
