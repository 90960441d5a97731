"""Uploads by HTTP: a picture as the body, or in a form (`multipart/form-data`), by POST or PUT on any path.

The account is the camera. A 200 says that the frame is on the disk. Answers: 401 not signed in, 408 too slow,
413 too large, 415 and 422 no picture that is taken in, 429 too fast, 503 the spool is full.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from typing import Any

from python_multipart import FormParser
from python_multipart.multipart import parse_options_header
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.cameras.capture import Accept, Capture
from connectors.cameras.sign_in import SignIn
from connectors.cameras.times import told_at
from connectors.clock import Clock, utc_now
from schemas.message import RefusedError

HEADER_SECONDS = 10.0
"""In which the head of an upload must have come."""
STATUS = {"bytes": 413, "not_a_picture": 415, "rate": 429, "spool": 503}


def application(
    cameras: Mapping[str, str],
    sign_in: SignIn,
    accept: Accept,
    health: Callable[[], Any],
    zones: Mapping[str, tzinfo],
    largest: int,
    body_seconds: float = 30.0,
    now: Clock = utc_now,
) -> Starlette:
    """The server. `cameras` is the camera of each account, `zones` each camera's time zone."""

    async def upload(request: Request) -> Response:
        header, target = request.headers.get("authorization", ""), _target(request)
        account = sign_in.account(header, request.method, target)
        if account is None:
            answer = _answer(401, "sign in as the camera's account")
            for challenge in sign_in.challenges(sign_in.stale(header)):
                answer.headers.append("www-authenticate", challenge)
            return answer
        camera = cameras[account]
        try:
            async with asyncio.timeout(body_seconds):
                image = _picture(request, await _body(request, largest))
            told = told_at(image, request.headers, zones.get(camera, UTC))
            await asyncio.to_thread(accept, camera, Capture(now(), image, told_at=told))
        except RefusedError as error:
            return _answer(STATUS.get(error.reason, 422), error.detail)
        except TimeoutError:
            return _answer(408, f"the picture took longer than {body_seconds:.0f} s")
        except ClientDisconnect:
            return _answer(400, "the connection ended before the picture did")
        return _answer(200, "kept")

    async def healthy(_request: Request) -> Response:
        return JSONResponse(health())

    return Starlette(
        routes=[Route("/healthy", healthy), Route("/{path:path}", upload, methods=["POST", "PUT"])]
    )


async def _body(request: Request, largest: int) -> bytes:
    if int(request.headers.get("content-length") or 0) > largest:
        raise RefusedError("bytes", f"more than {largest} bytes")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > largest:
            raise RefusedError("bytes", f"more than {largest} bytes")
    return bytes(body)


def _picture(request: Request, body: bytes) -> bytes:
    """The body itself, or of a form its first file. Raises RefusedError."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        return body
    files: list[bytes] = []

    def keep(file: Any) -> None:
        file.file_object.seek(0)
        files.append(file.file_object.read())

    try:
        parser = FormParser(
            "multipart/form-data",
            None,
            keep,
            boundary=options[b"boundary"],
            config={"MAX_MEMORY_FILE_SIZE": len(body) + 1, "MAX_BODY_SIZE": len(body) + 1},
        )
        parser.write(body)
        parser.finalize()
    except Exception as error:  # the parser's own kinds, and what odd forms lead it to
        raise RefusedError("not_a_picture", "a form that cannot be read") from error
    if not files:
        raise RefusedError("not_a_picture", "a form without a file")
    return files[0]


def _target(request: Request) -> str:
    path = bytes(request.scope.get("raw_path") or request.url.path.encode()).decode("latin-1")
    query = bytes(request.scope["query_string"]).decode("latin-1")
    return f"{path}?{query}" if query and "?" not in path else path


def _answer(status: int, said: str) -> JSONResponse:
    return JSONResponse({"ok": status == 200, "said": said}, status_code=status)
