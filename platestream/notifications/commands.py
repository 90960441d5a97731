"""`platestream notify`: checks of the notification rules."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from platestream.cli.door import open_door
from platestream.cli.output import out, print_faults, table
from platestream.notifications import service as job

app = typer.Typer(no_args_is_help=True, help="Check the notification rules and test receivers.")


@app.command()
def check() -> None:
    """Check and show the rules in the file that PLATESTREAM_NOTIFY_FILE names, with all secrets that they
    name.

    The file need not be in force yet. Check it first, then run platestream registry rules --notify FILE.

    Example: PLATESTREAM_NOTIFY_FILE=notify.toml platestream notify check
    """
    with open_door("notify check", ruled=False) as door:
        checked = job.check(door)
    made = table("receiver", "by", "of", "shows", "routes")
    for one in checked.receivers:
        made.add_row(one.name, one.kind, one.of, one.shows, ", ".join(map(str, one.routes)) or "none")
    out.print(made)
    print_faults(filter(None, [checked.fault]))


@app.command()
def test(
    receiver: Annotated[str, typer.Argument(help="Name of the receiver in the rules.")],
) -> None:
    """Send a receiver a message that is marked as a test and holds no hit and no plate. The test is logged.

    Example: platestream notify test dispatch
    """
    with open_door("notify test") as door:
        failed = job.test(door, receiver, datetime.now(UTC))
    print_faults([f"{receiver}: not delivered: {failed}"] if failed else ())
    out.print(f"{receiver}: delivered")
