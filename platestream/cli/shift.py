"""`platestream shift`: log in at the begin of a shift, out at its end; who is on shift."""

import getpass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from connectors.settings import load_settings, open_topics
from platestream.cli.console import err, out, print_json, table
from services import shifts as job

app = typer.Typer(no_args_is_help=True, help="Who is on shift and hears of alert hits: login, logout, list.")

User = Annotated[str, typer.Option(help="For somebody else; it is on record who did it.")]


@app.command()
def login(
    hours: Annotated[float, typer.Option(help="At most so long, should you forget to log out.")] = 12,
    user: User = "",
) -> None:
    """Log in for the duration of a shift: alert hits are sent to you (order, section F.4).

    Example: platestream shift login --hours 10
    """
    who = user or getpass.getuser()
    now = datetime.now(UTC)
    shift = job.log_in(load_settings(), who, timedelta(hours=hours), getpass.getuser(), now)
    out.print(f"{who} is on shift until {shift.until:%Y-%m-%d %H:%M} UTC at most")


@app.command()
def logout(user: User = "") -> None:
    """Log out at the end of the shift.

    Example: platestream shift logout
    """
    who = user or getpass.getuser()
    shift = job.log_out(load_settings(), who, datetime.now(UTC))
    out.print(f"{who} was on shift from {shift.since:%Y-%m-%d %H:%M} to {shift.until:%H:%M} UTC")


@app.command("list")
def list_shifts(
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line a shift.")] = False,
) -> None:
    """Who is on shift now. Warns, and exits 1, when nobody is.

    Example: platestream shift list
    """
    found = job.on_shift(open_topics(load_settings()), datetime.now(UTC))
    if as_json:
        for one in found:
            print_json(one)
    else:
        made = table("user", "name", "agency", "since (UTC)", "until at most (UTC)")
        for one in found:
            made.add_row(
                one.user, one.name, one.agency, f"{one.since:%Y-%m-%d %H:%M}", f"{one.until:%Y-%m-%d %H:%M}"
            )
        out.print(made)
    if not found:
        err.print("nobody is on shift: no officer hears of an alert hit (order, section F.4)")
        raise typer.Exit(1)
