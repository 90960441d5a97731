"""Serving the page on this machine: it asks as the boards' account, at most once in a few seconds."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
from clickhouse_connect.driver.client import Client
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from connectors.clickhouse_client import DASHBOARD, ConnectError, DatabaseError, run
from connectors.clock import Clock, utc_now
from services.boards.answers import Answer, Period, ask_clickhouse, ask_prometheus
from services.boards.page import SPANS, render
from services.boards.panel import Panel
from services.door import Door

FRESH_S = 5.0
_THERE = "EXISTS TABLE platestream.traffic"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Boards:
    """Asks for panels, one at a time: the page of many viewers costs as much as that of one."""

    def __init__(self, database: Client, prometheus: httpx.Client | None, now: Clock = utc_now) -> None:
        self._database, self._prometheus, self._now = database, prometheus, now
        self._lock = threading.Lock()
        self._kept: dict[int | None, tuple[float, str]] = {}

    def page(self, hours: int | None) -> str:
        """The page, at most FRESH_S old."""
        with self._lock:
            made, text = self._kept.get(hours, (float("-inf"), ""))
            if time.monotonic() - made > FRESH_S:
                text = render(self.ask, self._now(), hours, prometheus=self._prometheus is not None)
                self._kept[hours] = (time.monotonic(), text)
            return text

    def ask(self, panel: Panel, period: Period) -> Answer:
        """One panel; what cannot be asked says why, and the others go on."""
        try:
            if panel.sql:
                return ask_clickhouse(self._database, panel, period)
            assert self._prometheus is not None
            return ask_prometheus(self._prometheus, panel, period)
        except DatabaseError as error:
            return Answer(missing=f"No answer: {error}")
        except httpx.HTTPError as error:
            return Answer(missing=f"No answer from Prometheus: {type(error).__name__}")


def app(boards: Boards) -> Starlette:
    """The page at `/`, `?hours=` one of the page's spans; names of hosts elsewhere are refused."""

    def page(request: Request) -> Response:
        asked = request.query_params.get("hours")
        if asked is not None and asked not in map(str, SPANS):
            return PlainTextResponse(f"hours: one of {', '.join(map(str, SPANS))}\n", 400, HEADERS)
        return HTMLResponse(boards.page(None if asked is None else int(asked)), headers=HEADERS)

    def health(_request: Request) -> Response:
        return PlainTextResponse(f"{datetime.now(UTC).isoformat()}\n", headers=HEADERS)

    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])
    return Starlette(routes=[Route("/", page), Route("/health", health)], middleware=[hosts])


def open_prometheus(url: str) -> httpx.Client | None:
    """A client of a Prometheus, or None where none is named."""
    return httpx.Client(base_url=url, timeout=10) if url else None


def open_boards(door: Door) -> Boards:
    """The boards as their account sees the database of the settings, with the Prometheus that is named there.

    Figures only, so no act: the account reads no plate, no person and no words of an inquiry. Raises
    ConnectError where the tables are not there yet, and DatabaseError.
    """
    client = door.client(DASHBOARD)
    if not run("looking for the boards' tables", lambda: client.query(_THERE)).result_rows[0][0]:
        raise ConnectError("the database has no tables for the boards yet: run `platestream migrate`")
    return Boards(client, open_prometheus(door.settings.prometheus))


Serve = Callable[[Starlette, int], None]


def serve(served: Starlette, port: int) -> None:
    """Until it is stopped, on the loopback address. Raises OSError where the port is taken."""
    import socket

    import uvicorn

    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        config = uvicorn.Config(served, log_level="warning", access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listening])
