"""Sender of notifications for the notify flow, assembled from rules and senders."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from platestream.access.rules_reader import text_of
from platestream.edges.edge import Edge
from platestream.notifications import webhook_signature
from platestream.notifications.channels import cot, files, mqtt, syslog
from platestream.notifications.delivery import ThreadedPost
from platestream.notifications.journal import Journal
from platestream.notifications.senders import ByApprise, MailServer, MailTo, Send, Webhook, read_secret
from platestream.operators.notify.outbox import Post
from platestream.operators.notify.rules import NotifyRules, Receiver, parse_rules, span
from platestream.operators.people import PeopleRules
from platestream.runtime.clock import Clock
from platestream.schemas import topics
from platestream.schemas.gate_rules import GateRules
from platestream.schemas.message import RefusedError
from platestream.settings import Settings

REPORTS_PATIENCE = timedelta(days=3)
"""Patience with a records system: a report is no alert, and may come after a weekend."""


def read_rules(settings: Settings, in_force: GateRules) -> NotifyRules:
    """Return the rules in PLATESTREAM_NOTIFY_FILE; without it nobody is notified.

    Raises RefusedError.
    """
    if settings.notify_file is None:
        return NotifyRules()
    read_secret(str(settings.notify_file))  # raises an error that names the fault
    text = text_of(settings.notify_file)
    people = PeopleRules.of(in_force)
    return parse_rules(text, allow_plaintext=settings.allow_plaintext, people=people)


def open_senders(rules: NotifyRules, check: Callable[[], None] = lambda: None) -> Mapping[str, Send]:
    """Return a sender for each receiver, by name. Raises RefusedError for an unusable secret.

    `check` is called before each notice and may raise.
    """
    return {one.name: partial(_send, check, SENDERS[one.kind](one, rules)) for one in rules.receivers}


def _send(check: Callable[[], None], send: Send, notice: Any) -> None:
    check()
    send(notice)


def open_post(edge: Edge, rules: NotifyRules, now: Clock, journal: Path | None = None) -> Post:
    """Return threads that send, and write deliveries to the ledger on this edge.

    Deliveries that an earlier process noted in `journal` but not in the ledger are written there first, so
    that the flow finds them when it reads the ledger.
    """
    senders, ledger = open_senders(rules, edge.check), edge.topics.writer(topics.DELIVERIES).publish
    noted = None if journal is None else Journal(journal)
    if noted is not None and (left := noted.left()):
        ledger(left)
        noted.clear()
    longer = {one.name: REPORTS_PATIENCE for one in rules.receivers if one.gets_reports}
    patience = span(rules.patience)
    return ThreadedPost(senders, ledger, patience=patience, longer=longer, now=now, journal=noted)


def _webhook(one: Receiver, _rules: NotifyRules) -> Send:
    try:
        key = webhook_signature.secret(read_secret(str(one.secret_file)))
    except ValueError as error:
        raise RefusedError("rules", f"receiver {one.name}: {error}") from None
    return Webhook(str(one.webhook), key)


def _mail(one: Receiver, rules: NotifyRules) -> Send:
    mail = rules.mail
    assert mail is not None  # checked by parse_rules
    password = read_secret(mail.password_file) if mail.password_file else ""
    server = MailServer(mail.server, mail.sender, mail.domain, mail.security, mail.user, password)
    return MailTo(server, str(one.mail))


def _apprise(one: Receiver, _rules: NotifyRules) -> Send:
    return ByApprise(str(one.apprise))


SENDERS: Mapping[str, Callable[[Receiver, NotifyRules], Send]] = {
    "webhook": _webhook,
    "mail": _mail,
    "apprise": _apprise,
    "cot": cot.open_sender,
    "mqtt": mqtt.open_sender,
    "mqtt_reads": mqtt.open_sender,
    "syslog": syslog.open_sender,
    "cad": files.open_cad,
    "rms": files.open_rms,
}
"""Function that opens the sender, by channel."""
