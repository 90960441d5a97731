"""`platestream token`: tokens for programs that use the API."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from platestream.access import tokens as job
from platestream.cli.door import open_door
from platestream.cli.output import err, out

app = typer.Typer(no_args_is_help=True, help="Make, revoke and list tokens for programs that use the API.")


@app.command()
def make(
    who: Annotated[
        str,
        typer.Argument(metavar="NAME", help="The user for whom the program acts, by account name."),
    ],
    program: Annotated[str, typer.Option("--for", help="The program that uses the token, for example CAD.")],
    may: Annotated[list[str], typer.Option(help=f"Part of the API: {', '.join(job.PARTS)}. Repeatable.")],
    days: Annotated[
        int, typer.Option(min=1, max=job.LONGEST_DAYS, help="Days until the token expires.")
    ] = 90,
) -> None:
    """Make a token for a program that acts for you, or permit another person to take one.

    A token is shown once, and only to its person. Acts of the program are logged as acts of that person.

    Example: platestream token make smith --for CAD --may hits --days 90
    """
    with open_door("token make") as door:
        made, text = job.make(door, who, program, may, datetime.now(UTC), days)
    if text:
        _shown(made, text)
    else:
        err.print(
            f"{who} can take the token with `platestream token take {made.id}`, "
            "or on the console's page Account"
        )


@app.command()
def take(
    ident: Annotated[str, typer.Argument(metavar="ID", help="Id of the permission, from the administrator.")],
) -> None:
    """Take a token that the administrator permitted you. It is shown once.

    Example: platestream token take 5f0c2a91
    """
    with open_door("token take") as door:
        _shown(*job.take(door, ident, datetime.now(UTC), "at the command line"))


def _shown(made: job.Token, text: str) -> None:
    out.print(text)
    err.print(f"token {made.id} acts for {made.who} until {made.ends_at:%Y-%m-%d}; it cannot be shown again")


@app.command("end", hidden=True)  # the name before 1.0
@app.command()
def revoke(
    ident: Annotated[str, typer.Argument(metavar="ID", help="Id of the token, as `token list` shows it.")],
) -> None:
    """Revoke a token. Its next use is refused.

    Example: platestream token revoke 5f0c2a91
    """
    with open_door("token revoke") as door:
        ended = job.remove(door, ident)
    err.print(f"the token of {ended.program} for {ended.who} is revoked")


@app.command("list")
def list_tokens() -> None:
    """List the tokens with person, program, permissions and expiry.

    Example: platestream token list
    """
    with open_door("token list") as door:
        for one in job.list_tokens(door):
            taken = "" if one.hashed else "  not taken yet"
            line = f"{one.id}  {one.who}  {one.program}  {','.join(one.parts)}  until {one.ends_at:%Y-%m-%d}"
            out.print(line + taken)
