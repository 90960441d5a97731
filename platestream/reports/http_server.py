"""Server of the public page. It reads one file of figures, and no database, topic or picture."""

import logging
from collections.abc import Sequence
from datetime import UTC, date, timedelta
from importlib.resources import files
from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from platestream.reports import charts
from platestream.reports.public_figures import (
    MANY_COMPARED,
    MONTHS,
    SMALL,
    PublicFigures,
    month_starts,
    stored,
)
from platestream.runtime.clock import Clock, utc_now
from platestream.settings import Settings
from platestream.web.rendering import Templates

log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "public, max-age=600",
}
FILES = {
    **{
        name: Path(str(files("platestream.web").joinpath("static", name)))
        for name in ("console.css", "icon.svg")
    },
    "public.css": Path(str(files("platestream.reports").joinpath("static", "public.css"))),
}


def app(settings: Settings, clock: Clock = utc_now) -> Starlette:
    """Return the application: the page at `/`, its figures at `/figures.json`, its styles and icon."""
    templates = Templates(UTC, "")

    def page(_request: Request) -> Response:
        found = stored(settings)
        current = month_starts(clock())[-1]
        shown = templates.page(
            "public_page.html",
            roles=(),
            figures=found,
            months=_months(found) if found else (),
            charts=charts,
            small=SMALL,
            many=MANY_COMPARED,
            current=current,
            next=_next(current),
        )
        return HTMLResponse(shown, headers=HEADERS)

    def figures(_request: Request) -> Response:
        found = stored(settings)
        if found is None:
            return PlainTextResponse("no figures have been counted yet\n", 404, HEADERS)
        return Response(msgspec.json.encode(found), media_type="application/json", headers=HEADERS)

    def file(request: Request) -> Response:
        return FileResponse(FILES[request.url.path.rpartition("/")[2]], headers=HEADERS)

    def health(_request: Request) -> Response:
        return PlainTextResponse("up\n", headers={**HEADERS, "Cache-Control": "no-store"})

    def missing(_request: Request, _error: Exception) -> Response:
        return PlainTextResponse("This page does not exist.\n", 404, HEADERS)

    def failed(_request: Request, error: Exception) -> Response:
        log.error("the public figures cannot be shown: %s", type(error).__name__)
        return PlainTextResponse("The figures cannot be shown at the moment.\n", 500, HEADERS)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/figures.json", figures),
            *(Route(f"/{name}", file) for name in FILES),
            Route("/health", health),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)],
        exception_handlers={404: missing, Exception: failed},
    )


def _months(found: PublicFigures) -> Sequence[date]:
    """Return the first day of each of the twelve months."""
    starts = [found.since]
    while len(starts) < MONTHS:
        starts.append(_next(starts[-1]))
    return starts


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)
