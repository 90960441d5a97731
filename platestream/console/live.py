"""New alert hits as they come: one thread reads their topic, and pages of who is on shift are sent them.

A page is sent a line of the list. The look behind it is the officer's own, in the inquiry log like any other;
those of all who are shown one hit are put there together.
"""

import asyncio
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from platestream.console import cookies, hits
from services import hits as job
from services import shifts

if TYPE_CHECKING:
    from platestream.console.app import Console

log = logging.getLogger(__name__)

KEPT = 1000
"""Hits that a page which was away for a moment still gets."""
BEAT_S = 15
"""How often a page hears that the stream is there; a shift that ended is seen then."""


class Alert(NamedTuple):
    """A hit, its line of the list, and its number in the order of coming. `asked`: for whom a look is on
    record, and by which rule they may not be shown it, empty where they may.
    """

    number: int
    hit: job.Standing
    line: str
    asked: dict[str, str]


class Alerts:
    """The newest hits, numbered as they came, and who waits for more. Safe for several threads.

    `following` says whether their topic is read now, and `gaps` how often it was not: some may be missing.
    """

    def __init__(self) -> None:
        self._kept: deque[Alert] = deque(maxlen=KEPT)
        self._number = 0
        self._waiting: dict[object, tuple[asyncio.AbstractEventLoop, asyncio.Event]] = {}
        self._pages: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.following = True
        self.gaps = 0

    @property
    def newest(self) -> int:
        """The number of the newest; 0 where none came yet."""
        return self._number

    def broken(self) -> None:
        """The topic is not read: open pages are told, and hits that come meanwhile are in the list only."""
        with self._lock:
            self.following = False
            self.gaps += 1
            for loop, event in self._waiting.values():
                loop.call_soon_threadsafe(event.set)

    @property
    def people(self) -> list[str]:
        """Whose pages are open."""
        with self._lock:
            return sorted(+self._pages)

    def put(self, hit: job.Standing, line: str, asked: dict[str, str]) -> None:
        """A hit came, and these people were asked for."""
        with self._lock:
            self._number += 1
            self._kept.append(Alert(self._number, hit, line, asked))
            for loop, event in self._waiting.values():
                loop.call_soon_threadsafe(event.set)

    def behind(self, number: int) -> list[Alert]:
        """Those that came after a number."""
        with self._lock:
            return [one for one in self._kept if one.number > number]

    def announced(self, hit_id: UUID) -> bool:
        """Whether this hit came since the console began."""
        with self._lock:
            return any(one.hit.hit_id == hit_id for one in self._kept)

    @contextmanager
    def page(self, who: str) -> Iterator[None]:
        """While a page of this person is open."""
        with self._lock:
            self._pages[who] += 1
        try:
            yield
        finally:
            with self._lock:
                self._pages[who] -= 1

    async def wait(self, number: int) -> None:
        """Until one came after `number`, or BEAT_S have passed."""
        waiting, event = object(), asyncio.Event()
        with self._lock:
            if self._number > number:
                return
            self._waiting[waiting] = (asyncio.get_running_loop(), event)
        try:
            await asyncio.wait_for(event.wait(), BEAT_S)
        except TimeoutError:
            pass
        finally:
            with self._lock:
                del self._waiting[waiting]


def follow(console: "Console") -> threading.Thread:
    """The thread that reads the topic, for as long as the process lives; what fails is tried again."""
    thread = threading.Thread(target=_follow, args=(console,), name="alerts", daemon=True)
    thread.start()
    return thread


def _follow(console: "Console") -> None:
    while True:
        try:
            found = job.fresh(console.door(""))
            console.alerts.following = True
            for hit in found:
                announce(console, hit)
        except Exception as error:
            console.alerts.broken()
            log.warning("new hits are not seen: %s; trying again", type(error).__name__)
        time.sleep(1)


def announce(console: "Console", hit: job.Standing) -> None:
    """To whoever is on shift with an open page: one line, and a look of each on record before it is sent."""
    people, now = console.people()[0], console.clock()
    there = [who for who in console.alerts.people if shifts.of_person(people, who, now) is not None]
    try:
        asked = _asked(console, hit, there)
    except Exception as error:  # each page asks again by itself
        log.warning("a new hit waits: %s", type(error).__name__)
        asked = {}
    console.alerts.put(hit, hits.line(console, hit), asked)


def _asked(console: "Console", hit: job.Standing, people: Sequence[str]) -> dict[str, str]:
    found = job.shown_to(console.door(""), hit, people, reason=hits.ON_SHIFT)
    for who, rule in found.items():
        if rule:
            log.warning("a hit is not shown to %s: %s", who, rule)
    return found


def stream(console: "Console") -> Callable[[Request], Awaitable[Response]]:
    """Server-sent events: each a line of the list, with its number."""

    async def answer(request: Request) -> Response:
        told = request.headers.get("last-event-id", "") or request.query_params.get("after", "")
        newest = console.alerts.newest
        number = int(told) if told.isdecimal() and int(told) <= newest else newest
        who = await run_in_threadpool(_listener, console, request)
        if not who:
            return Response(status_code=401)
        if not console.alerts.following:
            return Response(status_code=503)
        return StreamingResponse(_events(console, request, who, number), media_type="text/event-stream")

    return answer


async def _events(console: "Console", request: Request, who: str, number: int) -> AsyncIterator[str]:
    gaps = console.alerts.gaps
    with console.alerts.page(who):
        yield ": here\n\n"
        while await run_in_threadpool(_listener, console, request) == who:
            for alert in console.alerts.behind(number):
                number = alert.number
                if who not in alert.asked:  # the page was away, or not open yet, when it came
                    alert.asked.update(await run_in_threadpool(_asked, console, alert.hit, [who]))
                if not alert.asked[who]:
                    data = "".join(f"data: {part}\n" for part in alert.line.splitlines())
                    yield f"id: {number}\n{data}\n"
            await console.alerts.wait(number)
            if console.alerts.gaps != gaps:
                yield "event: gap\ndata: gap\n\n"
                return
            yield ": here\n\n"
        yield "event: ended\ndata: ended\n\n"


def _listener(console: "Console", request: Request) -> str:
    """Who listens; empty where session or shift has ended. An open page alone keeps no session alive."""
    session = console.session(cookies.token(request), used=False)
    if session is None or shifts.of_person(console.people()[0], session.who, console.clock()) is None:
        return ""
    return session.who
