"""The post that the notify flow is given: rules and senders, put together."""

from collections.abc import Mapping
from pathlib import Path

from connectors.clock import Clock
from connectors.edge import Edge
from connectors.notify import signed
from connectors.notify.journal import Journal
from connectors.notify.post import ThreadedPost
from connectors.notify.senders import ByApprise, MailServer, MailTo, Send, Webhook, read_secret
from connectors.rules_in_force import text_of
from connectors.settings import Settings
from operators.notify.outbox import Post
from operators.notify.rules import NotifyRules, Receiver, parse_rules, span
from operators.people import PeopleRules
from schemas import topics
from schemas.gate_rules import GateRules
from schemas.message import RefusedError


def read_rules(settings: Settings, in_force: GateRules) -> NotifyRules:
    """Return the rules that PLATESTREAM_NOTIFY_FILE names; without it nobody is notified.

    Raises RefusedError.
    """
    if settings.notify_file is None:
        return NotifyRules()
    read_secret(str(settings.notify_file))  # says what is wrong with it
    text = text_of(settings.notify_file)
    people = PeopleRules.of(in_force)
    return parse_rules(text, allow_plaintext=settings.allow_plaintext, people=people)


def open_senders(rules: NotifyRules) -> Mapping[str, Send]:
    """A sender for each receiver, by name. Raises RefusedError for a secret that cannot be read or used."""
    return {one.name: _sender(one, rules) for one in rules.receivers}


def open_post(edge: Edge, rules: NotifyRules, now: Clock, journal: Path | None = None) -> Post:
    """Threads that send, and write what was delivered to the ledger on this edge.

    What a process before this one noted in `journal` and did not get into the ledger is put there first, so
    that the flow finds it when it reads the ledger.
    """
    senders, ledger = open_senders(rules), edge.topics.writer(topics.DELIVERIES).publish
    noted = None if journal is None else Journal(journal)
    if noted is not None and (left := noted.left()):
        ledger(left)
        noted.clear()
    return ThreadedPost(senders, ledger, patience=span(rules.patience), now=now, journal=noted)


def _sender(one: Receiver, rules: NotifyRules) -> Send:
    if one.webhook is not None:
        try:
            key = signed.secret(read_secret(str(one.secret_file)))
        except ValueError as error:
            raise RefusedError("rules", f"receiver {one.name}: {error}") from None
        return Webhook(one.webhook, key)
    if one.mail is not None:
        assert rules.mail is not None  # parse_rules has seen to it
        mail = rules.mail
        password = read_secret(mail.password_file) if mail.password_file else ""
        server = MailServer(mail.server, mail.sender, mail.domain, mail.security, mail.user, password)
        return MailTo(server, one.mail)
    return ByApprise(str(one.apprise))
