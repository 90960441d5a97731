"""An outbox of a receiver: what it was not told yet, kept over crashes, and sent once.

Sending is not done here: `Post` (connectors/notify/post.py) does it beside the flow, each receiver apart from
every other, so that a dead one holds up nobody. What was delivered is known from the topic `deliveries`, the
ledger, which each start reads again from its beginning; a notice that is in it is not sent again.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec
from bytewax.operators import StatefulBatchLogic

from operators.hold import Hold
from operators.notify.message import Notice, box, boxes
from operators.notify.rules import NotifyRules
from schemas.dead_letter import DeadLetter
from schemas.delivery import Delivery
from schemas.message import EndOfSnapshot, Message, RefusedError

# For what was given up; what was delivered comes back from the ledger at once. Not more often: a look touches
# the outbox, and what is touched is stored whole at the end of the epoch.
LOOK_EVERY = timedelta(seconds=30)

Event = Notice | Delivery | EndOfSnapshot  # what an outbox is told: notices, and what the ledger has
Report = Delivery | DeadLetter


def to_receivers(rules: NotifyRules) -> Callable[[Event], list[tuple[str, Event]]]:
    """Notices and deliveries to their outbox, the ledger's marks to every outbox."""
    every = [name for receiver in rules.names for name in boxes(receiver)]

    def to(item: Event) -> list[tuple[str, Event]]:
        if isinstance(item, EndOfSnapshot):
            return [(name, item) for name in every]
        return [(box(item.receiver, item.delivery_id), item)] if item.receiver else []

    return to


def has_failed(delivery: Delivery) -> bool:
    """It was given up. The ledger has not got that yet; what was delivered is in it before it comes here."""
    return delivery.outcome == "failed"


class Post(Protocol):
    """Sends notices of all receivers, each in its own time."""

    def submit(self, notice: Notice) -> None:
        """Send it as soon as may be; returns at once."""

    def finished(self, box: str) -> list[Delivery]:
        """What has come of an outbox's notices since the last call; what was delivered is in the ledger."""

    def knows(self, receiver: str) -> bool:
        """The rules still name it."""

    def drain(self, receiver: str) -> None:
        """Wait until all of this receiver's are finished."""


class Outbox(StatefulBatchLogic[Event, Report, bytes]):
    """Notices wait until the ledger has been read; what is delivered or given up leaves the state."""

    def __init__(self, resume: bytes | None, post: Post, now: Callable[[], datetime]) -> None:
        kept: list[Notice] = [] if resume is None else _decoder.decode(resume)
        self._waiting: dict[UUID, Notice] = {one.delivery_id: one for one in kept}
        self._post, self._now = post, now
        self._box = self._receiver = ""
        self._done: set[UUID] = set()
        self._hold = Hold(("deliveries",), kept)

    def on_batch(self, values: list[Event]) -> tuple[Iterable[Report], bool]:
        for value in values:
            self._take(value)
        return list(self._finished()), StatefulBatchLogic.RETAIN

    def on_notify(self) -> tuple[Iterable[Report], bool]:
        if not self._hold.open:
            # A receiver that was taken out of the rules gets no marks: what waits for it is given up.
            self._send([one for one in self._waiting.values() if not self._post.knows(one.receiver)])
        return list(self._finished()), StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[Iterable[Report], bool]:
        if self._waiting and self._hold.open:
            self._post.drain(self._receiver)
        return list(self._finished()), StatefulBatchLogic.RETAIN

    def notify_at(self) -> datetime | None:
        return self._now() + LOOK_EVERY if self._waiting else None

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(list(self._waiting.values()))

    def _take(self, value: Event) -> None:
        if isinstance(value, Delivery):
            self._done.add(value.delivery_id)
            self._waiting.pop(value.delivery_id, None)
        elif isinstance(value, Notice):
            if value.delivery_id in self._done or value.delivery_id in self._waiting:
                return
            self._waiting[value.delivery_id] = value
            self._send(self._hold.take(value))
        else:
            self._send(self._hold.end(value))

    def _send(self, notices: list[Notice]) -> None:
        for notice in notices:
            if notice.delivery_id in self._waiting:
                self._box, self._receiver = notice.box, notice.receiver
                self._post.submit(notice)

    def _finished(self) -> Iterator[Report]:
        if not self._box:
            return
        for delivery in self._post.finished(self._box):
            self._done.add(delivery.delivery_id)
            notice = self._waiting.pop(delivery.delivery_id, None)
            yield delivery
            if notice is not None and has_failed(delivery):
                yield _dead(notice, delivery)


def _dead(notice: Notice, delivery: Delivery) -> DeadLetter:
    """What could not be delivered, as it would have been told: it holds what the receiver may know."""
    ident = notice.delivery_id
    message = Message(
        ident.bytes,
        notice.body,
        {"receiver": notice.receiver, "hit-id": str(notice.hit_id)},
        notice.captured_at,
        topic=f"notify/{notice.receiver}",
        partition=0,
        offset=ident.int >> 65,  # of its own in a table that knows refusals by topic, partition and offset
    )
    return DeadLetter.of(
        message, RefusedError("undelivered", f"{delivery.reason}, {delivery.attempts} attempts")
    )


_decoder = msgspec.msgpack.Decoder(list[Notice])
