"""The API as an application, to be mounted at /api; its description is /api/openapi.json.

What is asked stands in bodies, never in addresses: a plate, a case number or a reason would end in the logs
of proxies. So every look at data but that of one hit by its id is a POST.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from platestream.console.api import hits, hotlist, inquiries, log
from platestream.console.failures import FAILURES, said_of

if TYPE_CHECKING:
    from platestream.console.app import Console

LARGEST = 100_000
"""Bytes of a body."""
ABOUT = """
Each request carries a token: `Authorization: Bearer …`, made by the ALPR administrator with
`platestream token make`. A program speaks for one person; what it does is done by that person, judged by the
same rules and on record in the inquiry log as on the pages of the console, with the tool `api/PROGRAM`.

Every look at data is documented: a case number or a reason, and a purpose where the agency lists purposes.
Refusals name the rule (403) or what is missing (409), as `application/problem+json` (RFC 9457).

An alert hit is no ground for a stop: each carries `notice` and `next_steps`, the steps that may follow now.
"""


def app(console: "Console") -> FastAPI:
    """The application."""
    failures: dict[Any, Any] = {
        **dict.fromkeys(FAILURES, _failed),
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
        middleware=[Middleware(_Small)],
        responses={code: _described(code) for code in (400, 401, 403, 409, 413, 422, 429, 503)},
    )
    made.state.console = console
    for part in (hits, inquiries, hotlist, log):
        made.include_router(part.router)
    return made


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """A refusal or failure in the form of RFC 9457."""
    told = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(told, status, headers, media_type="application/problem+json")


def _described(code: int) -> dict[str, Any]:
    fields = {"title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}}
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return {
        "description": HTTPStatus(code).phrase,
        "content": {"application/problem+json": {"schema": schema}},
    }


def _failed(_request: Request, error: Exception) -> Response:
    return problem(*said_of(error))


def _problem_of_http(_request: Request, error: HTTPException) -> Response:
    return problem(error.status_code, error.detail, dict(error.headers or {}))


def _invalid(_request: Request, error: RequestValidationError) -> Response:
    """Names the fields, and not what was in them."""
    wrong = [
        {"field": ".".join(map(str, one["loc"][1:])) or str(one["loc"][0]), "because": one["msg"]}
        for one in error.errors()
    ]
    return problem(422, "Some fields cannot be taken.", fields=wrong)


class _Small:
    """Refuses bodies that are too large, or do not say how large they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: ASGIApp = self._app
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            length = headers.get(b"content-length", b"0")
            if b"transfer-encoding" in headers or not length.isdigit() or int(length[:12]) > LARGEST:
                answer = problem(413, f"A request may have {LARGEST // 1000} kB, and says how many it has.")
        await answer(scope, receive, send)
