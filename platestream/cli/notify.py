"""`platestream notify`: the rules of notification, checked and tried."""

import getpass
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import typer

from connectors.notify.senders import SendError
from connectors.settings import load_settings
from flows.post import open_senders, read_rules
from operators.notify.message import Notice
from operators.notify.rules import NotifyRules
from platestream.cli.console import err, out, table
from schemas.message import RefusedError

app = typer.Typer(no_args_is_help=True, help="Notifications: check the rules, try a receiver.")


@app.command()
def check() -> None:
    """Read the rules that PLATESTREAM_NOTIFY_FILE names, with all secrets that they name, and show them.

    Example: PLATESTREAM_NOTIFY_FILE=notify.toml platestream notify check
    """
    rules = _rules()
    open_senders(rules)
    made = table("receiver", "by", "of", "shows", "routes")
    for one in rules.receivers:
        routes = [
            number
            for number, route in enumerate(rules.routes, 1)
            if _reaches(one.officer, one.name, route.to)
        ]
        of = f"officer {one.officer}" if one.officer else f"agency {one.agency}" if one.agency else ""
        made.add_row(one.name, one.kind, of, one.shows or rules.shows, ", ".join(map(str, routes)) or "none")
    out.print(made)
    reached = {name for route in rules.routes for name in route.to}
    officers = any(one.officer for one in rules.receivers)
    if not rules.routes:
        err.print("no route: nobody hears of an alert hit")
        raise typer.Exit(1)
    if "on_shift" in reached and not (officers and rules.nobody):
        err.print(
            "a route goes to who is on shift: name officers' receivers, and in `nobody` who is told instead"
        )
        raise typer.Exit(1)


@app.command()
def test(
    receiver: Annotated[str, typer.Argument(help="Its name in the rules.")],
) -> None:
    """Send a receiver a message that says that it is a test. No hit, no plate.

    Example: platestream notify test dispatch
    """
    rules = _rules()
    if rules.receiver(receiver) is None:
        raise RefusedError("rules", f"no receiver {receiver}; there are {', '.join(rules.names) or 'none'}")
    now = datetime.now(UTC)
    said = f"Test of Platestream's notifications by {getpass.getuser()}. No alert hit."
    notice = Notice(
        delivery_id=uuid4(),
        hit_id=uuid4(),
        receiver=receiver,
        agency="",
        priority=5,
        captured_at=now,
        taken_at=now,
        subject="Platestream: test of notifications",
        text=said,
        body=f'{{"schema":"notification_test/1","text":"{said}"}}'.encode(),
    )
    try:
        open_senders(rules)[receiver](notice)
    except SendError as error:
        err.print(f"{receiver}: not delivered: {error.reason}")
        raise typer.Exit(1) from None
    out.print(f"{receiver}: delivered")


def _rules() -> NotifyRules:
    settings = load_settings()
    if settings.notify_file is None:
        raise RefusedError("rules", "PLATESTREAM_NOTIFY_FILE names no file: nobody is told of alert hits")
    return read_rules(settings)


def _reaches(officer: str, name: str, to: tuple[str, ...]) -> bool:
    return name in to or (bool(officer) and "on_shift" in to)
