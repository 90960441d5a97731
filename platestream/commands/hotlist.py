"""`platestream hotlist`: what the agency looks for."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from connectors.changelog import publish
from connectors.settings import load_settings, open_topics
from platestream.commands.console import err, out, print_json
from platestream.hotlist import import_lines, listed, make_entry, read_csv
from schemas.hotlist import OWN_SOURCE, HotListChange
from schemas.message import RefusedError
from schemas.topics import HOTLIST

app = typer.Typer(no_args_is_help=True, help="The hot list: import, add, remove, list.")


@app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV; the first line names columns.")
    ],
    source: Annotated[str, typer.Option(help="Which list this file is: ncic, acic, mvd, bolo, sjpd …")],
) -> None:
    """Make the list of a source what a file says; only what is new, changed or gone is sent.

    Example: platestream hotlist import ncic.csv --source ncic
    """
    done = import_lines(open_topics(load_settings()), source, read_csv(file))
    for line in done.refused:
        err.print(f"{file.name}, {line}")
    out.print(
        f"{source}: {len(done.changed)} new or changed, {len(done.removed)} removed, "
        f"{done.unchanged} unchanged, {len(done.refused)} refused"
    )
    if done.refused:
        err.print("nothing was removed: a refused line may be an entry that is still wanted")
        raise typer.Exit(1)


@app.command()
def add(
    reference: Annotated[str, typer.Argument(help="What tells this entry apart, such as the case number.")],
    plate: Annotated[str, typer.Option(help="The plate.")],
    category: Annotated[str, typer.Option(help="stolen_vehicle, wanted_person, suspect_vehicle …")],
    expires: Annotated[str, typer.Option(help="Last day it counts, 2026-12-31.")],
    state: Annotated[str, typer.Option(help="State of issue, AZ.")] = "",
    case: Annotated[str, typer.Option(help="Case number.")] = "",
    reason: Annotated[str, typer.Option(help="Why the vehicle is on the list.")] = "",
    by: Annotated[str, typer.Option(help="Requesting member.")] = "",
    contact: Annotated[str, typer.Option(help="How to reach the member.")] = "",
    instructions: Annotated[str, typer.Option(help="'P/C for arrest', 'Do not stop, contact member' …")] = "",
    other: Annotated[str, typer.Option(help="Other pertinent information.")] = "",
    source: Annotated[str, typer.Option(help="The list it goes on.")] = OWN_SOURCE,
) -> None:
    """Put a vehicle on the list, with all that section H of the order asks for.

    Example: platestream hotlist add 26-001234 --plate AST3087 --state AZ --category stolen_vehicle
    --expires 2026-12-31 --case 26-001234 --reason 'Stolen' --by 'Ofc. Vale' --contact 928-555-0114
    --instructions 'P/C for arrest'
    """
    told = {
        "reference": reference,
        "plate": plate,
        "category": category,
        "expires_at": expires,
        "state": state,
        "case_number": case,
        "reason": reason,
        "requested_by": by,
        "contact": contact,
        "instructions": instructions,
        "other": other,
    }
    entry = make_entry(source, told)
    if entry.expires_at <= datetime.now(UTC):
        raise RefusedError("expiry", "`expires_at` is past")
    publish(open_topics(load_settings()), HOTLIST, [HotListChange(entry.entry_id, entry)])
    out.print(f"{entry.entry_id} is on the list until {entry.expires_at:%Y-%m-%d %H:%M} UTC")


@app.command()
def remove(
    entry_id: Annotated[str, typer.Argument(help="The entry, as `list` shows it: source:reference.")],
) -> None:
    """Take an entry off the list; it stops alerting with the next read.

    Example: platestream hotlist remove sjpd:26-001234
    """
    streams = open_topics(load_settings())
    if entry_id not in listed(streams):
        raise RefusedError("entry", f"{entry_id} is not on the list")
    publish(streams, HOTLIST, [HotListChange(entry_id, None)])
    out.print(f"{entry_id} is off the list")


@app.command("list")
def list_entries(
    source: Annotated[str, typer.Option(help="Only this list.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line an entry.")] = False,
) -> None:
    """Show what is on the list.

    Example: platestream hotlist list --source sjpd
    """
    entries = listed(open_topics(load_settings()))
    shown = [entry for _name, entry in sorted(entries.items()) if source in ("", entry.source)]
    if as_json:
        for entry in shown:
            print_json(entry)
        return
    table = Table("entry", "plate", "state", "category", "case", "instructions", "expires (UTC)")
    for entry in shown:
        late = " (expired)" if entry.expires_at <= datetime.now(UTC) else ""
        table.add_row(
            entry.entry_id,
            entry.plate,
            entry.state or "",
            entry.category,
            entry.case_number,
            entry.instructions,
            f"{entry.expires_at:%Y-%m-%d}{late}",
        )
    out.print(table)
