"""Server for partner agencies: POST /partner/v1/inquiries and /pictures, and for lists /offers, /standing and
/hits, signed by RFC 9421.

| answer | means |
|---|---|
| 200 | reads, pictures, or the status of offers |
| 401 | the signature is missing, not a partner's, incomplete, old or replayed; the answer is unsigned |
| 403 | refused by the rule that `detail` names, and logged |
| 409 | for lists: older than a later message of that agency |
| 413 | larger than the limit, or without a length |
| 422 | a field is invalid |
| 429 | too often in a minute |
| 503 | the database did not answer |

It has no session, no cookie and no page. A refusal names the rule, and nothing of the stored data.
"""

import logging
import threading

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from platestream.edges.clickhouse_client import DatabaseError
from platestream.partners.config import Serve
from platestream.partners.notifications import NotificationJob
from platestream.partners.server import PartnerServer, UnknownSender
from platestream.partners.signing import Request as Signed
from platestream.runtime.http_server import BodyTimeout, listen, server_config
from platestream.schemas.message import RefusedError
from platestream.schemas.partner import INQUIRIES, LARGEST_REQUEST, PICTURES
from platestream.schemas.partner_lists import PATHS as LISTS
from platestream.settings import Settings

STALLED = 10.0
"""Seconds in which something more of a request must come."""
CONNECTIONS = 200
"""At once; further ones are answered 503."""
log = logging.getLogger(__name__)


def application(desk: PartnerServer, address: str, stalled: float = STALLED) -> Starlette:
    """Return the application; `address` is our address as partners know it, for which their requests are
    signed.
    """

    async def asked(request: Request) -> Response:
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or len(length) > 9 or int(length) > LARGEST_REQUEST:
            return JSONResponse({"detail": f"a request must not exceed {LARGEST_REQUEST:,} bytes"}, 413)
        body = await request.body()
        if len(body) > LARGEST_REQUEST:
            return JSONResponse({"detail": f"a request must not exceed {LARGEST_REQUEST:,} bytes"}, 413)
        return await run_in_threadpool(_answer, desk, _as_signed(request, address), request.url.path, body)

    async def healthy(_request: Request) -> Response:
        return JSONResponse({"ok": True})

    routes = [Route(path, asked, methods=["POST"]) for path in (INQUIRIES, PICTURES, *LISTS)]
    middleware = [Middleware(BodyTimeout, stalled=stalled, whole=2 * stalled)]
    return Starlette(routes=[*routes, Route("/healthy", healthy)], middleware=middleware)


def _as_signed(request: Request, address: str) -> Signed:
    """Return the request as it was signed: for our own address, by any name that it came by."""
    path = request.scope["raw_path"].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    return Signed(request.method, f"{address}{path}" + (f"?{query}" if query else ""), request.headers)


def _answer(desk: PartnerServer, request: Signed, path: str, body: bytes) -> Response:
    """Return an error answer. Unknown callers learn nothing more; the log of this process has the reason."""
    try:
        asking = desk.identify(request, body)
        response = desk.answer(asking, path, body)
        headers = desk.signed(asking, response)
    except UnknownSender as error:
        log.warning("not answered: %s", error)
        return JSONResponse({"detail": "not signed by a partner, or replayed"}, 401)
    except RefusedError as error:
        log.error("not answered: %s", error.detail)
        return JSONResponse({"detail": "not ready"}, 503)
    except (DatabaseError, OSError) as error:
        log.error("not answered: %s", error)
        return JSONResponse({"detail": "the database did not answer"}, 503)
    return Response(response.body, response.status, {**headers, "Cache-Control": "no-store"})


def serve(settings: Settings, options: Serve) -> None:
    """Serve until stopped, and send partners their offers concurrently. Raises OSError if the port is
    taken.
    """
    desk, teller = PartnerServer(settings, options.a_minute), NotificationJob(settings)
    stop = threading.Event()
    with listen(options.host, options.port) as taken:
        tls = {"ssl_certfile": options.certificate, "ssl_keyfile": str(options.key) if options.key else None}
        config = server_config(application(desk, options.address), STALLED, CONNECTIONS, **tls)
        telling = threading.Thread(target=teller.run, args=(stop,), name="telling", daemon=True)
        telling.start()
        try:
            uvicorn.Server(config).run(sockets=[taken])
        finally:
            stop.set()
            telling.join(2)
            teller.close()
            desk.close()
