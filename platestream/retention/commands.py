"""`platestream retention`: the job that deletes expired data, and its receipts."""

import json
import time
from datetime import tzinfo
from typing import Annotated

import typer

from platestream.cli.door import display_zone, format_local, open_door
from platestream.cli.options import MetricsPort
from platestream.cli.output import err, out, print_faults, print_json, table
from platestream.keys.key_folder import HOUR
from platestream.retention import service as retention
from platestream.runtime.metrics import serve as serve_metrics
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.pluralize import pluralize

app = typer.Typer(no_args_is_help=True, help="Delete expired data, with receipts.")


@app.command()
def run(
    every: Annotated[int, typer.Option(min=0, help="Minutes between runs; 0: run once.")] = 0,
    metrics_port: MetricsPort = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as a JSON object.")] = False,
) -> None:
    """Delete data that is older than the profile allows, and record a receipt (order, F.8.b, J.1, J.2).

    A single run is the act of the person who runs it. With --every it runs as a scheduled system job: it is
    logged as such, and on a server only the job's service account may run it. Exit 1 if the receipt of a
    single run has faults.

    Examples: platestream retention run
    and platestream retention run --every 15 --metrics-port 3031
    """
    if metrics_port:
        serve_metrics(metrics_port)
    with open_door("retention run", broken_rules=True) as person:
        job = retention.start_scheduled(person) if every else person
        while True:
            with job:
                try:
                    faults = _show(retention.run(job), as_json)
                except retention.ClockStopped as stopped:
                    if not every:
                        raise
                    err.print(str(stopped), markup=False)
            if not every:
                if faults:
                    raise typer.Exit(1)
                return
            time.sleep(60 * every)


@app.command()
def clock(
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Record that you compared the clock and that it is right.")
    ] = False,
) -> None:
    """Show whether a clock fault stopped the retention job, or confirm that the clock is right.

    The job deletes nothing while the database's clock may be wrong. It continues within an hour once two
    administrators or supervisors, each under their own name, have confirmed the clock within a day.

    Example: platestream retention clock --confirm
    """
    with open_door("retention clock") as door:
        if confirm:
            retention.confirm_clock(door)
            out.print(
                "Confirmed. A second administrator or supervisor must confirm before the job continues."
            )
            return
        why = retention.why_stopped(door)
    out.print(why or "The clock has not stopped the job.")
    raise typer.Exit(1 if why else 0)


@app.command()
def log(
    last: Annotated[int, typer.Option(min=1, help="Number of receipts.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each receipt.")] = False,
) -> None:
    """Show the receipts, newest first. Exit 1 if the integrity check of the ledger fails.

    Example: platestream retention log --last 5
    """
    with open_door("retention log") as door:
        found = retention.log(door, last)
    if as_json:
        for entry, _receipt in found.receipts:
            print_json(_receipt_fields(entry))
    else:
        columns = ("receipt", "at", "deleted before", "rows", "oldest detection left", "hash")
        zone = display_zone()
        out.print(table(*columns, rows=(_cells(one, zone) for one in found.receipts)))
    print_faults(found.faults)


def _show(entry: LedgerEntry, as_json: bool) -> list[str]:
    """Print a receipt; return its faults."""
    receipt = retention.read_receipt(entry)
    if as_json:
        print_json(_receipt_fields(entry))
        return receipt.faults
    gone = ", ".join(f"{rows} of {table}" for table, rows in receipt.deleted.items() if rows) or "no row"
    past = format_local(receipt.cutoff, display_zone(), seconds=False)
    out.print(f"receipt {entry.number}: past {past}: {gone}")
    for line in [*receipt.files, *receipt.stores, *(f"evidence {one}" for one in receipt.released)]:
        out.print(f"  {line}")
    for fault in receipt.faults:
        err.print(fault, markup=False)
    if receipt.keys:
        first, last = receipt.keys[0].hour, receipt.keys[-1].hour + HOUR
        until = format_local(last, display_zone(), seconds=False)
        destroyed = pluralize(len(receipt.keys), "hourly key")
        begin = format_local(first, display_zone(), seconds=False)
        protected = pluralize(sum(one.detections for one in receipt.keys), "detection")
        out.print(f"  {destroyed} destroyed: {begin} to {until}, of {protected}")
    return receipt.faults


def _receipt_fields(entry: LedgerEntry) -> dict[str, object]:
    receipt = {"number": entry.number, "at": entry.at, "hash": entry.hash}
    return {**receipt, **json.loads(entry.record)}


def _cells(one: tuple[LedgerEntry, retention.Receipt], zone: tzinfo) -> tuple[str, ...]:
    entry, receipt = one
    at, cutoff, first = (
        format_local(time, zone, seconds=False)
        for time in (entry.at, receipt.cutoff, receipt.oldest.get("detections"))
    )
    return str(entry.number), at, cutoff, str(sum(receipt.deleted.values())), first or "none", entry.hash[:12]
