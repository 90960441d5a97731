"""Source of logged acts for one receiver, whose position moves when the receiver has taken them.

The inquiry log is longer than an outbox should be, so nothing is queued for a receiver that is away: its
position waits. After a crash the last batch is sent again, with the same ids.
"""

import re
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from platestream.edges.edge import Edge
from platestream.notifications.delivery import ThreadedPost
from platestream.notifications.factory import open_senders
from platestream.operators.notify.cef import event
from platestream.operators.notify.message import Notice
from platestream.operators.notify.outbox import Post
from platestream.operators.notify.rules import NotifyRules
from platestream.runtime.clock import Clock, PollSchedule
from platestream.schemas import topics
from platestream.schemas.message import Message, RefusedError

FOREVER = timedelta(days=36_500)
"""Patience with a receiver of acts: none is ever given up."""
Inner = StatefulSourcePartition[Message, int]


class SentActs(FixedPartitionedSource[Message, int]):
    """Source of the log's messages that a receiver has taken, and of those that cannot be read."""

    def __init__(self, edge: Edge, post: Post, receiver: str) -> None:
        self._log: Any = edge.topics.read(topics.INQUIRIES)
        self._post, self._receiver = post, receiver

    def list_parts(self) -> list[str]:
        parts: list[str] = self._log.list_parts()
        return parts

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "_SentPartition":
        return _SentPartition(
            self._log.build_part(step_id, for_part, resume_state), self._post, self._receiver
        )


class _SentPartition(StatefulSourcePartition[Message, int]):
    def __init__(self, log: Inner, post: Post, receiver: str) -> None:
        self._log, self._post, self._receiver = log, post, receiver
        self._position = log.snapshot()
        self._sending: list[Message] = []
        self._polls = PollSchedule()

    def next_batch(self) -> list[Message]:
        if self._sending:
            return self._taken()
        self._sending = list(self._log.next_batch())
        if messages := list(_events(self._sending)):
            self._post.submit(_letter(self._receiver, messages))
            return []
        return self._end()

    def next_awake(self) -> datetime | None:
        return self._polls.next() if self._sending or self._log.next_awake() else None

    def snapshot(self) -> int:
        self._polls.epoch_ended()
        if not self._sending:
            self._position = self._log.snapshot()
        return self._position

    def close(self) -> None:
        self._log.close()

    def _taken(self) -> list[Message]:
        return self._end() if self._post.finished(self._receiver) else []

    def _end(self) -> list[Message]:
        taken, self._sending = self._sending, []
        self._position = self._log.snapshot()
        return taken


def open_acts(edge: Edge, rules: NotifyRules, now: Clock) -> Iterator[tuple[str, SentActs]]:
    """Yield the step and the source of each receiver of acts."""
    senders = open_senders(rules)
    for one in rules.receivers:
        if one.gets_acts:
            post = ThreadedPost({one.name: senders[one.name]}, _no_ledger, patience=FOREVER, now=now)
            yield "acts_" + re.sub(r"[^A-Za-z0-9_-]", "_", one.name), SentActs(edge, post, one.name)


def _events(messages: Sequence[Message]) -> Iterator[str]:
    host = socket.gethostname()
    for message in messages:
        try:
            yield event(topics.INQUIRIES.decode(message), host)
        except RefusedError:
            continue  # the flow decodes it, too, and makes a dead letter


class ActLetter(Notice, frozen=True, kw_only=True):
    """Lines of acts for one receiver."""

    @property
    def box(self) -> str:
        return self.receiver


def _letter(receiver: str, messages: list[str]) -> ActLetter:
    now = datetime.now(UTC)
    ident = uuid4()
    return ActLetter(
        delivery_id=ident,
        hit_id=ident,
        receiver=receiver,
        agency="",
        priority=3,
        captured_at=now,
        taken_at=now,
        subject="",
        text="",
        body="\n".join(messages).encode(),
    )


def _no_ledger(_deliveries: object) -> None:
    """Write nothing: the position in the log says what was delivered."""
