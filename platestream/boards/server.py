"""Local web server of the boards: it queries as the boards' account, at most once in a few seconds."""

import threading
import time
from datetime import UTC, datetime

import httpx
from clickhouse_connect.driver.client import Client
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from platestream.access.door import Door
from platestream.boards.page import SPANS, render
from platestream.boards.panel import Panel
from platestream.boards.queries import PanelAnswer, Period, ask_clickhouse, ask_prometheus
from platestream.edges.clickhouse_client import DASHBOARD, ConnectError, DatabaseError, read_rows
from platestream.runtime.clock import Clock, utc_now

FRESH_S = 5.0
_THERE = "EXISTS TABLE platestream.traffic"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Boards:
    """A cached page of boards; it runs one query at a time, so that many viewers cost as much as one."""

    def __init__(
        self, database: Client, prometheus: httpx.Client | None, now: Clock = utc_now, console: str = ""
    ) -> None:
        self._database, self._prometheus, self._now, self._console = database, prometheus, now, console
        self._lock = threading.Lock()
        self._kept: dict[int | None, tuple[float, str]] = {}

    def page(self, hours: int | None) -> str:
        """Return the page, at most FRESH_S seconds old."""
        with self._lock:
            made, text = self._kept.get(hours, (float("-inf"), ""))
            if time.monotonic() - made > FRESH_S:
                there = self._prometheus is not None
                text = render(self.ask, self._now(), hours, prometheus=there, console=self._console)
                self._kept[hours] = (time.monotonic(), text)
            return text

    def ask(self, panel: Panel, period: Period) -> PanelAnswer:
        """Query one panel; an error becomes the panel's answer, so that the other panels are still shown."""
        try:
            if panel.sql:
                return ask_clickhouse(self._database, panel, period)
            assert self._prometheus is not None
            return ask_prometheus(self._prometheus, panel, period)
        except DatabaseError as error:
            return PanelAnswer(missing=f"No answer: {error}")
        except httpx.HTTPError as error:
            return PanelAnswer(missing=f"No answer from Prometheus: {type(error).__name__}")


def app(boards: Boards) -> Starlette:
    """Return the application with the page at `/`; `?hours=` is one of SPANS. Requests for other host names
    than this machine's are refused.
    """

    def page(request: Request) -> Response:
        hours = request.query_params.get("hours")
        if hours is not None and hours not in map(str, SPANS):
            return PlainTextResponse(f"hours: one of {', '.join(map(str, SPANS))}\n", 400, HEADERS)
        return HTMLResponse(boards.page(None if hours is None else int(hours)), headers=HEADERS)

    def health(_request: Request) -> Response:
        return PlainTextResponse(f"{datetime.now(UTC).isoformat()}\n", headers=HEADERS)

    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    return Starlette(routes=[Route("/", page), Route("/health", health)], middleware=[hosts])


def open_boards(door: Door, console: int = 0) -> Boards:
    """Open the boards on the database and the Prometheus of the settings, as the boards' account. `console` is
    the console's port on this machine, if it has one.

    This is not an act: the account reads figures only, and no plate, person or text of an inquiry. Raises
    ConnectError where the tables do not exist yet, and DatabaseError.
    """
    client = door.client(DASHBOARD)
    if not read_rows(client, "looking for the boards' tables", _THERE)[0][0]:
        raise ConnectError("the database has no tables for the boards yet: run `platestream migrate`")
    address = f"http://localhost:{console}/" if console else ""
    named = door.settings.prometheus
    prometheus = httpx.Client(base_url=named, timeout=10) if named else None
    return Boards(client, prometheus, console=address)
