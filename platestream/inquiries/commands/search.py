"""`platestream search`: documented inquiries."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from platestream.access import gate
from platestream.access.door import Documentation
from platestream.cli.door import TIMES, display_zone, format_local, open_door, to_instant
from platestream.cli.output import err, out, print_json, table
from platestream.inquiries import export as exports
from platestream.inquiries import saved as saves
from platestream.inquiries import search as service
from platestream.inquiries.search import MEETINGS, Description, SearchKind, SearchRequest
from platestream.schemas import plates
from platestream.schemas.pluralize import pluralize

if TYPE_CHECKING:
    from platestream.partners import client as partner_client


def search(
    pattern: Annotated[str, typer.Argument(help="Plate; * matches any characters, ? one.")] = "",
    case: Annotated[str, typer.Option(help="Case or incident number.")] = "",
    reason: Annotated[str, typer.Option(help="Reason for the inquiry.")] = "",
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera. Repeatable.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=TIMES, help="Start of the period, in the agency's time zone.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=TIMES, help="End of the period, in the agency's time zone.")
    ] = None,
    similar: Annotated[
        bool, typer.Option("--similar", help="Include look-alikes and plates that differ in one character.")
    ] = False,
    sightings: Annotated[
        bool, typer.Option("--sightings", help="Search all vehicles that passed the cameras.")
    ] = False,
    companions: Annotated[
        bool, typer.Option("--companions", help="Search vehicles that met this plate twice or more.")
    ] = False,
    along: Annotated[
        str, typer.Option("--with", help="Search meetings of this second plate with the first.")
    ] = "",
    within: Annotated[
        int, typer.Option(help="Longest distance in seconds, for --companions and --with.")
    ] = 60,
    color: Annotated[str, typer.Option(help="Filter: color, or a part of it.")] = "",
    make: Annotated[str, typer.Option(help="Filter: make.")] = "",
    body: Annotated[str, typer.Option(help="Filter: body, for example pickup.")] = "",
    state: Annotated[str, typer.Option(help="Filter: state of issue, for example AZ.")] = "",
    direction: Annotated[str, typer.Option(help="Filter: direction, where the camera sent one.")] = "",
    unknown: Annotated[
        bool,
        typer.Option("--include-unknown", help="Include vehicles of which a filtered feature is unknown."),
    ] = False,
    agency: Annotated[str, typer.Option(help="Your agency.")] = "",
    purpose: Annotated[str, typer.Option(help="One of the agency's purposes, if it lists any.")] = "",
    violation: Annotated[
        str, typer.Option(help="Violation under investigation, if the purpose requires it.")
    ] = "",
    requester: Annotated[str, typer.Option(help="Requester outside law enforcement (I.4).")] = "",
    legal_basis: Annotated[str, typer.Option(help="Legal basis of the request.")] = "",
    agencies: Annotated[
        list[str] | None,
        typer.Option(help="Also query other agencies (F.6): all, or a name. Repeatable."),
    ] = None,
    vehicles: Annotated[
        int, typer.Option(min=0, max=10_000, help="Limit of different vehicles shown; 0: 50.")
    ] = 0,
    save: Annotated[str, typer.Option(help="Save this search under a name, for yourself.")] = "",
    saved: Annotated[str, typer.Option(help="Run the search that you saved under this name.")] = "",
    export: Annotated[
        Path | None,
        typer.Option(
            help="New file for the passes: .csv, .geojson, .kml, or .pdf, a case report with pictures."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each detection.")] = False,
) -> None:
    """Search the last 30 days for a plate. Every inquiry is logged, including refused ones (order, section
    I.7).

    Examples: platestream search AST3087 --case 26-001234
    and platestream search 'AST*' --camera white-mountain-dr-n --reason 'Hit and run on 11-23'
    and platestream search 'AST*' --color gray --body pickup --case 26-001234
    and platestream search AST3087 --case 26-001234 --export report.pdf
    and platestream search --saved 'gray pickups' --case 26-001234
    and platestream search AST3087 --companions --case 26-001234
    and platestream search AST3087 --case 26-001234 --agencies all
    """
    way = _way(similar=similar, sightings=sightings, companions=companions, along=bool(along))
    wanted = Description(color, make, body, state, direction)
    if way in MEETINGS and wanted != Description():
        raise typer.BadParameter("--companions and --with find meetings, which have no vehicle to filter by")
    typed = SearchRequest(
        way,
        plates.pattern(pattern),
        along,
        timedelta(seconds=within),
        camera or (),
        wanted=wanted,
        untold=unknown,
    )
    if saved and (typed != SearchRequest("search") or since or until):
        raise typer.BadParameter("--saved has its own plate, cameras, period and filters")
    layout = _layout(export) if export else None
    with open_door("search") as door:
        query = (
            saves.saved_search(door, saved).request
            if saved
            else replace(typed, since=to_instant(door, since), until=to_instant(door, until))
        )
        if save:
            err.print(f"saved as {saves.save(door, save, query).name}")
        why = Documentation(
            agency=agency,
            case_number=case,
            reason=reason,
            purpose=purpose,
            violation=violation,
            requester=requester,
            legal_basis=legal_basis,
            vehicles=vehicles,
        )
        result = service.search(door, query, **why)
        found = result.rows
        if as_json:
            for row in found:
                print_json(row)
        else:
            out.print(_TABLES.get(query.way, _detections)(found))
            err.print(f"{pluralize(len(found), 'row')}; inquiry {result.inquiry_id} is logged")
        if export and layout:
            _save(exports.export(door, query, result, layout, **why), export)
        if result.left_out:
            err.print(f"{result.left_out} more not shown: description unknown (--include-unknown shows them)")
        if result.cut:
            err.print(
                "more vehicles were found than are shown: "
                "narrow the search, or raise the limit with --vehicles"
            )
        if agencies:
            from platestream.partners import client as partner_client  # only such a search needs it

            for answer in partner_client.ask(door, query, agencies, **why):
                _show(answer, as_json=as_json)


def _layout(path: Path) -> exports.Format:
    """Return the format of a new file by its suffix, before anything is searched."""
    if path.exists():
        raise typer.BadParameter(f"{path} exists: name a new file")
    for layout in exports.MEDIA:
        if path.suffix.lower() == f".{layout}":
            return layout
    raise typer.BadParameter(f"--export writes {', '.join(f'.{one}' for one in exports.MEDIA)}")


def _save(made: exports.ExportFile, path: Path) -> None:
    """Write a new file that only this account can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(made.content)
    err.print(f"written: {path}, SHA-256 {made.sha256.hex()}; the export is logged")


def _show(answer: "partner_client.Answer", *, as_json: bool) -> None:
    """Print another agency's answer as soon as it arrives."""
    err.print(f"{answer.agency} {answer.sentence} ({answer.seconds:.1f} s)")
    rows = [msgspec.structs.asdict(one) for one in answer.reads]
    if as_json:
        for row in rows:
            print_json({"agency": answer.agency, **row})
    elif rows:
        out.print(_detections(rows))


def _way(*, similar: bool, sightings: bool, companions: bool, along: bool) -> SearchKind:
    ways: dict[SearchKind, bool] = {
        "fuzzy": similar,
        "sightings": sightings,
        "companions": companions,
        "cotravel": along,
    }
    chosen = [way for way, said in ways.items() if said]
    if len(chosen) > 1:
        raise typer.BadParameter("--similar, --sightings, --companions and --with exclude each other")
    return chosen[0] if chosen else "search"


def _detections(found: list[gate.Row]) -> Table:
    shown = table(
        "captured", "camera", "plate", "state", "sure", "frames", "camera's read", "vehicle", "detection"
    )
    for row in found:
        vehicle = " ".join(
            filter(None, (row[f"vehicle_{one}"] for one in ("colour", "make", "model", "body")))
        )
        shown.add_row(
            _time(row["captured_at"]),
            row["camera_id"],
            row["plate"],
            row["state"],
            f"{row['confidence']:.2f}",
            f"{row['agreeing']}/{row['frames']}",
            row["opinion"].replace("_", " "),
            vehicle,
            str(row["detection_id"]),
        )
    return shown


def _pairs(found: list[gate.Row]) -> Table:
    shown = table("captured", "camera", "plate", "with", "seconds behind")
    for row in found:
        behind = f"{row['seconds_behind']:+.1f}"
        shown.add_row(_time(row["captured_at"]), row["camera_id"], row["plate"], row["other_plate"], behind)
    return shown


def _companions(found: list[gate.Row]) -> Table:
    shown = table("plate", "meetings", "cameras", "first", "last")
    for row in found:
        first, last = _time(row["first_at"]), _time(row["last_at"])
        shown.add_row(row["plate"], str(row["meetings"]), str(row["cameras_met"]), first, last)
    return shown


_TABLES: dict[SearchKind, Callable[[list[gate.Row]], Table]] = {
    "cotravel": _pairs,
    "companions": _companions,
}


def _time(at: datetime) -> str:
    return format_local(at, display_zone())
