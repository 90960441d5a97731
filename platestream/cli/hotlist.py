"""`platestream hotlist`: what the agency looks for."""

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import rich.progress
import typer

from platestream.cli.console import err, out, print_json, progress_name, table
from platestream.cli.entrance import entrance
from schemas.hotlist import OWN_SOURCE
from schemas.message import RefusedError
from services.hotlist import entries as job
from services.hotlist.feed import Feed, FeedImport, by_the_clock
from services.hotlist.files.formats import FORMATS, layout_name, parser
from services.hotlist.importing import Import
from services.hotlist.intake import import_file as take_file
from services.hotlist.origin import Brought, manifest_of
from services.hotlist.origin import sign as sign_file
from services.hotlist.zone import agency_zone
from services.partners import offering

app = typer.Typer(no_args_is_help=True, help="The hot list: import, add, remove, offer, list, check.")

SHOWN = 20  # refused lines that are printed


@app.command("import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, help="The list; with --every perhaps a folder, whose newest file counts."
        ),
    ],
    source: Annotated[str, typer.Option(help="Which list this file is: ncic, acic, mvd, bolo, sjpd …")],
    layout: Annotated[str, typer.Option("--format", help=f"Layout: {', '.join(FORMATS)}.")] = "csv",
    columns: Annotated[
        str, typer.Option(help="CSV without names: what each column is, `plate,,state`.")
    ] = "",
    delimiter: Annotated[str, typer.Option(help="Between the columns of such a CSV.")] = ",",
    force: Annotated[
        str,
        typer.Option(
            help="Why the file is right although it looks empty or cut off. The administrator's act."
        ),
    ] = "",
    back: Annotated[bool, typer.Option("--look-back/--no-look-back", help="Search the last 30 days.")] = True,
    signature: Annotated[
        Path | None, typer.Option(exists=True, help="The file's signature; else FILE.sig, if it is there.")
    ] = None,
    every: Annotated[
        int,
        typer.Option(min=0, help="Minutes from one look for a new file to the next; 0: one import."),
    ] = 0,
) -> None:
    """Make the list of a source what a file says; only what is new, changed or gone is sent.

    A source with a registered feed (`registry source`) is changed by that feed alone: by its job (--every) or
    by a file that its key signed. Lines of another file are your own entries, each with all of section H.

    With --every it is the job that runs by the clock, on record as the machine's: it imports each new file,
    and none that looks empty, cut off or damaged.

    Examples: platestream hotlist import ncic.txt --source ncic --format ncic
    and platestream hotlist import /srv/ncic --source ncic --format ncic --every 15
    """
    read = parser(layout, columns, delimiter)
    if every:
        if force or not back:
            raise typer.BadParameter("--every neither forces a file nor leaves the look-back out")
        _follow(Feed(file, source, read, layout_name(layout, columns, delimiter)), every)
    if file.is_dir():
        raise typer.BadParameter(f"{file} is a folder: name a file, or say --every")
    manifest = signature.read_bytes() if signature else manifest_of(file)
    brought = Brought(layout_name(layout, columns, delimiter), None, manifest)
    quiet, shown = not err.is_terminal, progress_name(file.name)
    with (
        entrance("hotlist import") as door,
        rich.progress.open(file, "rb", console=err, disable=quiet, description=shown) as opened,
    ):
        made = take_file(
            door, opened, file.name, source, read, datetime.now(UTC),
            brought=brought, force=force, back=back, judged=partial(_report, file.name),
        )  # fmt: skip
    out.print(f"{source}: {made.plan.summary}")
    _looked_back(made.historical_hits, len(made.plan.widened))
    if made.plan.refused:
        raise typer.Exit(1)


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The file of the list.")],
    source: Annotated[str, typer.Option(help="Which list this file is.")],
    key: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="PEM of the private key (Ed25519).")],
) -> None:
    """Sign a file of a list, where it is made or fetched: FILE.sig, for a feed with this key.

    Example: platestream hotlist sign ncic.txt --source ncic --key feed.pem
    """
    out.print(f"{sign_file(file, source, key, datetime.now(UTC))}")


def _follow(feed: Feed, every: int) -> NoReturn:
    job = FeedImport(feed)
    with entrance("hotlist import") as person:
        machine = by_the_clock(person, feed.source)
        while True:
            with machine:
                try:
                    if made := job.look(machine, datetime.now(UTC), _report):
                        out.print(f"{feed.source}: {made.plan.summary}")
                        _looked_back(made.historical_hits, len(made.plan.widened))
                except RefusedError as error:  # the list stays as it is, and the next file is looked for
                    err.print(f"{feed.source}: {error.detail}")
            time.sleep(60 * every)


@app.command()
def add(
    reference: Annotated[str, typer.Argument(help="What tells this entry apart, such as the case number.")],
    plate: Annotated[str, typer.Option(help="The plate; ? one unknown character, * any number.")],
    category: Annotated[str, typer.Option(help="stolen_vehicle, wanted_person, suspect_vehicle …")],
    expires: Annotated[
        str, typer.Option(help="Last day it counts, to its end in the agency's time zone, 2026-12-31.")
    ],
    state: Annotated[str, typer.Option(help="State of issue, AZ.")] = "",
    make: Annotated[str, typer.Option(help="Make of the vehicle.")] = "",
    model: Annotated[str, typer.Option(help="Model.")] = "",
    colour: Annotated[str, typer.Option(help="Colour.")] = "",
    body: Annotated[str, typer.Option(help="Body: pickup, sedan …")] = "",
    marks: Annotated[str, typer.Option(help="Marks, `sticker=moose; rack=yes`.")] = "",
    case: Annotated[str, typer.Option(help="Case number.")] = "",
    reason: Annotated[str, typer.Option(help="Why the vehicle is on the list.")] = "",
    by: Annotated[str, typer.Option(help="Requesting member.")] = "",
    contact: Annotated[str, typer.Option(help="How to reach the member.")] = "",
    instructions: Annotated[str, typer.Option(help="'P/C for arrest', 'Do not stop, contact member' …")] = "",
    other: Annotated[str, typer.Option(help="Other pertinent information.")] = "",
    begins: Annotated[str, typer.Option(help="First day it counts.")] = "",
    look_alikes: Annotated[str, typer.Option(help="Characters that may be misread: 0, 1 or 2.")] = "",
    cameras: Annotated[str, typer.Option(help="Only these cameras, `a; b`.")] = "",
    areas: Annotated[str, typer.Option(help="Only there, `34.5 -109.4 800` (metres); several with ;")] = "",
    hours: Annotated[str, typer.Option(help="Only then, `mon tue 22:00-06:00`; several with ;")] = "",
    silence: Annotated[str, typer.Option(help="Agencies that it does not alert, `a; b`.")] = "",
    again: Annotated[str, typer.Option(help="Seconds until a camera's next sighting alerts anew.")] = "",
    source: Annotated[str, typer.Option(help="The list it goes on.")] = OWN_SOURCE,
    back: Annotated[bool, typer.Option("--look-back/--no-look-back", help="Search the last 30 days.")] = True,
) -> None:
    """Put a vehicle on the list, or change it, with all that section H of the order asks for.

    Example: platestream hotlist add 26-001234 --plate AST3087 --state AZ --category stolen_vehicle
    --expires 2026-12-31 --case 26-001234 --reason 'Stolen' --by 'Ofc. Vale' --contact 928-555-0114
    --instructions 'P/C for arrest'
    """
    told = {
        **{"reference": reference, "plate": plate, "category": category, "expires_at": expires},
        **{"state": state, "make": make, "model": model, "colour": colour, "body": body, "marks": marks},
        **{"case_number": case, "reason": reason, "requested_by": by, "contact": contact},
        **{"instructions": instructions, "other": other, "valid_from": begins, "look_alikes": look_alikes},
        **{"cameras": cameras, "areas": areas, "hours": hours, "silenced_for": silence},
        "again_after_s": again,
    }
    with entrance("hotlist add") as door:
        added = job.add(door, source, told, datetime.now(UTC), back=back)
        until = added.entry.expires_at.astimezone(agency_zone(door))
    out.print(f"{added.entry.entry_id} is on the list until {until:%Y-%m-%d %H:%M %Z}")
    _looked_back(added.historical_hits, 1)
    if added.not_searched:
        err.print(f"no look-back: {added.not_searched}")


@app.command()
def remove(
    entry_id: Annotated[str, typer.Argument(help="The entry, as `list` shows it: source:reference.")],
) -> None:
    """Take an entry off the list; it stops alerting with the next read.

    Example: platestream hotlist remove sjpd:26-001234
    """
    with entrance("hotlist remove") as door:
        job.remove(door, entry_id)
    out.print(f"{entry_id} is off the list")


@app.command()
def offer(
    entry_id: Annotated[str, typer.Argument(help="An entry of our own list, as `list` shows it.")],
    to: Annotated[list[str], typer.Option(help="An agency, or `all` that may have it; again for more.")],
) -> None:
    """Offer an entry to other agencies, each of which decides whether to take it. Their hits come back here.

    Example: platestream hotlist offer sjpd:26-001234 --to all
    """
    with entrance("hotlist offer") as door:
        made = offering.offer(door, entry_id, to, datetime.now(UTC))
    for one in made:
        out.print(f"{entry_id} is offered to {one.agency}")
    err.print("platestream partners offered shows what becomes of it")


@app.command()
def withdraw(
    entry_id: Annotated[str, typer.Argument(help="The entry, as `list` shows it.")],
    of: Annotated[
        list[str], typer.Option("--from", help="An agency, or `all` that it is offered to; again for more.")
    ],
) -> None:
    """Take an offer back; the entry stays on our list. Removing the entry withdraws its offers, too.

    Example: platestream hotlist withdraw sjpd:26-001234 --from all
    """
    with entrance("hotlist withdraw") as door:
        ended = offering.withdraw(door, entry_id, of, datetime.now(UTC))
    for one in ended:
        out.print(f"{entry_id} is withdrawn from {one.agency}, which is being told")


@app.command("list")
def list_entries(
    source: Annotated[str, typer.Option(help="Only this list.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each entry.")] = False,
) -> None:
    """Show what is on the list.

    Example: platestream hotlist list --source sjpd
    """
    with entrance("hotlist list") as door:
        shown, zone, now = job.show(door, source), agency_zone(door), datetime.now(UTC)
    if as_json:
        for entry in shown:
            print_json(entry)
        return
    made = table("entry", "plate", "state", "category", "case", "instructions", f"expires ({zone.key})")
    for entry in shown:
        late = " (expired)" if entry.expires_at <= now else ""
        made.add_row(
            entry.entry_id,
            entry.plate,
            entry.state or "",
            entry.category,
            entry.case_number,
            entry.instructions,
            f"{entry.expires_at.astimezone(zone):%Y-%m-%d %H:%M}{late}",
        )
    out.print(made)


@app.command()
def check() -> None:
    """Say what is wrong with the list: expired entries, withdrawn sources and categories, old imports.

    Example: platestream hotlist check
    """
    with entrance("hotlist check") as door:
        found = job.check(door, datetime.now(UTC))
    for said in found.imported:
        out.print(said)
    for fault in found.faults:
        err.print(fault)
    if found.faults:
        raise typer.Exit(1)


def _looked_back(hits: int | None, entries: int) -> None:
    if hits is not None:
        word = "entry" if entries == 1 else "entries"
        out.print(f"look-back of {entries} {word} over all that is kept: {hits} historical hits")


def _report(file: str, plan: Import) -> None:
    """What was refused and why; no plate is in it."""
    for line in plan.refused[:SHOWN]:
        err.print(f"{file}, {line}")
    for reason, count in plan.reasons.most_common():
        err.print(f"{file}: {count} lines refused: {reason}")
