"""The rules of notification as an agency wrote them: looked through, and a receiver tried."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from connectors.notify.senders import SendError
from flows import post
from operators.notify.message import Notice
from operators.notify.rules import NotifyRules, Receiver
from schemas.message import RefusedError
from services.door import Door


@dataclass(frozen=True)
class Reached:
    """A receiver, whose it is, what it is shown, and the numbers of the routes that lead to it, from 1."""

    name: str
    kind: str
    of: str
    shows: str
    routes: tuple[int, ...]


@dataclass(frozen=True)
class Checked:
    """All receivers, and what is wrong although the rules can be read; empty where nothing is."""

    receivers: tuple[Reached, ...]
    wrong: str


def check(door: Door) -> Checked:
    """Read the rules and all secrets that they name. Raises RefusedError for what cannot be used."""
    rules = _rules(door)
    post.open_senders(rules)
    return Checked(tuple(_reached(one, rules) for one in rules.receivers), _wrong(rules))


def test(door: Door, receiver: str, now: datetime) -> str:
    """Send a receiver a message that says that it is a test; why it was not delivered, empty when it was.

    Raises RefusedError for a receiver that the rules do not have, and RefusedInquiry: either is on record.
    """
    with door.on_record("notify_test", receiver):
        rules = _rules(door)
        if rules.receiver(receiver) is None:
            names = ", ".join(rules.names) or "none"
            raise RefusedError("rules", f"no receiver {receiver}; there are {names}")
        send = post.open_senders(rules)[receiver]
    door.enter("notify_test", receiver)
    try:
        send(_notice(receiver, door.who, now))
    except SendError as error:
        return error.reason
    return ""


def _notice(receiver: str, who: str, now: datetime) -> Notice:
    said = f"Test of Platestream's notifications by {who}. No alert hit."
    return Notice(
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


def _rules(door: Door) -> NotifyRules:
    if door.settings.notify_file is None:
        raise RefusedError("rules", "PLATESTREAM_NOTIFY_FILE names no file: nobody is told of alert hits")
    return post.read_rules(door.settings, door.rules.gate)


def _reached(one: Receiver, rules: NotifyRules) -> Reached:
    routes = tuple(
        number
        for number, route in enumerate(rules.routes, 1)
        if one.name in route.to or (one.officer and "on_shift" in route.to)
    )
    of = f"officer {one.officer}" if one.officer else f"agency {one.agency}" if one.agency else ""
    return Reached(one.name, one.kind, of, one.shows or rules.shows, routes)


def _wrong(rules: NotifyRules) -> str:
    reached = {name for route in rules.routes for name in route.to}
    officers = any(one.officer for one in rules.receivers)
    if not rules.routes:
        return "no route: nobody hears of an alert hit"
    if "on_shift" in reached and not (officers and rules.nobody):
        return (
            "a route goes to who is on shift: name officers' receivers, and in `nobody` who is told instead"
        )
    return ""
