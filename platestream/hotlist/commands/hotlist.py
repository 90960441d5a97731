"""`platestream hotlist`: the hot list of the agency."""

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import rich.progress
import typer

from platestream.access.door import agency_zone
from platestream.cli.door import open_door
from platestream.cli.options import (
    CsvColumns,
    CsvDelimiter,
    LookBack,
    MetricsPort,
    existing_file,
    existing_folder,
)
from platestream.cli.output import err, out, print_faults, print_list, progress_name
from platestream.hotlist import entries as job
from platestream.hotlist.feed import Feed, FeedImport, open_job
from platestream.hotlist.feed_job import FeedJob
from platestream.hotlist.files.formats import FORMATS, layout_name, parser, parser_of
from platestream.hotlist.intake import Imported
from platestream.hotlist.intake import import_file as load_file
from platestream.hotlist.list_changes import Import, registry
from platestream.hotlist.manifest import Extent, manifest_of
from platestream.hotlist.manifest import sign as sign_file
from platestream.hotlist.origin import Delivery
from platestream.partners import offers
from platestream.runtime.metrics import serve as serve_metrics
from platestream.schemas.hotlist import OWN_SOURCE, HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.pluralize import pluralize

app = typer.Typer(no_args_is_help=True, help="Import, change, offer and list entries of the hot list.")

SHOWN = 20  # Most refused lines that are printed.


@app.command("import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, help="File of the list; with --every also a folder, whose newest file is used."
        ),
    ],
    source: Annotated[str, typer.Option(help="Source of this list: ncic, acic, mvd, bolo, sjpd …")],
    layout: Annotated[
        str, typer.Option("--format", help=f"Layout: {', '.join(FORMATS)}; map: that of the feed.")
    ] = "csv",
    columns: CsvColumns = "",
    delimiter: CsvDelimiter = ",",
    force: Annotated[
        str,
        typer.Option(help="Reason to import a file that looks empty or cut off. Administrators only."),
    ] = "",
    back: LookBack = True,
    signature: Annotated[
        Path | None, typer.Option(exists=True, help="Signature of the file; default: FILE.sig, if it exists.")
    ] = None,
    every: Annotated[
        int, typer.Option(min=0, help="Minutes between checks for a new file; 0: import once.")
    ] = 0,
) -> None:
    """Sync a source's hot list from a file. Only new, changed and removed entries are sent.

    Only the registered feed of a source (`registry source`) changes its entries: its job (--every), or a file
    that its key signed. Lines of any other file become your own entries, each with all fields of section H.

    With --every it runs as a scheduled system job and is logged as such. It imports each new file, and skips
    files that look empty, cut off or damaged.

    Examples: platestream hotlist import ncic.txt --source ncic --format ncic
    and platestream hotlist import /srv/ncic --source ncic --format ncic --every 15
    """
    if every:
        read = parser(layout, columns, delimiter)
        if force or not back:
            raise typer.BadParameter("--every cannot be combined with --force or --no-look-back")
        _follow(Feed(file, source, read, layout_name(layout, columns, delimiter)), every)
    if file.is_dir():
        raise typer.BadParameter(f"{file} is a folder: name a file, or use --every")
    manifest = signature.read_bytes() if signature else manifest_of(file)
    brought = Delivery(layout_name(layout, columns, delimiter), None, manifest)
    quiet, shown = not err.is_terminal, progress_name(file.name)
    with (
        open_door("hotlist import") as door,
        rich.progress.open(file, "rb", console=err, disable=quiet, description=shown) as opened,
    ):
        read = parser_of(registry(door.streams).get(f"hotlist_source/{source}"), layout, columns, delimiter)
        made = load_file(
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
    source: Annotated[str, typer.Option(help="Source of this list.")],
    key: Annotated[Path, existing_file("PEM of the private key (Ed25519).")],
    number: Annotated[
        int, typer.Option(min=0, help="Number of the file, one more than the last; 0: not numbered.")
    ] = 0,
    delta: Annotated[bool, typer.Option("--delta", help="Only changes since the last number.")] = False,
) -> None:
    """Sign a file of a source at the place where it is made or fetched, as FILE.sig, for a feed with this
    key. A signature counts once, for its file and source.

    Numbered files are imported in order: the newest full file, then each delta after it. A delta whose
    predecessor is missing is refused until a full file comes. Each of its lines has an `action`: add, change
    or clear. To begin again with a lower number, the administrator registers the feed again.

    Examples: platestream hotlist sign ncic.txt --source ncic --key feed.pem
    and platestream hotlist sign changes.txt --source ncic --key feed.pem --number 17 --delta
    """
    if delta and not number:
        raise typer.BadParameter("--delta needs --number")
    extent: Extent = "delta" if delta else "full"
    out.print(f"{sign_file(file, source, key, datetime.now(UTC), extent, number)}")


@app.command()
def follow(
    keys: Annotated[Path | None, existing_folder("Folder with ssh_key and known_hosts for SFTP.")] = None,
    metrics_port: MetricsPort = 0,
) -> None:
    """Import the files of all registered feeds as they come, and fetch those on another machine by SFTP.

    It runs until it is stopped, as a system job that is logged as such. `platestream up --feeds` starts it.
    For SFTP, `--keys`, or `feeds` in the data folder, holds the private key `ssh_key`, and `known_hosts` with
    the server's key, which two people compare by telephone. Only files that the feed's key signed are
    fetched.

    Example: platestream hotlist follow
    """
    if metrics_port:
        serve_metrics(metrics_port)
    with open_door("hotlist import") as person:
        job = FeedJob(person, _report, _done, lambda source, fault: err.print(f"{source}: {fault}"), keys)
        while True:
            job.run_once(datetime.now(UTC))
            time.sleep(60)


def _done(source: str, made: Imported) -> None:
    out.print(f"{source}: {made.plan.summary}")
    _looked_back(made.historical_hits, len(made.plan.widened))


def _follow(feed: Feed, every: int) -> NoReturn:
    job = FeedImport(feed)
    with open_door("hotlist import") as person:
        machine = open_job(person, feed.source)
        while True:
            with machine:
                try:
                    if made := job.import_new(machine, datetime.now(UTC), _report):
                        _done(feed.source, made)
                except RefusedError as error:  # the list stays unchanged until the next file
                    err.print(f"{feed.source}: {error.detail}")
            time.sleep(60 * every)


@app.command()
def add(
    reference: Annotated[
        str, typer.Argument(help="Unique reference of the entry, for example the case number.")
    ],
    plate: Annotated[str, typer.Option(help="The plate; ? matches one unknown character, * any number.")],
    category: Annotated[str, typer.Option(help="stolen_vehicle, wanted_person, suspect_vehicle …")],
    expires: Annotated[
        str, typer.Option(help="Last day it counts, to its end in the agency's time zone, 2026-12-31.")
    ],
    state: Annotated[str, typer.Option(help="State of issue, AZ.")] = "",
    make: Annotated[str, typer.Option(help="Make of the vehicle.")] = "",
    model: Annotated[str, typer.Option(help="Model.")] = "",
    colour: Annotated[str, typer.Option(help="Color.")] = "",
    body: Annotated[str, typer.Option(help="Body: pickup, sedan …")] = "",
    marks: Annotated[str, typer.Option(help="Marks, `sticker=moose; rack=yes`.")] = "",
    case: Annotated[str, typer.Option(help="Case number.")] = "",
    reason: Annotated[str, typer.Option(help="Reason for the entry.")] = "",
    by: Annotated[str, typer.Option(help="Requesting member.")] = "",
    contact: Annotated[str, typer.Option(help="How to reach the member.")] = "",
    instructions: Annotated[str, typer.Option(help="'P/C for arrest', 'Do not stop, contact member' …")] = "",
    other: Annotated[str, typer.Option(help="Other pertinent information.")] = "",
    begins: Annotated[str, typer.Option(help="First valid day.")] = "",
    look_alikes: Annotated[str, typer.Option(help="Characters that may be misread: 0, 1 or 2.")] = "",
    cameras: Annotated[str, typer.Option(help="Only these cameras, `a; b`.")] = "",
    areas: Annotated[
        str, typer.Option(help="Only in these areas, `34.5 -109.4 800` (meters); separate several by ;")
    ] = "",
    hours: Annotated[
        str, typer.Option(help="Only at these times, `mon tue 22:00-06:00`; separate several by ;")
    ] = "",
    silence: Annotated[str, typer.Option(help="Agencies that are not alerted, `a; b`.")] = "",
    again: Annotated[str, typer.Option(help="Seconds until the same camera alerts again.")] = "",
    source: Annotated[str, typer.Option(help="Source of the entry.")] = OWN_SOURCE,
    back: LookBack = True,
) -> None:
    """Add a vehicle to the hot list, or change it, with all fields that section H of the order requires.

    Example: platestream hotlist add 26-001234 --plate AST3087 --state AZ --category stolen_vehicle
    --expires 2026-12-31 --case 26-001234 --reason 'Stolen' --by 'Ofc. Vale' --contact 928-555-0114
    --instructions 'P/C for arrest'
    """
    fields = {
        **{"reference": reference, "plate": plate, "category": category, "expires_at": expires},
        **{"state": state, "make": make, "model": model, "colour": colour, "body": body, "marks": marks},
        **{"case_number": case, "reason": reason, "requested_by": by, "contact": contact},
        **{"instructions": instructions, "other": other, "valid_from": begins, "look_alikes": look_alikes},
        **{"cameras": cameras, "areas": areas, "hours": hours, "silenced_for": silence},
        "again_after_s": again,
    }
    with open_door("hotlist add") as door:
        added = job.add(door, source, fields, datetime.now(UTC), back=back)
        until = added.entry.expires_at.astimezone(agency_zone(door))
    out.print(f"{added.entry.entry_id} is on the list until {until:%Y-%m-%d %H:%M %Z}")
    _looked_back(added.historical_hits, 1)
    if added.not_searched:
        err.print(f"stored reads were not searched: {added.not_searched}")


@app.command()
def remove(
    entry_id: Annotated[str, typer.Argument(help="Id of the entry, as `list` shows it: source:reference.")],
) -> None:
    """Remove an entry from the hot list; it stops alerting with the next read.

    Example: platestream hotlist remove sjpd:26-001234
    """
    with open_door("hotlist remove") as door:
        job.remove(door, entry_id)
    out.print(f"{entry_id} is removed from the list")


@app.command()
def offer(
    entry_id: Annotated[str, typer.Argument(help="Id of an entry of our own list, as `list` shows it.")],
    to: Annotated[list[str], typer.Option(help="An agency, or `all` permitted agencies. Repeatable.")],
) -> None:
    """Offer an entry to other agencies. Each agency accepts or declines it, and its hits are reported here.

    Example: platestream hotlist offer sjpd:26-001234 --to all
    """
    with open_door("hotlist offer") as door:
        made = offers.offer(door, entry_id, to, datetime.now(UTC))
    for one in made:
        out.print(f"{entry_id} is offered to {one.agency}")
    err.print("platestream partners offered shows its status")


@app.command()
def withdraw(
    entry_id: Annotated[str, typer.Argument(help="The entry, as `list` shows it.")],
    of: Annotated[list[str], typer.Option("--from", help="An agency, or `all` with an offer. Repeatable.")],
) -> None:
    """Withdraw an offer. The entry stays on our list; removing the entry also withdraws its offers.

    Example: platestream hotlist withdraw sjpd:26-001234 --from all
    """
    with open_door("hotlist withdraw") as door:
        ended = offers.withdraw(door, entry_id, of, datetime.now(UTC))
    for one in ended:
        out.print(f"{entry_id} is withdrawn from {one.agency}; that agency is being notified")


@app.command("list")
def list_entries(
    source: Annotated[str, typer.Option(help="Only this source.")] = "",
    plate: Annotated[
        str, typer.Option(help="Only entries that match this plate; * matches any characters, ? one.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each entry.")] = False,
) -> None:
    """List the entries of the hot list.

    Examples: platestream hotlist list --source sjpd
    and platestream hotlist list --plate AST3087
    """
    with open_door("hotlist list") as door:
        shown, zone, now = job.show(door, source, plate), agency_zone(door), datetime.now(UTC)

    def cells(one: HotListEntry) -> tuple[str, ...]:
        expires = f"{one.expires_at.astimezone(zone):%Y-%m-%d %H:%M}"
        late = " (expired)" if one.expires_at <= now else ""
        said = (one.state or "", one.category, one.case_number, one.instructions)
        return one.entry_id, one.plate, *said, expires + late

    columns = ("entry", "plate", "state", "category", "case", "instructions", f"expires ({zone.key})")
    print_list(shown, columns, cells, as_json=as_json)


@app.command()
def check() -> None:
    """Check the hot list for expired entries, withdrawn sources and categories, and old imports.

    Example: platestream hotlist check
    """
    with open_door("hotlist check") as door:
        found = job.check(door, datetime.now(UTC))
    for said in found.imported:
        out.print(said)
    print_faults(found.faults)


def _looked_back(hits: int | None, entries: int) -> None:
    if hits is not None:
        out.print(f"look-back of {pluralize(entries, 'entry')} over all stored reads: {hits} historical hits")


def _report(file: str, plan: Import) -> None:
    """Print the refused lines and the reasons, without plates."""
    for line in plan.refused[:SHOWN]:
        err.print(f"{file}, {line}")
    for reason, count in plan.reasons.most_common():
        err.print(f"{file}: {count} lines refused: {reason}")
