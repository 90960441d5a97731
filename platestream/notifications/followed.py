"""Source of a topic for one receiver, whose position moves when the receiver has taken the messages.

The topic is longer than an outbox should be, so nothing is queued for a receiver that is away: its position
waits. After a crash the last batch is sent again, with the same ids.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from platestream.edges.edge import Edge
from platestream.notifications.delivery import ThreadedPost
from platestream.notifications.senders import Send
from platestream.operators.notify.message import BatchNotice
from platestream.operators.notify.outbox import Post
from platestream.runtime.clock import Clock, PollSchedule
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.delivery import Delivery
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.topics import Topic

T = TypeVar("T")
Sent = Message | Delivery | DeadLetter
"""A message that could not be read, the outcome of a notice, or one that was not delivered."""
Inner = StatefulSourcePartition[Message, int]


@dataclass(frozen=True)
class Letters:
    """The notice of a batch of messages, if it needs one, and the items that the batch gives besides.

    `then` returns those that follow from the outcome of the notice.
    """

    notice: BatchNotice | None
    items: Sequence[Sent] = ()
    then: Callable[[Delivery], Sequence[Sent]] = lambda _delivery: ()


Write = Callable[[Sequence[Message]], Letters | None]
"""Function that makes the notice of a batch; None: not now, ask again."""


def decoded(topic: Topic[T], messages: Sequence[Message]) -> tuple[list[T], list[Message]]:
    """Return the records of a batch, and the messages that cannot be read."""
    records, unread = [], []
    for message in messages:
        try:
            records.append(topic.decode(message))
        except RefusedError:
            unread.append(message)
    return records, unread


class Followed(FixedPartitionedSource[Sent, int]):
    """Source of what could not be read of a topic, and of the outcomes of the notices, in order.

    A batch is taken at most once in `every`.
    """

    def __init__(
        self,
        edge: Edge,
        topic: Topic[Any],
        post: Post,
        write: Write,
        now: Clock,
        every: timedelta = timedelta(0),
    ) -> None:
        self._topic: Any = edge.topics.read(topic)
        self._made = (post, write, now, every)

    def list_parts(self) -> list[str]:
        parts: list[str] = self._topic.list_parts()
        return parts

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "_FollowedPartition":
        return _FollowedPartition(self._topic.build_part(step_id, for_part, resume_state), *self._made)


class _FollowedPartition(StatefulSourcePartition[Sent, int]):
    def __init__(self, inner: Inner, post: Post, write: Write, now: Clock, every: timedelta) -> None:
        self._inner, self._post, self._write = inner, post, write
        self._now, self._every = now, every
        self._position = inner.snapshot()
        self._batch: list[Message] = []
        self._sending: Letters | None = None
        self._next_at = now()
        self._polls = PollSchedule()

    def next_batch(self) -> list[Sent]:
        if self._sending is not None:
            return self._finished(self._sending)
        if not self._batch:
            if self._now() < self._next_at:
                return []
            self._batch = list(self._inner.next_batch())
            self._next_at = self._now() + self._every
        if not self._batch:
            self._position = self._inner.snapshot()
            return []
        letters = self._write(self._batch)
        if letters is None:
            return []
        if letters.notice is None:
            return self._end(letters.items)
        self._sending = letters
        self._post.submit(letters.notice)
        return []

    def next_awake(self) -> datetime | None:
        waits = self._batch or self._every or self._inner.next_awake()
        return self._polls.next(idle=bool(waits))

    def snapshot(self) -> int:
        self._polls.epoch_ended()
        return self._position

    def close(self) -> None:
        self._inner.close()

    def _finished(self, letters: Letters) -> list[Sent]:
        assert letters.notice is not None
        done = self._post.finished(letters.notice.box)
        return self._end([*letters.items, *letters.then(done[0])]) if done else []

    def _end(self, items: Sequence[Sent]) -> list[Sent]:
        self._batch, self._sending = [], None
        self._position = self._inner.snapshot()
        return list(items)


def post_of(receiver: str, send: Send, patience: timedelta, now: Clock) -> Post:
    """Return a thread that sends to the receiver, and writes no ledger."""
    return ThreadedPost({receiver: send}, lambda _deliveries: None, patience=patience, now=now)


def step_of(prefix: str, receiver: str) -> str:
    """Return the name of the step of a receiver."""
    return f"{prefix}_{re.sub(r'[^A-Za-z0-9_-]', '_', receiver)}"
