"""Outbox of a receiver: notices that are not yet delivered, stored over crashes, and sent once.

`Post` (platestream/notifications/delivery.py) sends them outside the flow, each receiver separately, so that
a dead one delays no other. Delivered notices are known from the topic `deliveries`, the ledger, which each
start reads again from its beginning; a notice in it is not sent again.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec
from bytewax.operators import StatefulBatchLogic

from platestream.operators.changelog_hold import ChangelogHold
from platestream.operators.notify.message import Notice, box, boxes
from platestream.operators.notify.rules import NotifyRules
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.delivery import Delivery
from platestream.schemas.message import EndOfSnapshot, Message, RefusedError

# For failed notices; delivered ones come back from the ledger at once. Not more often, because each
# activation stores the whole outbox at the end of the epoch.
POLL_INTERVAL = timedelta(seconds=30)

Event = Notice | Delivery | EndOfSnapshot  # input of an outbox: notices, and the content of the ledger
Report = Delivery | DeadLetter


def to_receivers(rules: NotifyRules) -> Callable[[Event], list[tuple[str, Event]]]:
    """Return a router of notices and deliveries to their outbox, and of marks to every outbox."""
    every = [name for receiver in rules.names for name in boxes(receiver)]

    def to(item: Event) -> list[tuple[str, Event]]:
        if isinstance(item, EndOfSnapshot):
            return [(name, item) for name in every]
        return [(box(item.receiver, item.delivery_id), item)] if item.receiver else []

    return to


def has_failed(delivery: Delivery) -> bool:
    """Return whether a delivery failed. It is not in the ledger yet, unlike deliveries that succeeded."""
    return delivery.outcome == "failed"


class Post(Protocol):
    """Sender of notices to all receivers, each independently."""

    def submit(self, notice: Notice) -> None:
        """Send a notice as soon as possible; returns at once."""

    def finished(self, box: str) -> list[Delivery]:
        """Return the outcomes of an outbox's notices since the last call.

        Successful deliveries are in the ledger by then.
        """

    def knows(self, receiver: str) -> bool:
        """Return whether the rules still name the receiver."""

    def drain(self, receiver: str) -> None:
        """Wait until all notices of this receiver are finished."""


class Outbox(StatefulBatchLogic[Event, Report, bytes]):
    """Logic of an outbox: notices wait until the ledger was read; finished ones leave the state."""

    def __init__(self, resume: bytes | None, post: Post, now: Callable[[], datetime]) -> None:
        notices: list[Notice] = [] if resume is None else _decoder.decode(resume)
        self._waiting: dict[UUID, Notice] = {one.delivery_id: one for one in notices}
        self._post, self._now = post, now
        self._box = self._receiver = ""
        self._done: set[UUID] = set()
        self._hold = ChangelogHold(("deliveries",), notices)

    def on_batch(self, values: list[Event]) -> tuple[Iterable[Report], bool]:
        for value in values:
            self._take(value)
        return list(self._finished()), StatefulBatchLogic.RETAIN

    def on_notify(self) -> tuple[Iterable[Report], bool]:
        if not self._hold.open:
            # A receiver that was removed from the rules gets no marks: its waiting notices fail.
            self._send([one for one in self._waiting.values() if not self._post.knows(one.receiver)])
        return list(self._finished()), StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[Iterable[Report], bool]:
        if self._waiting and self._hold.open:
            self._post.drain(self._receiver)
        return list(self._finished()), StatefulBatchLogic.RETAIN

    def notify_at(self) -> datetime | None:
        return self._now() + POLL_INTERVAL if self._waiting else None

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
                yield dead_letter(notice, delivery)


def dead_letter(notice: Notice, delivery: Delivery) -> DeadLetter:
    """Return the dead letter of an undeliverable notice, with only the data that the receiver may see."""
    ident = notice.delivery_id
    message = Message(
        ident.bytes,
        notice.body,
        {"receiver": notice.receiver, "hit-id": str(notice.hit_id)},
        notice.captured_at,
        topic=f"notify/{notice.receiver}",
        partition=0,
        offset=ident.int >> 65,  # unique in a table keyed by topic, partition and offset
    )
    return DeadLetter.of(
        message, RefusedError("undelivered", f"{delivery.reason}, {delivery.attempts} attempts")
    )


_decoder = msgspec.msgpack.Decoder(list[Notice])
