"""`platestream doctor`: a diagnosis of the whole installation."""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from platestream.cli.output import err, out, print_json, styled, table
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import Finding, State
from platestream.operations.doctor.service import run_checks

SHOWN: dict[State, tuple[str, str]] = {
    "right": ("right", "green"),
    "soon": ("warning", "yellow"),
    "wrong": ("WRONG", "red"),
    "not looked at": ("not checked", "yellow"),
}
"""Label and color of each state on the terminal."""


def doctor(
    certificate: Annotated[
        list[Path] | None,
        typer.Option(
            help="A certificate (PEM) that no setting names, for example the console's. Repeatable."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on each line.")] = False,
) -> None:
    """Diagnose this installation: settings, disk, database, topics, models, people, certificates and clocks.
    Changes nothing.

    Reports each problem and how to fix it. Exits with code 1 on a problem. The output holds no plates and no
    names, so the command needs no authorization.

    Example: platestream doctor --certificate /etc/ssl/console.pem
    """
    here = CheckContext(dict(os.environ), tuple(certificate or ()))
    with err.status("looking"):
        found = list(run_checks(here))
    if as_json:
        for one in found:
            print_json(one)
    else:
        _show(found)
    if any(one.state == "wrong" for one in found):
        raise typer.Exit(1)


def _show(found: list[Finding]) -> None:
    shown = table("what", "", "found", "next step")
    for one in found:
        said, colour = SHOWN[one.state]
        shown.add_row(one.what, styled(said, colour), one.found, one.do)
    out.print(shown)
    counts = Counter(one.state for one in found)
    err.print(
        "; ".join(f"{counts[state]} {said}" for state, (said, _colour) in SHOWN.items() if counts[state])
    )
