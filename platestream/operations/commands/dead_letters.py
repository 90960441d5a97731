"""`platestream dead-letters`: rejected messages, and sending them again."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from platestream.access.door import agency_zone
from platestream.cli.door import format_local, open_door
from platestream.cli.output import err, out, print_json, print_list, table
from platestream.operations import dead_letters as job
from platestream.runtime.private_file import new_file
from platestream.schemas.pluralize import pluralize

app = typer.Typer(no_args_is_help=True, help="List, show and resend rejected messages.")

Origin = Annotated[str, typer.Argument(metavar="LETTER", help="topic/partition/offset, as `list` shows it.")]


@app.command("list")
def list_letters(
    reason: Annotated[str, typer.Option(help="Only messages rejected for this reason.")] = "",
    topic: Annotated[str, typer.Option(help="Only messages from this topic.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each message.")] = False,
) -> None:
    """List the rejected messages of the last 7 days, oldest first, without their contents.

    Example: platestream dead-letters list --topic frames --reason future
    """
    with open_door("dead-letters list") as door:
        found, zone = job.letters(door, reason=reason, topic=topic), agency_zone(door)
    print_list(
        found,
        ("letter", "time", "reason", "what", "bytes", "sent again"),
        lambda one: (
            *(one.origin, format_local(one.timestamp, zone), one.reason, one.detail),
            *("not stored" if one.size is None else str(one.size), str(one.sent_again or "")),
        ),
        as_json=as_json,
    )
    if not as_json:
        err.print(pluralize(len(found), "rejected message"))


@app.command()
def show(
    letter: Origin,
    save: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write the contents to this new file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a rejected message: its headers and the reason. Its contents are written to a file with --save
    only.

    Example: platestream dead-letters show frames/3/1207 --save refused.jpg
    """
    if save is not None and save.exists():
        raise FileExistsError(f"{save} already exists")
    with open_door("dead-letters show") as door:
        message, payload = job.show(door, letter)
    if as_json:
        print_json(message)
    else:
        made = table("", "")
        for name, text in (("letter", message.origin), ("reason", message.reason), ("what", message.detail)):
            made.add_row(name, text)
        for name, text in sorted(message.headers.items()):
            made.add_row(f"header {name}", text)
        made.add_row("bytes", "not stored" if message.size is None else str(message.size))
        made.add_row("sent again", str(message.sent_again))
        out.print(made)
    if save is not None:
        _save(save, payload)


@app.command("send-again")
def send_again(
    letter: Origin,
    again: Annotated[
        bool, typer.Option("--again", help="Send it, although it was sent again before.")
    ] = False,
) -> None:
    """Send a rejected message unchanged to the topic that it came from. First fix the cause of the rejection.

    Example: platestream dead-letters send-again frames/3/1207
    """
    with open_door("dead-letters send-again") as door:
        message = job.send_again(door, letter, datetime.now(UTC), again=again)
    out.print(f"{message.origin}: {message.size} bytes sent to {message.topic}")


def _save(path: Path, payload: bytes | None) -> None:
    """Write the contents to a new file that only this account can read: it may show a plate."""
    if payload is None:
        err.print("the contents of this message were not stored")
        raise typer.Exit(1)
    with new_file(path) as file:
        file.write(payload)
    err.print(f"written: {path}, {len(payload)} bytes")
