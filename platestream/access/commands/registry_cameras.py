"""`platestream registry`: cameras, special details, incidents and sensitive places."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from platestream.access import registry as job
from platestream.access.commands.registry_records import TIMES, put_record
from platestream.access.door import Door, agency_zone
from platestream.cameras.approvals import UnreadCamera, approve_all, stopped_by
from platestream.cameras.config import load
from platestream.cli.door import open_door
from platestream.cli.options import day, existing_file
from platestream.cli.output import err, out
from platestream.operations.up.status import gateway_cameras
from platestream.schemas.profile import PlaceKind
from platestream.schemas.registry import Outcome, RegistryRecord

app = typer.Typer()
Approved = Annotated[datetime | None, day("Date of the approval.")]
Results = Annotated[str, typer.Option(help="Results (E.1.f); no plates.")]
NO_DATE = "the approval has no date, and so is not on record for policy check: add --approved YYYY-MM-DD"


@app.command()
def camera(
    name: Annotated[str, typer.Argument(metavar="ID", help="The camera's id.")],
    title: Annotated[str, typer.Option(help="Location.")],
    latitude: Annotated[float, typer.Option(help="Degrees north, WGS 84.")],
    longitude: Annotated[float, typer.Option(help="Degrees east, WGS 84.")],
    approved_by: Annotated[str, typer.Option(help="Person who approved the location (D.5).")] = "",
    approved: Approved = None,
    since: Annotated[datetime | None, day("Start of the approved period.")] = None,
    until: Annotated[datetime | None, day("End of the approved period.")] = None,
    moves: Annotated[
        bool, typer.Option("--moves", help="In a vehicle or portable: no fixed location.")
    ] = False,
    results: Results = "",
) -> None:
    """Add or change a camera and its approval. Once a camera is registered, frames of any other go to
    quarantine; the command lists the cameras whose frames are not read any more.

    Example: platestream registry camera main-st-n --title 'Main St' --latitude 34.5 --longitude -109.4
    --approved-by 'Chief of Police' --approved 2026-01-15
    """
    stopped: list[UnreadCamera] = []

    def put(door: Door, record: RegistryRecord, now: datetime) -> RegistryRecord:
        stopped.extend(stopped_by(door, gateway_cameras(door.settings), record, now))
        return job.put(door, record, now)

    put_record(
        "camera",
        name,
        put,
        name=title,
        latitude=latitude,
        longitude=longitude,
        approved_by=approved_by,
        approved_at=approved,
        since=since,
        until=until,
        moves=moves,
        results=results,
    )
    for one in stopped:
        err.print(f"from now on: {one}")
    if stopped:
        err.print("platestream registry cameras --approved-by NAME registers and approves all of the gateway")
    elif not approved_by:
        err.print(f"{name} is not approved yet: its frames go to quarantine (order, section D.5)")
    if approved_by and approved is None:
        err.print(NO_DATE)


@app.command()
def cameras(
    approved_by: Annotated[str, typer.Option(help="Person who approved the locations (D.5).")],
    approved: Annotated[datetime | None, day("Date of the approval; default: today.")] = None,
    config: Annotated[
        Path | None,
        existing_file("Configuration file; default: that of the running gateway, or DATA/cameras.toml."),
    ] = None,
) -> None:
    """Register and approve all cameras of a gateway in one step, where their configuration has them.

    Example: platestream registry cameras --approved-by 'Chief of Police'
    """
    with open_door("registry cameras") as door:
        there = door.settings.data / "cameras.toml"
        found = load(config).cameras if config else gateway_cameras(door.settings)
        if not found and there.is_file():
            found = load(there).cameras
        if not found:
            raise typer.BadParameter(
                "no gateway runs here, and DATA/cameras.toml has no camera: give --config"
            )
        now = datetime.now(UTC)
        at = approved.replace(tzinfo=agency_zone(door)) if approved else now
        written = approve_all(door, found, approved_by, at, now)
    for one in written:
        out.print(f"{one.id}: approved at {one.latitude}, {one.longitude}")
    out.print(f"{len(written)} of {len(found)} cameras are registered and approved now")


@app.command()
def detail(
    name: Annotated[str, typer.Argument(metavar="ID", help="Short name of the special detail.")],
    title: Annotated[str, typer.Option(help="The operation or investigation.")],
    camera: Annotated[list[str], typer.Option(help="A camera of the detail. Repeatable.")],
    since: Annotated[datetime, typer.Option(formats=TIMES, help="Start, in the agency's time zone.")],
    until: Annotated[datetime, typer.Option(formats=TIMES, help="End, in the agency's time zone.")],
    approved_by: Annotated[str, typer.Option(help="The Police Chief, who must approve it (G.6).")] = "",
    approved: Approved = None,
    case: Annotated[str, typer.Option(help="Case number.")] = "",
    results: Results = "",
) -> None:
    """Add or change a special detail: cameras in a nontraditional deployment for a time (order, section G.6).

    Example: platestream registry detail op-canyon --title 'Operation Canyon' --camera trailer-1
    --since 2026-11-24T18:00 --until 2026-11-26 --approved-by 'Chief of Police' --case 26-001234
    """
    put_record(
        "detail",
        name,
        name=title,
        cameras=tuple(camera),
        since=since,
        until=until,
        approved_by=approved_by,
        approved_at=approved,
        case_number=case,
        results=results,
    )
    if not approved_by:
        err.print(f"{name} is not approved: a finding (order, section G.6)")
    elif approved is None:
        err.print(NO_DATE)


@app.command()
def incident(
    name: Annotated[str, typer.Argument(metavar="ID", help="Short name, for example the case number.")],
    title: Annotated[str, typer.Option(help="Description, without plates.")],
    outcome: Annotated[Outcome, typer.Option(help="arrest, recovery, person_located, significant, result.")],
    at: Annotated[datetime, typer.Option(formats=TIMES, help="Time, in the agency's time zone.")],
    camera: Annotated[list[str] | None, typer.Option(help="Camera of the incident. Repeatable.")] = None,
    detail: Annotated[str, typer.Option(help="Special detail of the incident.")] = "",
    case: Annotated[str, typer.Option(help="Case number.")] = "",
) -> None:
    """Record a significant incident or arrest that is related to ALPR use (order, section E.1.f).

    Example: platestream registry incident 26-001234 --title 'Stolen truck recovered' --outcome recovery
    --at 2026-11-24T15:30 --camera white-mountain-dr-n --case 26-001234
    """
    put_record(
        "incident",
        name,
        name=title,
        outcome=outcome,
        since=at,
        cameras=tuple(camera or ()),
        detail=detail,
        case_number=case,
    )


@app.command()
def place(
    name: Annotated[str, typer.Argument(metavar="ID", help="Short name, for example lincoln-elementary.")],
    title: Annotated[str, typer.Option(help="Name.")],
    kind: Annotated[PlaceKind, typer.Option(help="Kind of place.")],
    latitude: Annotated[float | None, typer.Option(help="Degrees north of the center, WGS 84.")] = None,
    longitude: Annotated[float | None, typer.Option(help="Degrees east of the center, WGS 84.")] = None,
    radius: Annotated[float | None, typer.Option(help="Radius in meters.")] = None,
    corner: Annotated[
        list[str] | None,
        typer.Option(metavar="NORTH,EAST", help="A corner, 47.6097,-122.3331. Repeatable, in order."),
    ] = None,
    approved_by: Annotated[str, typer.Option(help="Person who confirms it.")] = "",
) -> None:
    """Add or change a sensitive place, in which no camera may be if the profile says so.

    Include its parking lots and entrances, as the law requires. The command lists the cameras inside.

    Examples: platestream registry place lincoln --title 'Lincoln Elementary' --kind school
    --latitude 47.61 --longitude -122.33 --radius 120
    and platestream registry place st-mary --title 'St. Mary' --kind worship --corner 47.61,-122.33
    --corner 47.61,-122.32 --corner 47.60,-122.32
    """
    outline = tuple(_corner(text) for text in corner or ())
    cameras_inside: list[str] = []

    def put(door: Door, record: RegistryRecord, now: datetime) -> RegistryRecord:
        written = job.put(door, record, now)
        cameras_inside.extend(job.cameras_in(door, written))
        return written

    fields: dict[str, Any] = {"latitude": latitude, "longitude": longitude, "radius_m": radius}
    put_record("place", name, put, name=title, place=kind, outline=outline, approved_by=approved_by, **fields)
    for one in cameras_inside:
        err.print(f"camera {one} is inside this place: see platestream policy check")


@app.command()
def release(
    camera: Annotated[str, typer.Argument(help="A camera that has been approved since.")],
) -> None:
    """Process frames in quarantine once their camera is approved. Frames wait there for a day.

    Example: platestream registry release main-st-n
    """
    with open_door("registry release") as door:
        count = job.release(door, camera)
    out.print(f"{count} frames of {camera} are released for processing")


def _corner(text: str) -> tuple[float, float]:
    north, _comma, east = text.partition(",")
    try:
        return float(north), float(east)
    except ValueError:
        raise typer.BadParameter(f"--corner {text}: expected NORTH,EAST in degrees") from None
