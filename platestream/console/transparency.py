"""What the agency publishes of its use of ALPR, for everybody: figures, and no plate, person or camera."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from services.reports import transparency as job

if TYPE_CHECKING:
    from platestream.console.app import Console

HALVES = 4
"""Half-years that are shown."""
COUNTED_FOR = timedelta(hours=1)
"""Figures are counted again after so long, however often they are asked for."""


class _Counted:
    """Figures by half-year, counted by one at a time."""

    def __init__(self, console: "Console") -> None:
        self._console, self._lock = console, threading.Lock()
        self._kept: dict[str, tuple[datetime, job.Transparency]] = {}

    def of(self, half: str, now: datetime) -> job.Transparency:
        """Raises DatabaseError."""
        with self._lock:
            at, told = self._kept.get(half, (None, None))
            if told is None or at is None or now - at > COUNTED_FOR:
                told = job.figures(self._console.door(""), job.Period.half(half), now)
                self._kept[half] = (now, told)
            return told


def routes(console: "Console") -> Sequence[Route]:
    """The page, for whoever asks."""
    counted = _Counted(console)

    async def page(request: Request) -> Response:
        now = console.clock()
        halves = job.Period.halves(now, HALVES)
        half = request.path_params.get("half", halves[0])
        if half not in halves:
            raise HTTPException(404)
        told = await run_in_threadpool(counted.of, half, now)
        right = job.right_of_verified(told)
        shown = console.draw(
            "transparency.html",
            None,
            told=told,
            tables=list(job.tables(told)),
            right=right,
            halves=halves,
            half=half,
        )
        return HTMLResponse(shown)

    return (Route("/transparency", page), Route("/transparency/{half}", page))
