"""Logged acts for the receivers that get them: each line of the inquiry log, without plates."""

import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from platestream.edges.edge import Edge
from platestream.notifications.factory import open_senders
from platestream.notifications.followed import Followed, Letters, decoded, post_of, step_of
from platestream.operators.notify.cef import event
from platestream.operators.notify.message import BatchNotice
from platestream.operators.notify.rules import NotifyRules
from platestream.runtime.clock import Clock
from platestream.schemas import topics
from platestream.schemas.message import Message

FOREVER = timedelta(days=36_500)
"""Patience with a receiver of acts: none is ever given up."""


def open_acts(edge: Edge, rules: NotifyRules, now: Clock) -> Iterator[tuple[str, Followed]]:
    """Yield the step and the source of each receiver of acts."""
    senders = open_senders(rules, edge.check)
    for one in rules.receivers:
        if one.gets_acts:
            post = post_of(one.name, senders[one.name], FOREVER, now)
            write = ActLines(one.name)
            yield step_of("acts", one.name), Followed(edge, topics.INQUIRIES, post, write, now)


class ActLines:
    """Writer of the notice of a batch of acts."""

    def __init__(self, receiver: str) -> None:
        self._receiver, self._host = receiver, socket.gethostname()

    def __call__(self, messages: Sequence[Message]) -> Letters:
        acts, unread = decoded(topics.INQUIRIES, messages)
        return Letters(self._notice([event(one, self._host) for one in acts]) if acts else None, unread)

    def _notice(self, lines: Sequence[str]) -> BatchNotice:
        now, ident = datetime.now(UTC), uuid4()
        return BatchNotice(
            delivery_id=ident,
            hit_id=ident,
            receiver=self._receiver,
            agency="",
            priority=3,
            captured_at=now,
            taken_at=now,
            subject="",
            text="",
            body="\n".join(lines).encode(),
        )
