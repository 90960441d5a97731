"""Server that receives BOLOs by webhook: POST /bolo/{agency}, JSON, signed with the agency's secret (Standard
Webhooks).

| answer | means |
|---|---|
| 200 | on the list, changed, removed, unchanged, or a repeated message: `entry_id` and `done` |
| 401 | the signature is missing, is not this agency's, or is over 5 minutes old |
| 413 | the body is larger than the limit |
| 422 | refused: `lacks` and `because` |
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from platestream.access.inquire import RefusedInquiry
from platestream.hotlist.bolos import BoloResult, fields_of, missing_fields
from platestream.notifications import webhook_signature
from platestream.notifications.senders import read_secret
from platestream.runtime.clock import Clock, utc_now
from platestream.schemas.message import RefusedError

LARGEST = 100_000
REPORT_INTERVAL = timedelta(minutes=1)
"""Between two rows of the log for what came in an agency's name unsigned: strangers could fill it."""

Take = Callable[[str, str, bytes], BoloResult]
Unsigned = Callable[[str, str], None]


def read_secrets(folder: Path) -> dict[str, bytes]:
    """Read the secrets from a folder with one file for each agency, and return agency -> key. Raises
    RefusedError.
    """
    try:
        return {
            file.name: webhook_signature.secret(read_secret(str(file))) for file in sorted(folder.iterdir())
        }
    except (OSError, ValueError) as error:
        raise RefusedError("bolo", f"secrets of agencies: {error}") from None


def application(
    secrets: Mapping[str, bytes], take: Take, unsigned: Unsigned, now: Clock = utc_now
) -> Starlette:
    """Return the server application. `take` turns a signed message into an entry, one at a time. `unsigned`
    records messages that the named agency did not sign.
    """
    recorded: dict[str, datetime] = {}
    one = asyncio.Lock()

    async def refuse(agency: str, why: str) -> Response:
        at = now()
        async with one:
            if agency in secrets and not at - REPORT_INTERVAL < recorded.get(agency, at - REPORT_INTERVAL):
                recorded[agency] = at
                await asyncio.to_thread(unsigned, agency, why)
        return _answer(401, because=why)

    async def bolo(request: Request) -> Response:
        agency = request.path_params["agency"]
        if int(request.headers.get("content-length") or 0) > LARGEST:
            return _answer(413, because="larger than the limit for a BOLO")
        body = await request.body()
        if len(body) > LARGEST:
            return _answer(413, because="larger than the limit for a BOLO")
        try:
            ident = (
                webhook_signature.verify(secrets.get(agency, b""), request.headers, body, now())
                if agency in secrets
                else ""
            )
        except webhook_signature.BadSignature as error:
            return await refuse(agency, str(error))
        if not ident:
            return await refuse(agency, "the signature is not valid for this agency")
        async with one:
            return await asyncio.to_thread(_take, take, agency, ident, body)

    async def healthy(_request: Request) -> Response:
        return JSONResponse({"ok": True})

    routes = [Route("/bolo/{agency}", bolo, methods=["POST"]), Route("/healthy", healthy)]
    return Starlette(routes=routes)


def _take(take: Take, agency: str, ident: str, body: bytes) -> Response:
    try:
        taken = take(agency, ident, body)
    except (RefusedError, RefusedInquiry) as error:
        return _answer(
            422,
            because=error.detail if isinstance(error, RefusedError) else str(error),
            lacks=_missing_fields(body),
        )
    return _answer(200, entry_id=taken.entry_id, done=taken.done)


def _missing_fields(body: bytes) -> list[str]:
    """Return the fields that are missing from a message; none if the message cannot be read."""
    try:
        return missing_fields(fields_of(body))
    except RefusedError:
        return []


def _answer(status: int, **detail: Any) -> Response:
    return JSONResponse(detail, status_code=status)
