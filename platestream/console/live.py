"""New alert hits as they come: one thread reads their topic, and pages of who is on shift are sent them.

A page is sent a line of the list. The look behind it is the officer's own, in the inquiry log like any other.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from platestream.console import cookies, hits
from platestream.console.visit import Visit
from schemas.message import RefusedError
from services import hits as job
from services import shifts
from services.inquiries.gate import RefusedInquiry

if TYPE_CHECKING:
    from platestream.console.app import Console

log = logging.getLogger(__name__)

KEPT = 1000
"""Hits that a page which was away for a moment still gets."""
BEAT_S = 15
"""How often a page hears that the stream is there; a shift that ended is seen then."""
AGAIN_S = 0.2
TRIES = 15
"""Topic and table are written at once: the line may be asked for a moment before its row is there."""
Numbered = tuple[int, UUID]


class Alerts:
    """The newest hits, numbered as they came, and who waits for more. Safe for several threads."""

    def __init__(self) -> None:
        self._kept: deque[Numbered] = deque(maxlen=KEPT)
        self._number = 0
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._lock = threading.Lock()

    @property
    def newest(self) -> int:
        """The number of the newest; 0 where none came yet."""
        return self._number

    def put(self, hit_id: UUID) -> None:
        """A hit came."""
        with self._lock:
            self._number += 1
            self._kept.append((self._number, hit_id))
            for loop, event in self._waiting:
                loop.call_soon_threadsafe(event.set)

    def behind(self, number: int) -> list[Numbered]:
        """Those that came after a number."""
        with self._lock:
            return [one for one in self._kept if one[0] > number]

    async def wait(self, number: int) -> None:
        """Until one came after `number`, or BEAT_S have passed."""
        waiting = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            if self._number > number:
                return
            self._waiting.add(waiting)
        try:
            await asyncio.wait_for(waiting[1].wait(), BEAT_S)
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._waiting.discard(waiting)


def follow(console: "Console") -> threading.Thread:
    """The thread that reads the topic, for as long as the process lives; what fails is tried again."""
    thread = threading.Thread(target=_follow, args=(console,), name="alerts", daemon=True)
    thread.start()
    return thread


def _follow(console: "Console") -> None:
    while True:
        try:
            for hit_id in job.fresh(console.door("")):
                console.alerts.put(hit_id)
        except Exception as error:
            log.warning("new hits are not seen: %s; trying again", type(error).__name__)
        time.sleep(1)


def stream(console: "Console") -> Callable[[Request], Awaitable[Response]]:
    """Server-sent events: each a line of the list, with its number."""

    async def answer(request: Request) -> Response:
        told = request.headers.get("last-event-id", "")
        number = (
            int(told) if told.isdecimal() and int(told) <= console.alerts.newest else console.alerts.newest
        )
        if await run_in_threadpool(_visit, console, request) is None:
            return Response(status_code=401)
        return StreamingResponse(_events(console, request, number), media_type="text/event-stream")

    return answer


async def _events(console: "Console", request: Request, number: int) -> AsyncIterator[str]:
    yield ": here\n\n"
    while True:
        visit = await run_in_threadpool(_visit, console, request)
        if visit is None:
            yield "event: ended\ndata: ended\n\n"
            return
        for number, hit_id in console.alerts.behind(number):  # noqa: B020 - goes on from the last one
            line = await run_in_threadpool(_line, visit, hit_id)
            if line:
                yield f"id: {number}\n" + "".join(f"data: {part}\n" for part in line.splitlines()) + "\n"
        await console.alerts.wait(number)
        yield ": here\n\n"


def _visit(console: "Console", request: Request) -> Visit | None:
    """Who listens; None where session or shift has ended. An open page alone keeps no session alive."""
    session = console.session(cookies.token(request), used=False)
    now = console.clock()
    if session is None or shifts.of_person(console.people()[0], session.who, now) is None:
        return None
    return Visit(console, request, session, console.door(session.who), now)


def _line(visit: Visit, hit_id: UUID) -> str:
    for _try in range(TRIES):
        try:
            return hits.row(visit, hit_id)
        except RefusedInquiry as error:
            log.warning("a hit is not shown to %s: %s", visit.session.who, error)
            return ""
        except RefusedError:
            time.sleep(AGAIN_S)
    return ""
