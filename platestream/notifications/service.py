"""The agency's rules of notification: their check, and a test message to a receiver."""

import socket
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from platestream.access.door import Door
from platestream.notifications import factory
from platestream.notifications.senders import SendError
from platestream.operators.notify import cef
from platestream.operators.notify.message import Notice
from platestream.operators.notify.rules import NotifyRules, Receiver
from platestream.schemas.message import RefusedError


@dataclass(frozen=True)
class ReceiverRoutes:
    """A receiver, its owner or purpose, its level of detail, and the numbers of its routes, from 1."""

    name: str
    kind: str
    of: str
    shows: str
    routes: tuple[int, ...]


@dataclass(frozen=True)
class RulesReport:
    """All receivers, and the fault of rules that can be read; empty without one."""

    receivers: tuple[ReceiverRoutes, ...]
    fault: str


def check(door: Door) -> RulesReport:
    """Read the rules and all secrets that they name. Raises RefusedError for unusable ones."""
    rules = _rules(door)
    factory.open_senders(rules)
    routes = tuple(_routes_of(one, rules) for one in rules.receivers)
    return RulesReport(routes, _fault(rules) or _reads_fault(rules, door.rules.profile.sharing.send_reads))


def test(door: Door, receiver: str, now: datetime) -> str:
    """Send a receiver a message marked as a test; return why it was not delivered, empty when it was.

    Raises RefusedError for a receiver that the rules do not have, and RefusedInquiry; both are logged.
    """
    with door.log_refusal("notify_test", receiver):
        rules = _rules(door)
        one = rules.receiver(receiver)
        if one is None:
            names = ", ".join(rules.names) or "none"
            raise RefusedError("rules", f"no receiver {receiver}; there are {names}")
        send = factory.open_senders(rules)[receiver]
    door.enter("notify_test", receiver)
    try:
        send(_notice(one, door.who, now))
    except SendError as error:
        return str(error)
    return ""


def _notice(receiver: Receiver, who: str, now: datetime) -> Notice:
    text = f"Test of Platestream's notifications by {who}. No alert hit."
    body = f'{{"schema":"notification_test/1","text":"{text}"}}'
    return Notice(
        delivery_id=uuid4(),
        hit_id=uuid4(),
        receiver=receiver.name,
        agency="",
        priority=5,
        captured_at=now,
        taken_at=now,
        subject="Platestream: test of notifications",
        text=text,
        body=(cef.marked_test(now, socket.gethostname()) if receiver.gets_acts else body).encode(),
    )


def _rules(door: Door) -> NotifyRules:
    if door.settings.notify_file is None:
        raise RefusedError("rules", "PLATESTREAM_NOTIFY_FILE names no file: nobody is notified of alert hits")
    return factory.read_rules(door.settings, door.rules.gate)


def _routes_of(one: Receiver, rules: NotifyRules) -> ReceiverRoutes:
    routes = tuple(
        number
        for number, route in enumerate(rules.routes, 1)
        if one.name in route.to or (one.officer and "on_shift" in route.to)
    )
    of = f"officer {one.officer}" if one.officer else f"agency {one.agency}" if one.agency else one.purpose
    shows = one.gets or one.shows or rules.shows
    return ReceiverRoutes(one.name, one.kind, of, shows, routes)


def _fault(rules: NotifyRules) -> str:
    reached = {name for route in rules.routes for name in route.to}
    officers = any(one.officer for one in rules.receivers)
    if not rules.routes:
        return "no route: nobody hears of an alert hit"
    if "on_shift" in reached and not (officers and rules.nobody):
        return "a route goes to who is on shift: name officers' receivers, and in `nobody` others"
    return ""


def _reads_fault(rules: NotifyRules, allowed: bool) -> str:
    names = [one.name for one in rules.receivers if one.gets_reads]
    if allowed or not names:
        return ""
    return f"{', '.join(names)}: no reads, because the rules in force do not allow it (`sharing.send_reads`)"
