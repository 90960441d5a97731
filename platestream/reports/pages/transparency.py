"""Public page of the agency's ALPR use: figures, without plates, people or cameras."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from platestream.reports import transparency as job

if TYPE_CHECKING:
    from platestream.web.console import Console

HALVES = 4
"""Half-years that are shown."""
COUNTED_FOR = timedelta(hours=1)
"""Figures are counted again after so long, however often they are asked for."""


class _Counted:
    """Cache of figures by half-year, which counts one at a time."""

    def __init__(self, console: "Console") -> None:
        self._console, self._lock = console, threading.Lock()
        self._kept: dict[str, tuple[datetime, job.Transparency]] = {}

    def of(self, half: str, now: datetime) -> job.Transparency:
        """Return the figures of a half-year. Raises DatabaseError."""
        with self._lock:
            at, figures = self._kept.get(half, (None, None))
            if figures is None or at is None or now - at > COUNTED_FOR:
                figures = job.figures(self._console.door(""), job.Period.half(half), now)
                self._kept[half] = (now, figures)
            return figures


def routes(console: "Console") -> Sequence[Route]:
    """Return the routes of the public page."""
    counted = _Counted(console)

    async def page(request: Request) -> Response:
        now = console.clock()
        halves = job.Period.halves(now, HALVES)
        half = request.path_params.get("half", halves[0])
        if half not in halves:
            raise HTTPException(404)
        figures = await run_in_threadpool(counted.of, half, now)
        right = job.right_of_verified(figures)
        shown = console.render(
            "transparency.html",
            None,
            figures=figures,
            tables=list(job.tables(figures)),
            right=right,
            halves=halves,
            half=half,
        )
        return HTMLResponse(shown)

    return (Route("/transparency", page), Route("/transparency/{half}", page))
