"""`platestream hotlist`: what the agency looks for."""

import getpass
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import rich.progress
import typer

from connectors.changelog import publish
from connectors.clickhouse_client import ANALYST, connect
from connectors.profiles import load as load_profile
from connectors.settings import Settings, load_settings, open_edge, open_topics
from platestream.cli.console import err, out, print_json, table
from schemas.hotlist import OWN_SOURCE, HotListChange, HotListEntry
from schemas.message import RefusedError
from schemas.topics import HOTLIST
from services.hotlist.entry import make_entry
from services.hotlist.files.formats import FORMATS, parser
from services.hotlist.importing import (
    Import,
    Limits,
    designations,
    entry_of,
    listed,
    plan_import,
    registry,
    send,
    with_listing,
)
from services.hotlist.log import EACH, Record, difference, record_change, record_import
from services.hotlist.lookback import look_back
from services.inquiries import gate

app = typer.Typer(no_args_is_help=True, help="The hot list: import, add, remove, list, check.")

OLD = timedelta(hours=24)  # a source that was imported longer ago is said to be old
SHOWN = 20  # refused lines that are printed

Text = Annotated[str, typer.Option()]


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The list.")],
    source: Annotated[str, typer.Option(help="Which list this file is: ncic, acic, mvd, bolo, sjpd …")],
    layout: Annotated[str, typer.Option("--format", help=f"Layout: {', '.join(FORMATS)}.")] = "csv",
    columns: Annotated[
        str, typer.Option(help="CSV without names: what each column is, `plate,,state`.")
    ] = "",
    delimiter: Annotated[str, typer.Option(help="Between the columns of such a CSV.")] = ",",
    max_bad: Annotated[float, typer.Option(min=0, max=1, help="Share of bad lines that is taken.")] = 0.02,
    max_vanished: Annotated[float, typer.Option(min=0, max=1, help="Share of entries that may go.")] = 0.2,
    force: Annotated[bool, typer.Option(help="Take the file whatever the shares.")] = False,
    back: Annotated[bool, typer.Option("--look-back/--no-look-back", help="Search the last 30 days.")] = True,
) -> None:
    """Make the list of a source what a file says; only what is new, changed or gone is sent.

    Example: platestream hotlist import ncic.txt --source ncic --format ncic
    """
    settings, now = load_settings(), datetime.now(UTC)
    streams = open_topics(settings)
    read = parser(layout, columns, delimiter)
    with _opened(file) as lines:
        plan = plan_import(streams, source, read(lines), now)
    _report(file, plan)
    if not force:
        plan.check(Limits(max_bad, max_vanished))
    with on_record(settings) as record:
        said = f"import of {file.name} (SHA-256 {_hash(file)}): {_summary(plan)}"
        record_import(record, source, said, _each_change(plan, listed(streams) if _few(plan) else {}))
        with rich.progress.Progress(console=err, disable=not err.is_terminal) as bar:
            task = bar.add_task("sending", total=len(plan.changed) + len(plan.removed))
            send(streams, plan, now, partial(bar.advance, task))
    out.print(f"{source}: {_summary(plan)}")
    if back and plan.before and plan.widened:
        look_back_for(settings, [entry for entry in plan.entries if entry.entry_id in plan.widened], now)
    if plan.refused:
        raise typer.Exit(1)


@app.command()
def add(
    reference: Annotated[str, typer.Argument(help="What tells this entry apart, such as the case number.")],
    plate: Annotated[str, typer.Option(help="The plate; ? one unknown character, * any number.")],
    category: Annotated[str, typer.Option(help="stolen_vehicle, wanted_person, suspect_vehicle …")],
    expires: Annotated[str, typer.Option(help="Last day it counts, 2026-12-31.")],
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
    settings, now = load_settings(), datetime.now(UTC)
    streams = open_topics(settings)
    entry = make_entry(source, told)
    designations(streams).check(entry, now)
    before = entry_of(streams, entry.entry_id)
    entry = with_listing(entry, before, now)
    with on_record(settings) as record:
        record_change(record, before, entry)
        publish(streams, HOTLIST, [HotListChange(entry.entry_id, entry)])
    out.print(f"{entry.entry_id} is on the list until {entry.expires_at:%Y-%m-%d %H:%M} UTC")
    if back and entry.listed_at == now:
        look_back_for(settings, [entry], now)


@app.command()
def remove(
    entry_id: Annotated[str, typer.Argument(help="The entry, as `list` shows it: source:reference.")],
) -> None:
    """Take an entry off the list; it stops alerting with the next read.

    Example: platestream hotlist remove sjpd:26-001234
    """
    settings = load_settings()
    streams = open_topics(settings)
    before = entry_of(streams, entry_id)
    if before is None:
        raise RefusedError("entry", f"{entry_id} is not on the list")
    with on_record(settings) as record:
        record_change(record, before, None)
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
    made = table("entry", "plate", "state", "category", "case", "instructions", "expires (UTC)")
    for entry in shown:
        late = " (expired)" if entry.expires_at <= datetime.now(UTC) else ""
        made.add_row(
            entry.entry_id,
            entry.plate,
            entry.state or "",
            entry.category,
            entry.case_number,
            entry.instructions,
            f"{entry.expires_at:%Y-%m-%d}{late}",
        )
    out.print(made)


@app.command()
def check() -> None:
    """Say what is wrong with the list: expired entries, withdrawn sources and categories, old imports.

    Example: platestream hotlist check
    """
    now, streams = datetime.now(UTC), open_topics(load_settings())
    allowed, faults = designations(streams), []
    for name, entry in sorted(listed(streams).items()):
        if not allowed.allow(entry):
            faults.append(f"{name}: source or category is not designated; it alerts nobody")
        elif entry.expires_at <= now:
            faults.append(f"{name}: expired at {entry.expires_at:%Y-%m-%d %H:%M} UTC; it alerts nobody")
    for record in registry(streams).values():
        if record.kind == "hotlist_source" and record.active and record.refreshed_at is not None:
            age = now - record.refreshed_at
            said = f"{record.id}: imported {age.total_seconds() / 3600:.1f} h ago"
            if age > OLD:
                faults.append(f"{said}, more than {OLD.total_seconds() / 3600:.0f} h")
            else:
                out.print(said)
    for fault in faults:
        err.print(fault)
    if faults:
        raise typer.Exit(1)


@contextmanager
def _opened(file: Path) -> Iterator[Iterable[str]]:
    """Lines of a file, with a bar where a person looks on."""
    quiet = not err.is_terminal
    with rich.progress.open(
        file, "rt", encoding="utf-8-sig", errors="replace", newline="", console=err, disable=quiet,
        description=file.name,
    ) as lines:  # fmt: skip
        yield lines


@contextmanager
def on_record(settings: Settings, tool: str = "platestream hotlist") -> Iterator[Record]:
    """Puts changes of the hot list into the inquiry log, in the name of whoever runs the command."""
    client = connect(settings.clickhouse, ANALYST, allow_plaintext=settings.allow_plaintext)
    try:
        yield partial(gate.record, client, kind="hotlist", who=_person(settings), tool=tool)
    finally:
        client.close()


def look_back_for(settings: Settings, entries: list[HotListEntry], now: datetime) -> None:
    """Search what is kept for entries that are new, and say how many hits there were."""
    client = connect(settings.clickhouse, ANALYST, allow_plaintext=settings.allow_plaintext)
    edge: Any = open_edge(settings)
    try:
        rules = load_profile(settings.profile)
        told: dict[str, Any] = {"period": rules.retention.span, "purpose": rules.purposes.look_back}
        count = look_back(edge, client, entries, _person(settings), now, **told)
    finally:
        client.close()
        edge.tables.close()
    out.print(f"look-back of {len(entries)} entries over {rules.retention.data}: {count} historical hits")


def _person(settings: Settings) -> str:
    """The embedded engine has one account; a server knows who asks."""
    return getpass.getuser() if settings.clickhouse.startswith("chdb:") else ""


def _few(plan: Import) -> bool:
    return len(plan.changed) + len(plan.removed) <= EACH


def _each_change(plan: Import, before: dict[str, HotListEntry]) -> Iterator[str]:
    """A text for each change where they are few."""
    if _few(plan):
        for entry in plan.entries:
            yield f"{entry.entry_id} {difference(before.get(entry.entry_id), entry)}"
        for name in plan.removed:
            yield f"{name} {difference(before.get(name), None)}"


def _summary(plan: Import) -> str:
    return (
        f"{len(plan.changed)} new or changed, {len(plan.removed)} removed, {plan.unchanged} unchanged, "
        f"{plan.doubled} doubled, {plan.reasons.total()} refused"
    )


def _report(file: Path, plan: Import) -> None:
    """What was refused and why; no plate is in it."""
    for line in plan.refused[:SHOWN]:
        err.print(f"{file.name}, {line}")
    for reason, count in plan.reasons.most_common():
        err.print(f"{file.name}: {count} lines refused: {reason}")


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        digest = sha256()
        while block := opened.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
