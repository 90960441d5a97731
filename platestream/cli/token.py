"""`platestream token`: tokens for programs that use the API."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from platestream.cli.console import err, out
from platestream.cli.entrance import entrance
from services import tokens as job

app = typer.Typer(no_args_is_help=True, help="Tokens for programs that use the API: make, take, end, list.")


@app.command()
def make(
    who: Annotated[
        str,
        typer.Argument(metavar="NAME", help="The person for whom it speaks, as `registry user` has them."),
    ],
    program: Annotated[str, typer.Option("--for", help="The program that gets it, such as CAD.")],
    may: Annotated[
        list[str], typer.Option(help=f"Part of the API: {', '.join(job.PARTS)}. May be repeated.")
    ],
    days: Annotated[int, typer.Option(min=1, max=job.LONGEST_DAYS, help="How long it lives.")] = 90,
) -> None:
    """Make a token for a program that speaks for you, or permit another person to take one.

    A token is shown once, to its person alone. What a program does with it is done by the person, on record.

    Example: platestream token make smith --for CAD --may hits --days 90
    """
    with entrance("token make") as door:
        made, text = job.make(door, who, program, may, datetime.now(UTC), days)
    if text:
        _shown(made, text)
    else:
        err.print(f"{who} takes it with `platestream token take {made.id}`, or on the console's page Account")


@app.command()
def take(
    ident: Annotated[str, typer.Argument(metavar="ID", help="Its id, as the administrator was shown it.")],
) -> None:
    """Take a token that the administrator permitted you. It is shown this once.

    Example: platestream token take 5f0c2a91
    """
    with entrance("token take") as door:
        _shown(*job.take(door, ident, datetime.now(UTC), "at the command line"))


def _shown(made: job.Token, text: str) -> None:
    out.print(text)
    err.print(
        f"token {made.id} speaks for {made.who} until {made.ends_at:%Y-%m-%d}; nobody can show it again"
    )


@app.command()
def end(
    ident: Annotated[str, typer.Argument(metavar="ID", help="Its id, as `token list` shows it.")],
) -> None:
    """Take a token away. It is refused from its next use on.

    Example: platestream token end 5f0c2a91
    """
    with entrance("token end") as door:
        ended = job.end(door, ident)
    err.print(f"{ended.program} speaks for {ended.who} no more")


@app.command("list")
def list_tokens() -> None:
    """The tokens: for whom, of which program, for what, and until when.

    Example: platestream token list
    """
    with entrance("token list") as door:
        for one in job.listed(door):
            taken = "" if one.hashed else "  not taken yet"
            said = f"{one.id}  {one.who}  {one.program}  {','.join(one.parts)}  until {one.ends_at:%Y-%m-%d}"
            out.print(said + taken)
