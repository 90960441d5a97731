"""`platestream search`: a documented inquiry."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.table import Table

from platestream.cli.console import err, out, print_json, table
from platestream.cli.entrance import display_zone, entrance
from platestream.cli.times import TIMES, local, shown_at
from schemas import plates
from schemas.counted import counted
from services.door import Why
from services.inquiries import gate
from services.inquiries.looking import Asked, Way, cut, look

if TYPE_CHECKING:
    from services.partners import asking


def search(
    pattern: Annotated[str, typer.Argument(help="Plate; * stands for any characters, ? for one.")] = "",
    case: Annotated[str, typer.Option(help="Case or incident number.")] = "",
    reason: Annotated[str, typer.Option(help="Reason for the inquiry.")] = "",
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera; may be given again.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=TIMES, help="From when, agency's time.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=TIMES, help="Up to when, agency's time.")] = None,
    similar: Annotated[bool, typer.Option("--similar", help="Look-alikes and one edit away, too.")] = False,
    sightings: Annotated[bool, typer.Option("--sightings", help="All that passed the cameras.")] = False,
    companions: Annotated[
        bool, typer.Option("--companions", help="Who met this plate twice or more.")
    ] = False,
    along: Annotated[str, typer.Option("--with", help="Where this second plate met the first.")] = "",
    within: Annotated[int, typer.Option(help="Seconds apart, for --companions and --with.")] = 60,
    agency: Annotated[str, typer.Option(help="For which agency.")] = "",
    purpose: Annotated[str, typer.Option(help="One of the agency's purposes, where it lists them.")] = "",
    violation: Annotated[str, typer.Option(help="What is investigated, where the purpose asks for it.")] = "",
    requester: Annotated[str, typer.Option(help="Who outside of law enforcement asked (I.4).")] = "",
    legal_basis: Annotated[str, typer.Option(help="What entitles the requester.")] = "",
    agencies: Annotated[
        list[str] | None,
        typer.Option(help="Ask other agencies, too (F.6): all, or a name; may be given again."),
    ] = None,
    vehicles: Annotated[
        int, typer.Option(min=0, max=10_000, help="Different vehicles shown at most; 0: 50.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each detection.")] = False,
) -> None:
    """Look for a plate in the last 30 days. Every inquiry is logged, refused ones too (order, section I.7).

    Examples: platestream search AST3087 --case 26-001234
    and platestream search 'AST*' --camera white-mountain-dr-n --reason 'Hit and run on 11-23'
    and platestream search AST3087 --companions --case 26-001234
    and platestream search AST3087 --case 26-001234 --agencies all
    """
    way = _way(similar=similar, sightings=sightings, companions=companions, along=bool(along))
    with entrance("search") as door:
        asked = Asked(
            way,
            plates.pattern(pattern),
            along,
            timedelta(seconds=within),
            camera or (),
            local(door, since),
            local(door, until),
        )
        why = Why(
            agency=agency,
            case_number=case,
            reason=reason,
            purpose=purpose,
            violation=violation,
            requester=requester,
            legal_basis=legal_basis,
            vehicles=vehicles,
        )
        found = look(door, asked, **why)
        if as_json:
            for row in found:
                print_json(row)
        else:
            out.print(_pairs(found) if along else _companions(found) if companions else _detections(found))
            err.print(f"{counted(len(found), 'row')}; the inquiry is in the log")
        if cut(found):
            err.print(
                "more vehicles were found than are shown: narrow the search or ask for more, --vehicles"
            )
        if agencies:
            from services.partners import (
                asking,
            )  # with it an HTTP client, for which other searches do not wait

            for answer in asking.ask(door, asked, agencies, **why):
                _show(answer, as_json=as_json)


def _show(answer: "asking.Answer", *, as_json: bool) -> None:
    """What another agency said, as soon as it has."""
    err.print(f"{answer.agency} {answer.words} ({answer.seconds:.1f} s)")
    rows = [msgspec.structs.asdict(one) for one in answer.reads]
    if as_json:
        for row in rows:
            print_json({"agency": answer.agency, **row})
    elif rows:
        out.print(_detections(rows))


def _way(*, similar: bool, sightings: bool, companions: bool, along: bool) -> Way:
    ways: dict[Way, bool] = {
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
    shown = table("captured", "camera", "plate", "state", "sure", "frames", "vehicle", "detection")
    for row in found:
        vehicle = " ".join(filter(None, (row["vehicle_colour"], row["vehicle_make"], row["vehicle_model"])))
        shown.add_row(
            _time(row["captured_at"]),
            row["camera_id"],
            row["plate"],
            row["state"],
            f"{row['confidence']:.2f}",
            f"{row['agreeing']}/{row['frames']}",
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


def _time(at: datetime) -> str:
    return shown_at(at, display_zone())
