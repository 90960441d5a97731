"""Sends notices beside the flow, each receiver by threads of its own: a dead one holds up nobody.

What was delivered is written to the ledger (the topic `deliveries`) and acknowledged before anything else
happens to it. A crash between the receiver's acknowledgement and the ledger's, some milliseconds, sends the
notice once more with the same id; a receiver that goes by ids takes it once.
"""

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from tenacity import (
    RetryCallState,
    RetryError,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from connectors.notify.senders import Letter, Rejected, Send, SendError, Unreachable
from schemas.delivery import Delivery

THREADS = 4  # a receiver: one notice that it chokes on does not hold up the next
LONGEST_PAUSE = 10.0  # seconds between two attempts

log = logging.getLogger(__name__)


class ThreadedPost:
    """`ledger` writes deliveries and returns when they are acknowledged; `sleep` is for tests."""

    def __init__(
        self,
        senders: Mapping[str, Send],
        ledger: Callable[[list[Delivery]], None],
        *,
        patience: timedelta,
        now: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        told: Callable[[Delivery], None] = lambda _delivery: None,
    ) -> None:
        book = _Book(ledger, sleep)
        self._finished = _Finished()
        self._lines = {
            name: _Line(name, send, book, self._finished, patience, now, sleep, told)
            for name, send in senders.items()
        }
        self._now = now

    def submit(self, notice: Any) -> None:
        line = self._lines.get(notice.receiver)
        if line is None:  # taken out of the rules while it waited
            self._finished.add(notice, _outcome(notice, "failed", self._now(), 0, "no_receiver"))
        else:
            line.submit(notice)

    def finished(self, box: str) -> list[Delivery]:
        return self._finished.take(box)

    def knows(self, receiver: str) -> bool:
        return receiver in self._lines

    def drain(self, receiver: str) -> None:
        if line := self._lines.get(receiver):
            line.drain()


class _Line:
    """One receiver's queue, the most urgent first, and its threads, which start with the first notice."""

    def __init__(
        self,
        name: str,
        send: Send,
        book: "_Book",
        finished: "_Finished",
        patience: timedelta,
        now: Callable[[], datetime],
        sleep: Callable[[float], None],
        told: Callable[[Delivery], None],
    ) -> None:
        self._name, self._send, self._book = name, send, book
        self._patience, self._now, self._sleep, self._told = patience, now, sleep, told
        self._queue: queue.PriorityQueue[tuple[int, int, Any]] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._finished = finished
        self._threads: list[threading.Thread] = []

    def submit(self, notice: Any) -> None:
        self._queue.put((notice.priority, next(self._numbers), notice))
        if len(self._threads) < THREADS:
            thread = threading.Thread(target=self._work, name=f"notify-{self._name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def drain(self) -> None:
        self._queue.join()

    def _work(self) -> None:
        while True:
            _priority, _number, notice = self._queue.get()
            try:
                self._finished.add(notice, self._deliver(notice))
            finally:
                self._queue.task_done()

    def _deliver(self, notice: Any) -> Delivery:
        attempts = 0

        def attempt() -> None:
            nonlocal attempts
            attempts += 1
            self._once(notice)

        trying = Retrying(
            retry=retry_if_exception_type(Unreachable),
            wait=wait_random_exponential(multiplier=0.25, max=LONGEST_PAUSE),
            stop=stop_after_delay(self._left(notice)),
            sleep=self._sleep,
            before_sleep=self._log,
        )
        try:
            trying(attempt)
        except Rejected as error:
            return self._gave_up(notice, attempts, error.reason)
        except RetryError as error:
            last = error.last_attempt.exception()
            return self._gave_up(notice, attempts, last.reason if isinstance(last, SendError) else "error")
        delivery = _outcome(notice, "delivered", self._now(), attempts, "")
        self._book.enter(delivery)
        self._told(delivery)
        return delivery

    def _once(self, notice: Letter) -> None:
        try:
            self._send(notice)
        except SendError:
            raise
        except Exception as error:  # a sender's library raises what it likes; which is not ours to know
            log.warning("receiver %s: %s", self._name, type(error).__name__)
            raise Unreachable("error") from None

    def _left(self, notice: Any) -> timedelta:
        """Patience counts from when the hit was taken, over restarts."""
        spent: timedelta = self._now() - notice.taken_at
        return max(timedelta(), self._patience - spent)

    def _gave_up(self, notice: Any, attempts: int, reason: str) -> Delivery:
        """Not in the ledger yet: the flow writes it together with the dead letter, in one epoch."""
        delivery = _outcome(notice, "failed", self._now(), attempts, reason)
        log.error("receiver %s: given up after %d attempts: %s", self._name, attempts, reason)
        self._told(delivery)
        return delivery

    def _log(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        reason = error.reason if isinstance(error, SendError) else "error"
        log.warning("receiver %s: attempt %d: %s", self._name, state.attempt_number, reason)


class _Finished:
    """What came of notices, by outbox, until it is asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, list[Delivery]] = {}

    def add(self, notice: Any, delivery: Delivery) -> None:
        with self._lock:
            self._found.setdefault(notice.box, []).append(delivery)

    def take(self, box: str) -> list[Delivery]:
        with self._lock:
            return self._found.pop(box, [])


class _Book:
    """The ledger, written for all threads by one: what waits goes in together, so that nobody waits in line.

    A delivery must be in it: what is not there is sent again after a restart.
    """

    def __init__(self, write: Callable[[list[Delivery]], None], sleep: Callable[[float], None]) -> None:
        self._ledger, self._sleep = write, sleep
        self._queue: queue.SimpleQueue[tuple[Delivery, threading.Event]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def enter(self, delivery: Delivery) -> None:
        """Returns when the ledger has it."""
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
            for _delivery, written in waiting:
                written.set()

    def _write(self, deliveries: list[Delivery]) -> None:
        while True:
            try:
                self._ledger(deliveries)
            except Exception as error:  # broker or disk: both pass, or the flow's own writes stop it
                log.warning("ledger of deliveries: %s", type(error).__name__)
                self._sleep(1.0)
            else:
                return


def _outcome(
    notice: Any, outcome: Literal["delivered", "failed"], at: datetime, attempts: int, reason: str
) -> Delivery:
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
