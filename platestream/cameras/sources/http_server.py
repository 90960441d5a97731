"""HTTP server for uploads: a picture as the body or in a form (`multipart/form-data`), by POST or PUT, and
for the pushes of cameras that read by themselves.

Any path is accepted; the camera is identified by its client certificate, its account, or its token as the
first part of the path. A 200 means that the frame is on the disk. Other answers: 401 not signed in, 408 too
slow, 413 too large, 415 and 422 not an acceptable picture or push, 429 too fast or too many at once, 503 the
spool is full.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from python_multipart.multipart import parse_options_header
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from platestream.cameras.capture import Accept, Capture
from platestream.cameras.capture_times import camera_time
from platestream.cameras.picture_places import headers_place
from platestream.cameras.pushes.push import Format, Push, parts_of
from platestream.cameras.sources.client_certificates import ClientCertificates
from platestream.cameras.sources.upload_auth import SignIn, is_same_password
from platestream.runtime.clock import Clock, utc_now
from platestream.runtime.http_connection import CLIENT_CERTIFICATE
from platestream.schemas.message import RefusedError

HEADER_SECONDS = 10.0
"""Time limit for the head of an upload."""
AT_ONCE = 16
"""Uploads of one camera at the same time. Each may hold `largest` bytes of memory."""
STATUS = {"bytes": 413, "not_a_picture": 415, "rate": 429, "spool": 503}


@dataclass(frozen=True)
class Pushes:
    """The cameras that read by themselves: their formats, what receives their heartbeats and the pushes that
    cannot be used, and the cameras of tokens and of client certificates.
    """

    formats: Mapping[str, Format] = field(default_factory=dict)
    alive: Callable[[str, datetime], None] = lambda _camera, _at: None
    refuse: Callable[[str, bytes, RefusedError, datetime], None] = lambda *_: None
    tokens: Mapping[str, str] = field(default_factory=dict)
    certificates: ClientCertificates = field(default_factory=ClientCertificates)

    def camera_of(self, path: str) -> str | None:
        """Return the camera whose token is the first part of the path."""
        given = path.lstrip("/").partition("/")[0]
        found = None
        for token, camera in self.tokens.items():
            if is_same_password(token, given):
                found = camera
        return found


def application(
    cameras: Mapping[str, str],
    sign_in: SignIn,
    accept: Accept,
    health: Callable[[], Any],
    zones: Mapping[str, tzinfo],
    largest: int,
    body_seconds: float = 30.0,
    pushes: Pushes = Pushes(),
    now: Clock = utc_now,
) -> Starlette:
    """Return the server application.

    `cameras` maps each account to its camera, `zones` each camera to its time zone.
    """

    uploads = Counter[str]()

    async def upload(request: Request) -> Response:
        header, target = request.headers.get("authorization", ""), _target(request)
        camera = pushes.certificates.camera_of(request.scope.get("state", {}).get(CLIENT_CERTIFICATE))
        if camera is None:
            account = sign_in.account(header, request.method, target)
            camera = pushes.camera_of(request.url.path) if account is None else cameras[account]
        if camera is None:
            answer = _answer(401, "sign in as the camera's account")
            for challenge in sign_in.challenges(sign_in.stale(header)):
                answer.headers.append("www-authenticate", challenge)
            return answer
        if uploads[camera] >= AT_ONCE:
            return _answer(429, f"more than {AT_ONCE} uploads at the same time")
        uploads[camera] += 1
        try:
            return await upload_of(camera, request)
        finally:
            uploads[camera] -= 1

    async def upload_of(camera: str, request: Request) -> Response:
        try:
            async with asyncio.timeout(body_seconds):
                body = await _body(request, largest)
            kind = request.headers.get("content-type", "")
            if (form := pushes.formats.get(camera)) is not None and not kind.startswith("image/"):
                await asyncio.to_thread(push, camera, form, kind, body)
                return JSONResponse(dict(form.answer))
            image = _picture(request, body)
            taken_at = camera_time(image, request.headers, zones.get(camera, UTC))
            place = headers_place(request.headers)
            made = Capture(now(), image, camera_time=taken_at, place=place)
            await asyncio.to_thread(accept, camera, made)
        except RefusedError as error:
            return _answer(STATUS.get(error.reason, 422), error.detail)
        except TimeoutError:
            return _answer(408, f"the picture took longer than {body_seconds:.0f} s")
        except ClientDisconnect:
            return _answer(400, "the connection ended before the picture did")
        return _answer(200, "kept")

    def push(camera: str, form: Format, kind: str, body: bytes) -> None:
        """Accept what can be used of a push; the rest is refused, and so becomes a dead letter."""
        at, done, fault = now(), False, None
        try:
            found = form.parse(parts_of(kind, body), zones.get(camera, UTC))
        except RefusedError as error:
            found, fault = [], error
        for one in found:
            accepted, wrong = _accept(accept, camera, one, at)
            done, fault = done or accepted, fault or wrong
        if fault is not None:
            pushes.refuse(camera, body, fault, at)
            if not done:
                raise fault
        elif not found:
            pushes.alive(camera, at)

    async def healthy(_request: Request) -> Response:
        return JSONResponse(health())

    return Starlette(
        routes=[Route("/healthy", healthy), Route("/{path:path}", upload, methods=["POST", "PUT"])]
    )


def _accept(accept: Accept, camera: str, push: Push, at: datetime) -> tuple[bool, RefusedError | None]:
    """Accept a push; return whether something of it was, and what could not be used.

    Raises RefusedError if the camera is to send it again.
    """
    fault = RefusedError("push", push.fault) if push.fault else None
    for picture in push.pictures:
        try:
            accept(camera, _capture(push, at, picture))
        except RefusedError as error:
            if STATUS.get(error.reason) in (429, 503):
                raise
            fault = fault or error
        else:
            return True, fault
    if not push.reads:
        return not fault, fault
    try:
        accept(camera, _capture(push, at))
    except RefusedError as error:
        if STATUS.get(error.reason) in (429, 503):
            raise
        return False, fault or error
    return True, fault


def _capture(push: Push, at: datetime, picture: bytes = b"") -> Capture:
    return Capture(at, picture, camera_time=push.at, reads=push.reads, place=push.place, number=push.number)


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
    """Return the body itself, or the first picture of a form. Raises RefusedError."""
    content_type = request.headers.get("content-type", "")
    if parse_options_header(content_type)[0] != b"multipart/form-data":
        return body
    try:
        parts = parts_of(content_type, body)
    except RefusedError as error:
        raise RefusedError("not_a_picture", error.detail) from error
    pictures = (bytes(part.data) for part in parts if part.is_picture)
    if (first := next(pictures, None)) is None:
        raise RefusedError("not_a_picture", "a form without a picture")
    return first


def _target(request: Request) -> str:
    path = bytes(request.scope.get("raw_path") or request.url.path.encode()).decode("latin-1")
    query = bytes(request.scope["query_string"]).decode("latin-1")
    return f"{path}?{query}" if query and "?" not in path else path


def _answer(status: int, text: str) -> JSONResponse:
    return JSONResponse({"ok": status == 200, "said": text}, status_code=status)
