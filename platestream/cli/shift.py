"""`platestream shift`: log in at the begin of a shift, out at its end; who is on shift."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from platestream.cli.console import err, out, print_json, table
from platestream.cli.entrance import entrance
from services import shifts as job
from services.hotlist.zone import agency_zone

app = typer.Typer(no_args_is_help=True, help="Who is on shift and hears of alert hits: login, logout, list.")

User = Annotated[str, typer.Option(help="For somebody else, by a supervisor; it is on record who did it.")]


@app.command()
def login(
    hours: Annotated[float, typer.Option(help="At most so long, should you forget to log out.")] = 12,
    user: User = "",
) -> None:
    """Log in for the duration of a shift: alert hits are sent to you (order, section F.4).

    Example: platestream shift login --hours 10
    """
    with entrance("shift login") as door:
        shift = job.log_in(door, timedelta(hours=hours), datetime.now(UTC), user)
        zone = agency_zone(door)
    until = shift.until and shift.until.astimezone(zone)
    out.print(f"{shift.user} is on shift until {until:%Y-%m-%d %H:%M %Z} at most")


@app.command()
def logout(user: User = "") -> None:
    """Log out at the end of the shift.

    Example: platestream shift logout
    """
    with entrance("shift logout") as door:
        shift = job.log_out(door, datetime.now(UTC), user)
        zone = agency_zone(door)
    since, until = (at and at.astimezone(zone) for at in (shift.since, shift.until))
    out.print(f"{shift.user} was on shift from {since:%Y-%m-%d %H:%M} to {until:%H:%M %Z}")


@app.command("list")
def list_shifts(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each shift.")] = False,
) -> None:
    """Who is on shift now. Warns, and exits 1, when nobody is.

    Example: platestream shift list
    """
    with entrance("shift list") as door:
        found, zone = job.show(door, datetime.now(UTC)), agency_zone(door)
    if as_json:
        for one in found:
            print_json(one)
    else:
        made = table("user", "name", "agency", f"since ({zone.key})", "until at most")
        for one in found:
            times = [f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in (one.since, one.until) if at]
            made.add_row(one.user, one.name, one.agency, *times)
        out.print(made)
    if not found:
        err.print("nobody is on shift: no officer hears of an alert hit (order, section F.4)")
        raise typer.Exit(1)
