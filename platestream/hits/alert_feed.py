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
HEARTBEAT_S = 15
"""Seconds between heartbeats to a page, which answers each; the end of a shift is noticed at the next one."""


class LiveHit(NamedTuple):
    """Hit with its line of the list and its sequence number.

    `refusals` maps each person with a logged view to the rule that refuses it; empty if it is permitted.
    """

    number: int
    hit: job.HitWithHistory
    line: str
    refusals: dict[str, str]


class LiveHitFeed:
    """Newest hits, numbered in order of arrival, and the pages that wait for more. Thread-safe.

    `following` is True while the topic is read. `gaps` counts interruptions, in which hits may have been
    missed.
    """

    def __init__(self) -> None:
        self._hits: deque[LiveHit] = deque(maxlen=CAPACITY)
        self._number = time.time_ns() // 1_000_000  # above the numbers of an earlier process
        self._waiting: dict[object, tuple[asyncio.AbstractEventLoop, asyncio.Event]] = {}
        self._pages: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.following = True
        self.gaps = 0

    @property
    def newest(self) -> int:
        """Return the number of the newest hit."""
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

    def publish(self, hit: job.HitWithHistory, line: str, refusals: dict[str, str]) -> None:
        """Add a hit with the people for whom views were logged."""
        with self._lock:
            self._number += 1
            self._hits.append(LiveHit(self._number, hit, line, refusals))
            for loop, event in self._waiting.values():
                loop.call_soon_threadsafe(event.set)

    def after(self, number: int) -> list[LiveHit]:
        """Return the hits after a number."""
        with self._lock:
            return [one for one in self._hits if one.number > number]

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

    async def wait(self, number: int) -> None:
        """Wait until a hit after `number` arrives, or BEAT_S have passed."""
        waiting, event = object(), asyncio.Event()
        with self._lock:
            if self._number > number:
                return
            self._waiting[waiting] = (asyncio.get_running_loop(), event)
        try:
            await asyncio.wait_for(event.wait(), HEARTBEAT_S)
        except TimeoutError:
            pass
        finally:
            with self._lock:
                del self._waiting[waiting]
