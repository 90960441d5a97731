"""`platestream notify`: the rules of notification, checked and tried."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from platestream.cli.console import err, out, table
from platestream.cli.entrance import entrance
from services import notify as job

app = typer.Typer(no_args_is_help=True, help="Notifications: check the rules, try a receiver.")


@app.command()
def check() -> None:
    """Read the rules that PLATESTREAM_NOTIFY_FILE names, with all secrets that they name, and show them.

    The file need not be in force yet: check it first, then platestream registry rules --notify FILE.

    Example: PLATESTREAM_NOTIFY_FILE=notify.toml platestream notify check
    """
    with entrance("notify check", ruled=False) as door:
        checked = job.check(door)
    made = table("receiver", "by", "of", "shows", "routes")
    for one in checked.receivers:
        made.add_row(one.name, one.kind, one.of, one.shows, ", ".join(map(str, one.routes)) or "none")
    out.print(made)
    if checked.wrong:
        err.print(checked.wrong)
        raise typer.Exit(1)


@app.command()
def test(
    receiver: Annotated[str, typer.Argument(help="Its name in the rules.")],
) -> None:
    """Send a receiver a message that says that it is a test. No hit, no plate. It is on record.

    Example: platestream notify test dispatch
    """
    with entrance("notify test") as door:
        failed = job.test(door, receiver, datetime.now(UTC))
    if failed:
        err.print(f"{receiver}: not delivered: {failed}")
        raise typer.Exit(1)
    out.print(f"{receiver}: delivered")
