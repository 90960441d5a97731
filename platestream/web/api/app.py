"""API application, mounted at /api, with its description at /api/openapi.json.

Queries are sent in bodies, never in addresses, because a plate, a case number or a reason would end up in the
logs of proxies. So every query is a POST, except that of one hit by its id.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from platestream.access.door import UnconfirmedError
from platestream.audit import api as log
from platestream.hits import api as hits
from platestream.hotlist import api as hotlist
from platestream.inquiries import api as inquiries
from platestream.web.failures import FAILURES, error_response

if TYPE_CHECKING:
    from platestream.web.console import Console

LARGEST = 100_000
"""Bytes of a body."""
ABOUT = """
Each request carries a token: `Authorization: Bearer …`, made by the ALPR administrator with
`platestream token make`. A program acts for one person. Its acts are acts of that person, authorized by the
same rules and logged in the inquiry log as on the pages of the console, with the tool `api/PROGRAM`.

Every query is documented by a case number or a reason, and by a purpose if the agency lists purposes.
Refusals name the rule (403) or the missing step (409), as `application/problem+json` (RFC 9457).

An alert hit is no ground for a stop: each carries `notice` and `next_steps`, the steps that may follow now.
"""


def app(console: "Console") -> FastAPI:
    """Return the application."""
    failures: dict[Any, Any] = {
        **dict.fromkeys((*FAILURES, UnconfirmedError), _problem_of_error),
        HTTPException: _problem_of_http,
        RequestValidationError: _invalid,
    }
    made = FastAPI(
        title="Platestream",
        version="1",
        summary="Alert hits, inquiries, the hot list and the inquiry log.",
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        exception_handlers=failures,
        middleware=[Middleware(_BodyLimit)],
        responses={code: _problem_schema(code) for code in (400, 401, 403, 409, 413, 422, 429, 503)},
    )
    made.state.console = console
    for part in (hits, inquiries, hotlist, log):
        made.include_router(part.router)
    return made


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """Return a refusal or failure in the form of RFC 9457."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def _problem_schema(code: int) -> dict[str, Any]:
    fields = {"title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}}
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return {
        "description": HTTPStatus(code).phrase,
        "content": {"application/problem+json": {"schema": schema}},
    }


def _problem_of_error(_request: Request, error: Exception) -> Response:
    return problem(*error_response(error))


def _problem_of_http(_request: Request, error: HTTPException) -> Response:
    return problem(error.status_code, error.detail, dict(error.headers or {}))


def _invalid(_request: Request, error: RequestValidationError) -> Response:
    """Name the invalid fields, without their contents."""
    wrong = [
        {"field": ".".join(map(str, one["loc"][1:])) or str(one["loc"][0]), "because": one["msg"]}
        for one in error.errors()
    ]
    return problem(422, "Some fields are invalid.", fields=wrong)


class _BodyLimit:
    """Middleware that refuses bodies that are too large or do not state their size."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: ASGIApp = self._app
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            length = headers.get(b"content-length", b"0")
            if b"transfer-encoding" in headers or not length.isdigit() or int(length[:12]) > LARGEST:
                answer = problem(413, f"A request must state its length, of at most {LARGEST // 1000} kB.")
        await answer(scope, receive, send)
