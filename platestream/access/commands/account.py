"""`platestream account`: passwords for the console."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from platestream.access import accounts as job
from platestream.access.accounts_audit import resets as found_resets
from platestream.access.door import agency_zone
from platestream.access.sign_ins_audit import SINCE
from platestream.access.sign_ins_audit import sign_ins as found_sign_ins
from platestream.cli.door import format_local, open_door
from platestream.cli.output import ask_secret, err, out, print_list, table
from platestream.schemas.sign_in_event import KINDS

app = typer.Typer(no_args_is_help=True, help="Set, revoke and list passwords for the console.")

Who = Annotated[str, typer.Argument(metavar="NAME", help="The user's account name in the registry.")]
HERE = "at the command line"


@app.command("set")
def put(
    who: Annotated[str, typer.Argument(metavar="[NAME]", help="The user; yourself by default.")] = "",
    forgotten: Annotated[
        bool,
        typer.Option("--forgotten", help="Set your own password without the current one, as administrator."),
    ] = False,
    factor: Annotated[
        bool,
        typer.Option("--factor", help="Remove the second factor, too, for example of a lost phone."),
    ] = False,
) -> None:
    """Set your own password, or make a one-time code by which another person sets theirs.

    To change your own password, enter the current one and then the new one twice. Without a terminal they are
    read as lines of stdin. A code is valid for one use within 24 hours. Making a code revokes the person's
    current password at once.


    Example: platestream account set smith
    """
    with open_door("account set") as door:
        now = datetime.now(UTC)
        if who in ("", door.who):
            if forgotten or door.who not in job.passwords(door.settings).names():
                job.set_own(door, _password(), now, HERE, factor=factor)
            else:
                job.change_own(door, ask_secret("current password"), _password(), now, HERE)
            err.print(f"Password set for {door.who}")
            return
        text, code = job.invite(door, who, now, HERE, factor=factor)
        zone = agency_zone(door)
    out.print(text)
    err.print(
        f"{who} can set a password with this code at /redeem of the console "
        f"until {format_local(code.ends_at, zone)}"
    )
    err.print("Hand the code over yourself. It is for one use and cannot be shown again.")


@app.command("end", hidden=True)  # the name before 1.0
@app.command()
def revoke(who: Who) -> None:
    """Revoke a person's password. Sessions that were opened with it end at their next request.

    Example: platestream account revoke smith
    """
    with open_door("account revoke") as door:
        job.remove(door, who)
    err.print(f"Password revoked for {who}")


@app.command("list")
def list_accounts() -> None:
    """List the people who have a password.

    Example: platestream account list
    """
    with open_door("account list") as door:
        for who in job.list_names(door):
            out.print(who)


@app.command("resets")
def list_resets(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each.")] = False,
    own: Annotated[bool, typer.Option("--own", help="Show only events of your own account.")] = False,
) -> None:
    """List the one-time codes of the last 180 days, with who redeemed each, where, and the next search: for
    auditors.

    Examples: platestream account resets
    and platestream account resets --own
    """
    with open_door("account resets") as door:
        zone = agency_zone(door)
        if own:
            events = job.events(door.settings, door.who)
            rows = ((format_local(one.at, zone), one.what, one.by, one.place) for one in events)
            out.print(table(f"at ({zone.key})", "what", "by", "where", rows=rows))
            return
        found = found_resets(door, datetime.now(UTC))
    print_list(
        found,
        (f"at ({zone.key})", "account", "by", "act", "what", "next search within a day"),
        lambda one: (
            *(format_local(one.at, zone), one.account, one.by, one.kind, one.change),
            str(one.search or "")[:8],
        ),
        as_json=as_json,
    )


@app.command("sign-ins")
def list_sign_ins(
    who: Annotated[str, typer.Option("--person", help="Only of this person; unknown: other names.")] = "",
    kind: Annotated[str, typer.Option(help=f"Only of this kind: {', '.join(KINDS)}.")] = "",
    days: Annotated[int, typer.Option(min=1, help="Days to go back.")] = SINCE.days,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each.")] = False,
) -> None:
    """List sign-ins to the console, refused ones and ends of sessions, newest first: for auditors.

    Example: platestream account sign-ins --person smith --kind refused
    """
    with open_door("account sign-ins") as door:
        zone = agency_zone(door)
        found = found_sign_ins(door, datetime.now(UTC), who, kind, timedelta(days=days))
    print_list(
        found,
        (f"at ({zone.key})", "person", "event", "details"),
        lambda one: (
            *(format_local(one.event.at, zone), one.event.who or "unknown"),
            *(KINDS[one.event.kind], one.details),
        ),
        as_json=as_json,
    )


def _password() -> str:
    return ask_secret("new password", confirmation_prompt=True)
