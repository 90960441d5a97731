"""`platestream search`: a documented inquiry."""

import getpass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from connectors.clickhouse_client import ANALYST, connect
from connectors.settings import load_settings
from platestream.cli.console import err, out, print_json, table
from schemas import plates
from services.inquiries import gate

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def search(
    pattern: Annotated[str, typer.Argument(help="Plate; * stands for any characters, ? for one.")] = "",
    case: Annotated[str, typer.Option(help="Case or incident number.")] = "",
    reason: Annotated[str, typer.Option(help="Reason for the inquiry.")] = "",
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera; may be given again.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=TIMES, help="From when, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=TIMES, help="Up to when, UTC.")] = None,
    similar: Annotated[bool, typer.Option("--similar", help="Look-alikes and one edit away, too.")] = False,
    sightings: Annotated[bool, typer.Option("--sightings", help="All that passed the cameras.")] = False,
    companions: Annotated[
        bool, typer.Option("--companions", help="Who met this plate twice or more.")
    ] = False,
    along: Annotated[str, typer.Option("--with", help="Where this second plate met the first.")] = "",
    within: Annotated[int, typer.Option(help="Seconds apart, for --companions and --with.")] = 60,
    agency: Annotated[str, typer.Option(help="For which agency.")] = "",
    purpose: Annotated[str, typer.Option(help="One of the agency's purposes, where it lists them.")] = "",
    requester: Annotated[str, typer.Option(help="Who outside of law enforcement asked (I.4).")] = "",
    legal_basis: Annotated[str, typer.Option(help="What entitles the requester.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line a detection.")] = False,
) -> None:
    """Look for a plate in the last 30 days. Every inquiry is logged, refused ones too (order, section I.7).

    Examples: platestream search AST3087 --case 26-001234
    and platestream search 'AST*' --camera white-mountain-dr-n --reason 'Hit and run on 11-23'
    and platestream search AST3087 --companions --case 26-001234
    """
    settings = load_settings()
    client = connect(settings.clickhouse, ANALYST, allow_plaintext=settings.allow_plaintext)
    why: gate.Why = {
        # The embedded engine has one account; a server knows who asks.
        "who": getpass.getuser() if settings.clickhouse.startswith("chdb:") else "",
        "agency": agency,
        "tool": "platestream search",
        "case_number": case,
        "reason": reason,
        "purpose": purpose,
        "requester": requester,
        "legal_basis": legal_basis,
    }
    where: Any = {
        "cameras": camera or (),
        "since": since and since.replace(tzinfo=UTC),
        "until": until and until.replace(tzinfo=UTC),
    }
    plate = "".join(char for char in pattern if char in "*?" or plates.normalise(char))
    apart = timedelta(seconds=within)
    if [similar, sightings, companions, bool(along)].count(True) > 1:
        raise typer.BadParameter("--similar, --sightings, --companions and --with exclude each other")
    if along:
        found = gate.cotravel(client, plate=plate, other_plate=along, within=apart, **where, **why)
    elif companions:
        found = gate.companions(client, plate=plate, within=apart, **where, **why)
    elif sightings:
        found = gate.sightings(client, pattern=plate, **where, **why)
    elif similar:
        found = gate.fuzzy(client, plate=plate, **where, **why)
    else:
        found = gate.search(client, pattern=plate, **where, **why)
    if as_json:
        for row in found:
            print_json(row)
        return
    out.print(_pairs(found) if along else _companions(found) if companions else _detections(found))
    err.print(f"{len(found)} rows; the inquiry is in the log")


def _detections(found: list[gate.Row]) -> Table:
    shown = table("captured (UTC)", "camera", "plate", "state", "sure", "frames", "vehicle", "detection")
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
    shown = table("captured (UTC)", "camera", "plate", "with", "seconds behind")
    for row in found:
        behind = f"{row['seconds_behind']:+.1f}"
        shown.add_row(_time(row["captured_at"]), row["camera_id"], row["plate"], row["other_plate"], behind)
    return shown


def _companions(found: list[gate.Row]) -> Table:
    shown = table("plate", "meetings", "cameras", "first (UTC)", "last (UTC)")
    for row in found:
        first, last = _time(row["first_at"]), _time(row["last_at"])
        shown.add_row(row["plate"], str(row["meetings"]), str(row["cameras_met"]), first, last)
    return shown


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
