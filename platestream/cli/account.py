"""`platestream account`: passwords for the console."""

import sys
from typing import Annotated

import typer

from platestream.cli.console import err, out
from platestream.cli.entrance import entrance
from services import accounts as job

app = typer.Typer(no_args_is_help=True, help="Passwords for the console: set, end, list.")

Who = Annotated[str, typer.Argument(metavar="NAME", help="The person, as `registry user` has them.")]


@app.command("set")
def put(who: Who) -> None:
    """Give a person a password. It is asked for twice at a terminal, else it is the first line of stdin.

    Example: platestream account set smith
    """
    with entrance("account set") as door:
        job.put(door, who, _password())
    err.print(f"{who} signs in to the console with it from now on")


@app.command()
def end(who: Who) -> None:
    """Take a person's password away. A session that is open ends when nobody uses it for 30 minutes.

    Example: platestream account end smith
    """
    with entrance("account end") as door:
        job.end(door, who)
    err.print(f"{who} has no password any more")


@app.command("list")
def list_accounts() -> None:
    """Who has a password.

    Example: platestream account list
    """
    with entrance("account list") as door:
        for who in job.listed(door):
            out.print(who)


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\n")
