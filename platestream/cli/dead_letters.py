"""`platestream dead-letters`: what was refused, and sending it again."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from platestream.cli.console import err, out, print_json, table
from platestream.cli.entrance import entrance
from platestream.cli.times import shown_at
from schemas.counted import counted
from services import dead_letters as job
from services.hotlist.zone import agency_zone

app = typer.Typer(no_args_is_help=True, help="Dead letters, what was refused: list, show, send again.")

Origin = Annotated[str, typer.Argument(metavar="LETTER", help="topic/partition/offset, as `list` shows it.")]


@app.command("list")
def list_letters(
    reason: Annotated[str, typer.Option(help="Only what was refused for this reason.")] = "",
    topic: Annotated[str, typer.Option(help="Only what came from this topic.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each letter.")] = False,
) -> None:
    """Dead letters of the last 7 days, oldest first, without what is in them.

    Example: platestream dead-letters list --topic frames --reason future
    """
    with entrance("dead-letters list") as door:
        found, zone = job.letters(door, reason=reason, topic=topic), agency_zone(door)
    if as_json:
        for one in found:
            print_json(one)
        return
    made = table("letter", "time", "reason", "what", "bytes", "sent again")
    for one in found:
        time = shown_at(one.timestamp, zone)
        size = "not kept" if one.size is None else str(one.size)
        made.add_row(one.origin, time, one.reason, one.detail, size, str(one.sent_again or ""))
    out.print(made)
    err.print(counted(len(found), "dead letter"))


@app.command()
def show(
    letter: Origin,
    save: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write what is in it to this new file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """One dead letter: its headers and why it was refused. What is in it is written with --save only.

    Example: platestream dead-letters show frames/3/1207 --save refused.jpg
    """
    if save is not None and save.exists():
        raise FileExistsError(f"{save} is there already")
    with entrance("dead-letters show") as door:
        told, payload = job.show(door, letter)
    if as_json:
        print_json(told)
    else:
        made = table("", "")
        for name, text in (("letter", told.origin), ("reason", told.reason), ("what", told.detail)):
            made.add_row(name, text)
        for name, text in sorted(told.headers.items()):
            made.add_row(f"header {name}", text)
        made.add_row("bytes", "not kept" if told.size is None else str(told.size))
        made.add_row("sent again", str(told.sent_again))
        out.print(made)
    if save is not None:
        _save(save, payload)


@app.command("send-again")
def send_again(
    letter: Origin,
    again: Annotated[bool, typer.Option("--again", help="Although it was sent again before.")] = False,
) -> None:
    """Send a dead letter to the topic that it came from, as it was. First mend why it was refused.

    Example: platestream dead-letters send-again frames/3/1207
    """
    with entrance("dead-letters send-again") as door:
        told = job.send_again(door, letter, datetime.now(UTC), again=again)
    out.print(f"{told.origin}: {told.size} bytes sent to {told.topic}")


def _save(path: Path, payload: bytes | None) -> None:
    """A new file that only this account reads: it may show a plate."""
    if payload is None:
        err.print("what was in it was not kept")
        raise typer.Exit(1)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(payload)
    err.print(f"written: {path}, {len(payload)} bytes")
