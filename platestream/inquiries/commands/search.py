"""`platestream search`: documented inquiries."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from platestream.access import gate
from platestream.access.door import Documentation
from platestream.cli.door import display_zone, format_local, open_door, to_instant
from platestream.cli.options import Cameras, Case, Purpose, Since, Until, Violation
from platestream.cli.output import err, out, print_json, print_list, table
from platestream.inquiries import export as exports
from platestream.inquiries import saved as saves
from platestream.inquiries import search as service
from platestream.inquiries.search import MEETINGS, Description, SearchKind, SearchRequest
from platestream.runtime.private_file import new_file
from platestream.schemas import plates
from platestream.schemas.pluralize import pluralize

if TYPE_CHECKING:
    from platestream.partners import client as partner_client


def search(
    pattern: Annotated[str, typer.Argument(help="Plate; * matches any characters, ? one.")] = "",
    case: Case = "",
    reason: Annotated[str, typer.Option(help="Reason for the inquiry.")] = "",
    camera: Cameras = None,
    since: Since = None,
    until: Until = None,
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
    purpose: Purpose = "",
    violation: Violation = "",
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
    plate, distance = plates.pattern(pattern), timedelta(seconds=within)
    typed = SearchRequest(way, plate, along, distance, camera or (), wanted=wanted, untold=unknown)
    if saved and (typed != SearchRequest("search") or since or until):
        raise typer.BadParameter("--saved has its own plate, cameras, period and filters")
    layout = _layout(export) if export else None
    with open_door("search") as door:
        query = (
            saves.saved_search(door, saved).request
            if saved
            else replace(typed, since=to_instant(door, since), until=to_instant(door, until, last=True))
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
        columns, cells = _COLUMNS.get(query.way, (_DETECTIONS, _detection))
        print_list(found, columns, cells, as_json=as_json)
        if not as_json:
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
    with new_file(path) as file:
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
        out.print(table(*_DETECTIONS, rows=map(_detection, rows)))


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


def _detection(row: gate.Row) -> tuple[str, ...]:
    vehicle = (row[f"vehicle_{one}"] for one in ("colour", "make", "model", "body"))
    return (
        *(_time(row["captured_at"]), row["camera_id"], row["plate"], row["state"]),
        *(f"{row['confidence']:.2f}", f"{row['agreeing']}/{row['frames']}"),
        *(row["opinion"].replace("_", " "), " ".join(filter(None, vehicle)), str(row["detection_id"])),
    )


def _pair(row: gate.Row) -> tuple[str, ...]:
    behind = f"{row['seconds_behind']:+.1f}"
    return _time(row["captured_at"]), row["camera_id"], row["plate"], row["other_plate"], behind


def _companion(row: gate.Row) -> tuple[str, ...]:
    first, last = _time(row["first_at"]), _time(row["last_at"])
    return row["plate"], str(row["meetings"]), str(row["cameras_met"]), first, last


_DETECTIONS = (
    "captured",
    "camera",
    "plate",
    "state",
    "sure",
    "frames",
    "camera's read",
    "vehicle",
    "detection",
)
_COLUMNS: dict[SearchKind, tuple[Sequence[str], Callable[[gate.Row], Sequence[str]]]] = {
    "cotravel": (("captured", "camera", "plate", "with", "seconds behind"), _pair),
    "companions": (("plate", "meetings", "cameras", "first", "last"), _companion),
}


def _time(at: datetime) -> str:
    return format_local(at, display_zone())
