"""Newest alert hits, for the open pages of people on shift."""

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

from platestream.hits import service as job

CAPACITY = 1000
"""Hits that a page which was away for a moment still gets."""
OVERLAP_MS = 10_000
HEARTBEAT_S = 15
"""Seconds between heartbeats to a page, which answers each; the end of a shift is noticed at the next one."""


class LiveHit(NamedTuple):
    """Hit with its line of the list and its number, which is the same at every console. `order` counts what
    this console announced.

    `refusals` maps each person with a logged view to the rule that refuses it; empty if it is permitted.
    """

    number: int
    hit: job.HitWithHistory
    line: str
    refusals: dict[str, str]
    order: int


class LiveHitFeed:
    """Newest hits, in order of arrival, and the pages that wait for more. Thread-safe.

    `following` is True while the topic is read. `gaps` counts interruptions, in which hits may have been
    missed.
    """

    def __init__(self) -> None:
        self._hits: deque[LiveHit] = deque(maxlen=CAPACITY)
        self._number = time.time_ns() // 1_000_000  # numbers are times, in milliseconds
        self._order = 0
        self._waiting: dict[object, tuple[asyncio.AbstractEventLoop, asyncio.Event]] = {}
        self._pages: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.following = True
        self.gaps = 0

    @property
    def newest(self) -> int:
        """Return the highest number of a hit so far."""
        return self._number

    def mark_gap(self) -> None:
        """Record that the topic is not read. Open pages are notified; hits of that time appear in the list
        only.
        """
        with self._lock:
            self.following = False
            self.gaps += 1
            for loop, event in self._waiting.values():
                loop.call_soon_threadsafe(event.set)

    @property
    def people(self) -> list[str]:
        """Return the people with open pages."""
        with self._lock:
            return sorted(+self._pages)

    def publish(self, number: int, hit: job.HitWithHistory, line: str, refusals: dict[str, str]) -> None:
        """Add a hit with the people for whom views were logged."""
        with self._lock:
            self._number = max(self._number, number)
            self._order += 1
            self._hits.append(LiveHit(number, hit, line, refusals, self._order))
            for loop, event in self._waiting.values():
                loop.call_soon_threadsafe(event.set)

    def after(self, number: int) -> list[LiveHit]:
        """Return the hits after a number."""
        with self._lock:
            return [one for one in self._hits if one.number > number]

    def since(self, number: int, *, again: bool) -> tuple[list[LiveHit], int]:
        """Return the hits after a number, and the newest's order.

        A page that connects `again` may have been at another console, which may have announced hits in
        another order, so the last of before are among them. It leaves out those that it knows.
        """
        least = number - OVERLAP_MS if again else number
        with self._lock:
            return [one for one in self._hits if one.number > least], self._order

    def later(self, order: int) -> tuple[list[LiveHit], int]:
        """Return the hits that were announced here after one, and the newest's order."""
        with self._lock:
            return [one for one in self._hits if one.order > order], self._order

    def was_announced(self, hit_id: UUID) -> bool:
        """Return whether this hit was announced since the console started."""
        with self._lock:
            return any(one.hit.hit_id == hit_id for one in self._hits)

    @contextmanager
    def page(self, who: str) -> Iterator[None]:
        """Register an open page of this person, as a context."""
        with self._lock:
            self._pages[who] += 1
        try:
            yield
        finally:
            with self._lock:
                self._pages[who] -= 1

    async def wait(self, order: int, gaps: int) -> None:
        """Wait until a hit is announced after one, a gap follows these, or HEARTBEAT_S have passed."""
        waiting, event = object(), asyncio.Event()
        with self._lock:
            if self._order > order or self.gaps > gaps:
                return
            self._waiting[waiting] = (asyncio.get_running_loop(), event)
        try:
            await asyncio.wait_for(event.wait(), HEARTBEAT_S)
        except TimeoutError:
            pass
        finally:
            with self._lock:
                del self._waiting[waiting]
