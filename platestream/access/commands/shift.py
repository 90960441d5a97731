"""`platestream shift`: start and end of shifts, and the people on shift."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer

from platestream.access import shifts as job
from platestream.access.door import agency_zone
from platestream.cli.door import open_door
from platestream.cli.output import out, print_faults, print_json, table

app = typer.Typer(no_args_is_help=True, help="Start, end and list shifts.")

User = Annotated[str, typer.Option(help="Act for this user, as a supervisor. This is logged.")]


@app.command()
def login(
    hours: Annotated[float, typer.Option(help="Hours after which the shift ends by itself.")] = 12,
    camera: Annotated[
        list[str] | None,
        typer.Option(help="A camera of your car, whose hits you hear first. May be given more than once."),
    ] = None,
    user: User = "",
) -> None:
    """Start your shift: alert hits are sent to you until it ends (order, section F.4).

    Example: platestream shift login --hours 10 --camera car-12
    """
    with open_door("shift login") as door:
        shift = job.log_in(door, timedelta(hours=hours), datetime.now(UTC), user, camera or ())
        zone = agency_zone(door)
    until = shift.until and shift.until.astimezone(zone)
    car = f", in the car of {', '.join(shift.cameras)}" if shift.cameras else ""
    out.print(f"{shift.user} is on shift until {until:%Y-%m-%d %H:%M %Z} at most{car}")


@app.command()
def logout(user: User = "") -> None:
    """End your shift.

    Example: platestream shift logout
    """
    with open_door("shift logout") as door:
        shift = job.log_out(door, datetime.now(UTC), user)
        zone = agency_zone(door)
    since, until = (at and at.astimezone(zone) for at in (shift.since, shift.until))
    out.print(f"{shift.user} was on shift from {since:%Y-%m-%d %H:%M} to {until:%H:%M %Z}")


@app.command("list")
def list_shifts(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each shift.")] = False,
) -> None:
    """List the people on shift now, and whether their devices show new hits. Exit 1 if nobody is on shift.

    Example: platestream shift list
    """
    with open_door("shift list") as door:
        found, zone = job.show(door, datetime.now(UTC)), agency_zone(door)
    if as_json:
        for one in found:
            print_json({**msgspec.to_builtins(one.shift), "connected": one.device})
    else:
        columns = ("user", "name", "agency", f"since ({zone.key})", "until at most", "car", "console")
        out.print(table(*columns, rows=(_cells(one, zone) for one in found)))
    if not found:
        print_faults(["nobody is on shift: no officer receives alert hits (order, section F.4)"])


def _cells(one: job.OnShift, zone: ZoneInfo) -> tuple[str, ...]:
    shift = one.shift
    times = [f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in (shift.since, shift.until) if at]
    return shift.user, shift.name, shift.agency, *times, " ".join(shift.cameras), _device(one, zone)


def _device(one: job.OnShift, zone: ZoneInfo) -> str:
    if one.device is None:
        return "not connected"
    since = f"{one.device.since.astimezone(zone):%H:%M}"
    return f"connected since {since}, sound {'on' if one.device.sound else 'off'}"
