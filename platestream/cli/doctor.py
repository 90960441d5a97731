"""`platestream doctor`: what an operator looks at when something is wrong, in one go."""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from platestream.cli.console import err, out, print_json, styled, table
from services.doctor.finding import Finding, State
from services.doctor.here import Here
from services.doctor.look import look

SHOWN: dict[State, tuple[str, str]] = {
    "right": ("right", "green"),
    "soon": ("right, see to it", "yellow"),
    "wrong": ("WRONG", "red"),
    "not looked at": ("not looked at", "yellow"),
}
"""How a state is called on the terminal, and its colour."""


def doctor(
    certificate: Annotated[
        list[Path] | None,
        typer.Option(help="A certificate (PEM) that no setting names, as the console's; may be given again."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Look at settings, disk, database, topics, models, people, certificates and clocks; change nothing.

    Says for each whether it is right, and if not, what to do. Exit code 1 when something is wrong. No plate
    and no name is shown, so this needs no act.

    Example: platestream doctor --certificate /etc/ssl/console.pem
    """
    here = Here(dict(os.environ), tuple(certificate or ()))
    with err.status("looking"):
        found = list(look(here))
    if as_json:
        for one in found:
            print_json(one)
    else:
        _show(found)
    if any(one.state == "wrong" for one in found):
        raise typer.Exit(1)


def _show(found: list[Finding]) -> None:
    shown = table("what", "", "found", "what to do")
    for one in found:
        said, colour = SHOWN[one.state]
        shown.add_row(one.what, styled(said, colour), one.found, one.do)
    out.print(shown)
    counts = Counter(one.state for one in found)
    err.print(
        "; ".join(f"{counts[state]} {said}" for state, (said, _colour) in SHOWN.items() if counts[state])
    )
