"""Sender of notices outside the flow, with one thread for each receiver, so that a dead one delays no other.

A delivery is written to the journal at once, and then to the ledger (the topic `deliveries`). A crash between
a receiver's acknowledgment and the journal sends the notice again with the same id; a receiver that checks
ids accepts it once.
"""

import heapq
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from tenacity import RetryCallState, Retrying, wait_random_exponential

from platestream.notifications.journal import Journal
from platestream.notifications.senders import Rejected, Send, SendError, Unreachable
from platestream.operators.notify.message import Notice
from platestream.schemas.delivery import Delivery, Outcome

BACK_OFF = wait_random_exponential(multiplier=0.25, max=10)  # seconds between two attempts
SEVERAL = 3  # consecutive failures: the receiver is down
NO_ANSWER = frozenset(
    {"connection", "timeout", "error", "apprise", "no_folder", "folder", "sftp"}
)  # failures independent of the notice

log = logging.getLogger(__name__)


class ThreadedPost:
    """Sender of notices in threads.

    `ledger` writes deliveries and returns when they are acknowledged. `longer` is the patience with some
    receivers.
    """

    def __init__(
        self,
        senders: Mapping[str, Send],
        ledger: Callable[[list[Delivery]], None],
        *,
        patience: timedelta,
        now: Callable[[], datetime],
        longer: Mapping[str, timedelta] = MappingProxyType({}),
        journal: Journal | None = None,
    ) -> None:
        self._now = now
        self._finished = _Finished()
        book = _LedgerWriter(ledger, journal)
        self._lines = {
            name: _ReceiverQueue(name, send, book, self._finished, longer.get(name, patience), now)
            for name, send in senders.items()
        }

    def submit(self, notice: Notice) -> None:
        line = self._lines.get(notice.receiver)
        if line is None:  # removed from the rules while it waited
            self._finished.add(notice, outcome_of(notice, "failed", self._now(), 0, "no_receiver"))
        else:
            line.submit(notice)

    def finished(self, box: str) -> list[Delivery]:
        return self._finished.take(box)

    def knows(self, receiver: str) -> bool:
        return receiver in self._lines

    def drain(self, receiver: str) -> None:
        if line := self._lines.get(receiver):
            line.drain()


class _ReceiverQueue:
    """Queue of one receiver's notices, the most urgent first; each waits its own time after a failure.

    If the receiver itself does not answer, or several notices in a row fail, all wait: others would fail,
    too, and retrying hundreds of them would cost too much.
    """

    def __init__(
        self,
        name: str,
        send: Send,
        book: "_LedgerWriter",
        finished: "_Finished",
        patience: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._name, self._send, self._book, self._finished = name, send, book, finished
        self._patience, self._now = patience, now
        self._changed = threading.Condition()
        self._ready: list[tuple[int, int, Notice, int]] = []  # priority, number, notice, attempts
        self._later: list[tuple[float, int, Notice, int]] = []  # when, number, notice, attempts
        self._numbers = itertools.count()
        self._left = 0
        self._failing: set[UUID] = set()  # notices that failed since the last success
        self._silent = 0  # consecutive times that it seemed down
        self._reason = ""  # of the last failure
        self._opens_at = 0.0
        self._thread: threading.Thread | None = None

    def submit(self, notice: Notice) -> None:
        with self._changed:
            heapq.heappush(self._ready, (notice.priority, next(self._numbers), notice, 0))
            self._left += 1
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"notify-{self._name}", daemon=True)
                self._thread.start()

    def drain(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._left == 0)

    def _work(self) -> None:
        while True:
            notice, attempts = self._next()
            delivery = self._attempt(notice, attempts + 1)
            if delivery is None:
                for old, tried, reason in self._take_expired():
                    self._finish(old, self._gave_up(old, tried, reason))
            else:
                self._finish(notice, delivery)

    def _finish(self, notice: Notice, delivery: Delivery) -> None:
        self._finished.add(notice, delivery)
        with self._changed:
            self._left -= 1
            self._changed.notify_all()

    def _take_expired(self) -> list[tuple[Notice, int, str]]:
        """Return the notices past their patience without another attempt, if the receiver seems down."""
        with self._changed:
            if not self._silent:
                return []
            limit = self._now() - self._patience
            gone = [(one[-2], one[-1], self._reason) for one in (*self._ready, *self._later)
                    if one[-2].taken_at <= limit]  # fmt: skip
            self._ready = [one for one in self._ready if one[-2].taken_at > limit]
            self._later = [one for one in self._later if one[-2].taken_at > limit]
            heapq.heapify(self._ready)
            heapq.heapify(self._later)
            return gone

    def _next(self) -> tuple[Notice, int]:
        """Wait for the next notice that may be sent and return it with its number of attempts."""
        with self._changed:
            while True:
                now = time.monotonic()
                while self._later and self._later[0][0] <= now:
                    _when, number, notice, attempts = heapq.heappop(self._later)
                    heapq.heappush(self._ready, (notice.priority, number, notice, attempts))
                if self._ready and self._opens_at <= now:
                    _priority, _number, notice, attempts = heapq.heappop(self._ready)
                    return notice, attempts
                due = [self._opens_at] if self._ready else [self._later[0][0]] if self._later else []
                self._changed.wait(max(0.001, due[0] - now) if due else None)

    def _attempt(self, notice: Notice, attempts: int) -> Delivery | None:
        """Return the outcome of an attempt, or None if it is to be retried."""
        try:
            self._once(notice)
        except Rejected as error:
            return self._gave_up(notice, attempts, error.reason)
        except Unreachable as error:
            if self._now() - notice.taken_at >= self._patience:  # includes the time before a restart
                return self._gave_up(notice, attempts, error.reason)
            self._put_off(notice, attempts, error)
            return None
        self._silent, self._opens_at = 0, 0.0
        self._failing.clear()
        delivery = outcome_of(notice, "delivered", self._now(), attempts, notice.content)
        self._book.enter(delivery)
        return delivery

    def _once(self, notice: Notice) -> None:
        try:
            self._send(notice)
        except SendError:
            raise
        except Exception as error:  # libraries of senders raise errors of any type
            log.warning("receiver %s: %s", self._name, type(error).__name__)
            raise Unreachable("error") from None

    def _put_off(self, notice: Notice, attempts: int, error: SendError) -> None:
        reason = error.reason
        log.warning("receiver %s: attempt %d: %s", self._name, attempts, error)
        with self._changed:
            now = time.monotonic()
            self._failing.add(notice.delivery_id)
            self._reason = reason
            if reason in NO_ANSWER or len(self._failing) >= SEVERAL:
                self._silent += 1
                self._opens_at = now + _back_off(self._silent)
            if reason in NO_ANSWER:
                heapq.heappush(self._ready, (notice.priority, next(self._numbers), notice, attempts))
            else:
                when = now + _back_off(attempts)
                heapq.heappush(self._later, (when, next(self._numbers), notice, attempts))

    def _gave_up(self, notice: Notice, attempts: int, reason: str) -> Delivery:
        """Return the delivery of a failed notice. The flow writes it with the dead letter, in one epoch."""
        log.error("receiver %s: given up after %d attempts: %s", self._name, attempts, reason)
        return outcome_of(notice, "failed", self._now(), attempts, reason)


class _Finished:
    """Outcomes of notices, by outbox, until they are fetched."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, list[Delivery]] = {}

    def add(self, notice: Notice, delivery: Delivery) -> None:
        with self._lock:
            self._found.setdefault(notice.box, []).append(delivery)

    def take(self, box: str) -> list[Delivery]:
        with self._lock:
            return self._found.pop(box, [])


class _LedgerWriter:
    """The ledger, written by one thread for all, which writes waiting deliveries together.

    A delivery must be in the ledger, because one that is missing is sent again after a restart.
    """

    def __init__(self, write: Callable[[list[Delivery]], None], journal: Journal | None) -> None:
        self._ledger, self._journal = write, journal
        self._queue: queue.SimpleQueue[tuple[Delivery, threading.Event]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def enter(self, delivery: Delivery) -> None:
        """Write a delivery; returns when the ledger has it."""
        if self._journal is not None:
            self._journal.note(delivery)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="notify-ledger", daemon=True)
                self._thread.start()
        written = threading.Event()
        self._queue.put((delivery, written))
        written.wait()

    def _work(self) -> None:
        while True:
            waiting = [self._queue.get()]
            while not self._queue.empty():
                waiting.append(self._queue.get())
            self._write([delivery for delivery, _written in waiting])
            if self._journal is not None:
                self._journal.settle(len(waiting))
            for _delivery, written in waiting:
                written.set()

    def _write(self, deliveries: list[Delivery]) -> None:
        while True:
            try:
                self._ledger(deliveries)
            except Exception as error:  # broker or disk; a lasting failure stops the flow's own writes, too
                log.warning("ledger of deliveries: %s", type(error).__name__)
                time.sleep(1.0)
            else:
                return


def _back_off(attempts: int) -> float:
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempts
    return BACK_OFF(state)


def outcome_of(notice: Notice, outcome: Outcome, at: datetime, attempts: int, reason: str) -> Delivery:
    """Return the record of a notice's outcome."""
    return Delivery(
        delivery_id=notice.delivery_id,
        hit_id=notice.hit_id,
        receiver=notice.receiver,
        agency=notice.agency,
        priority=notice.priority,
        outcome=outcome,
        at=at,
        captured_at=notice.captured_at,
        attempts=attempts,
        seconds=max(0.0, (at - notice.taken_at).total_seconds()),
        reason=reason,
    )
