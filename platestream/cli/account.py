"""`platestream account`: passwords for the console."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer

from platestream.cli.console import err, out, print_json, table
from platestream.cli.entrance import entrance
from platestream.cli.times import shown_at
from services import accounts as job
from services.accounts_audit import resets as found_resets
from services.hotlist.zone import agency_zone

app = typer.Typer(no_args_is_help=True, help="Passwords for the console: set, end, list, resets.")

Who = Annotated[str, typer.Argument(metavar="NAME", help="The person, as `registry user` has them.")]
HERE = "at the command line"


@app.command("set")
def put(
    who: Annotated[
        str, typer.Argument(metavar="[NAME]", help="The person; yourself where none is named.")
    ] = "",
    forgotten: Annotated[
        bool, typer.Option("--forgotten", help="Set your own without the current one, as administrator.")
    ] = False,
) -> None:
    """Set your own password, or make a one-time code by which another person sets theirs.

    Your own is asked for twice at a terminal, after the current one. Without a terminal they are lines of
    stdin. A code is for one use within 24 hours; a password that the person has ends at once.

    Example: platestream account set smith
    """
    with entrance("account set") as door:
        now = datetime.now(UTC)
        if who in ("", door.who):
            if forgotten or door.who not in job.passwords(door.settings).names():
                job.begin_own(door, _password(), now, HERE)
            else:
                job.change_own(door, _current(), _password(), now, HERE)
            err.print(f"{door.who} signs in to the console with it from now on")
            return
        text, code = job.invite(door, who, now, HERE)
        zone = agency_zone(door)
    out.print(text)
    err.print(
        f"{who} sets a password with this code at /redeem of the console until {shown_at(code.ends_at, zone)}"
    )
    err.print("Hand it over yourself; it is for one use, and nobody can show it again.")


@app.command()
def end(who: Who) -> None:
    """Take a person's password away. Sessions that began with it end at their next request.

    Example: platestream account end smith
    """
    with entrance("account end") as door:
        job.end(door, who)
    err.print(f"{who} has no password any more")


@app.command("list")
def list_accounts() -> None:
    """List the people who have a password.

    Example: platestream account list
    """
    with entrance("account list") as door:
        for who in job.listed(door):
            out.print(who)


@app.command("resets")
def list_resets(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each.")] = False,
    own: Annotated[bool, typer.Option("--own", help="What happened to your own account: for you.")] = False,
) -> None:
    """List the codes of the last 180 days, who redeemed them and where, and the next search: for auditors.

    Examples: platestream account resets
    and platestream account resets --own
    """
    with entrance("account resets") as door:
        zone = agency_zone(door)
        if own:
            made = [
                (shown_at(one.at, zone), one.what, one.by, one.place)
                for one in job.events(door.settings, door.who)
            ]
            _print(f"at ({zone.key})", "what", "by", "where", rows=made)
            return
        found = found_resets(door, datetime.now(UTC))
    if as_json:
        for one in found:
            print_json(one)
        return
    rows = [
        (shown_at(one.at, zone), one.account, one.by, one.kind, one.change, str(one.search or "")[:8])
        for one in found
    ]
    _print(f"at ({zone.key})", "account", "by", "act", "what", "next search within a day", rows=rows)


def _print(*columns: str, rows: Iterable[tuple[str, ...]]) -> None:
    made = table(*columns)
    for row in rows:
        made.add_row(*row)
    out.print(made)


def _current() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("current password", hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\n")


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("new password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\n")
