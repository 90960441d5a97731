"""What partners ask and tell: POST /partner/v1/inquiries and /pictures, and of lists /offers, /standing and
/hits, signed as RFC 9421 has it.

| answer | means |
|---|---|
| 200 | reads, pictures, or what became of offers |
| 401 | not signed by a partner, signed otherwise than is asked for, too old, or played again; not signed |
| 403 | refused by the rule that `detail` names, and on record |
| 409 | of lists: older than what that agency said since |
| 413 | larger than a request is, or of a length that is not said |
| 422 | a field is not as it must be |
| 429 | too often in a minute |
| 503 | the database gave no answer |

It has no session, no cookie and no page. Who is refused hears the rule, and nothing of what is stored.
"""

import logging
import threading
from collections.abc import Mapping

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.clickhouse_client import DatabaseError
from connectors.partners.signing import Request as Signed
from connectors.settings import Settings
from platestream.console.patience import Patience
from platestream.listening import configured, listening
from schemas.message import RefusedError
from schemas.partner import INQUIRIES, LARGEST_REQUEST, PICTURES
from schemas.partner_lists import PATHS as LISTS
from services.partners.answering import Desk, NotKnown
from services.partners.configured import Serve
from services.partners.telling import Teller

STALLED = 10.0
"""Seconds in which something more of a request must come."""
CONNECTIONS = 200
"""At once; further ones are answered 503."""
log = logging.getLogger(__name__)


def application(desk: Desk, address: str, stalled: float = STALLED) -> Starlette:
    """The server; `address` is ours as partners have it, which their requests are signed for."""

    async def asked(request: Request) -> Response:
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or len(length) > 9 or int(length) > LARGEST_REQUEST:
            return JSONResponse({"detail": f"a request has {LARGEST_REQUEST:,} bytes at most"}, 413)
        body = await request.body()
        if len(body) > LARGEST_REQUEST:
            return JSONResponse({"detail": f"a request has {LARGEST_REQUEST:,} bytes at most"}, 413)
        return await run_in_threadpool(_answer, desk, _as_signed(request, address), request.url.path, body)

    async def healthy(_request: Request) -> Response:
        return JSONResponse({"ok": True})

    routes = [Route(path, asked, methods=["POST"]) for path in (INQUIRIES, PICTURES, *LISTS)]
    middleware = [Middleware(Patience, stalled=stalled, whole=2 * stalled)]
    return Starlette(routes=[*routes, Route("/healthy", healthy)], middleware=middleware)


def _as_signed(request: Request, address: str) -> Signed:
    """The request as it was signed: for our own address, whatever name it came by."""
    path = request.scope["raw_path"].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    return Signed(request.method, f"{address}{path}" + (f"?{query}" if query else ""), request.headers)


def _answer(desk: Desk, request: Signed, path: str, body: bytes) -> Response:
    """Whoever is not known hears no more than that; the log of this process says why."""
    try:
        asking = desk.know(request, body)
        said = desk.answer(asking, path, body)
        headers = desk.signed(asking, said)
    except NotKnown as error:
        log.warning("not answered: %s", error)
        return JSONResponse({"detail": "not signed by a partner, or played again"}, 401)
    except RefusedError as error:
        log.error("not answered: %s", error.detail)
        return JSONResponse({"detail": "not ready"}, 503)
    except (DatabaseError, OSError) as error:
        log.error("not answered: %s", error)
        return JSONResponse({"detail": "the database gave no answer"}, 503)
    return Response(said.body, said.status, _with_caching(headers))


def _with_caching(headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, "Cache-Control": "no-store"}


def serve(settings: Settings, told: Serve) -> None:
    """Until it is stopped; partners are told meanwhile what they are offered. Raises OSError where the port
    is taken.
    """
    desk, teller, stop = Desk(settings, told.a_minute), Teller(settings), threading.Event()
    with listening(told.host, told.port) as taken:
        tls = {"ssl_certfile": told.certificate, "ssl_keyfile": str(told.key) if told.key else None}
        config = configured(application(desk, told.address), STALLED, CONNECTIONS, **tls)
        telling = threading.Thread(target=teller.run, args=(stop,), name="telling", daemon=True)
        telling.start()
        try:
            uvicorn.Server(config).run(sockets=[taken])
        finally:
            stop.set()
            telling.join(2)
            teller.close()
            desk.close()
