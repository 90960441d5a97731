"""BOLOs by webhook: POST /bolo/{agency}, JSON, signed with the agency's own secret (Standard Webhooks).

| answer | means |
|---|---|
| 200 | on the list, changed, removed, unchanged, or a repeated message: `entry_id` and `done` |
| 401 | not signed by this agency, or over 5 minutes ago |
| 413 | larger than a BOLO is |
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

from connectors.clock import Clock, utc_now
from connectors.notify import signed
from connectors.notify.senders import read_secret
from schemas.message import RefusedError
from services.hotlist.bolos import Taken, fields_of, lacking
from services.inquiries.gate import RefusedInquiry

LARGEST = 100_000
APART = timedelta(minutes=1)
"""Between two rows of the log for what came in an agency's name unsigned: strangers could fill it."""

Take = Callable[[str, str, bytes], Taken]
Unsigned = Callable[[str, str], None]


def read_secrets(folder: Path) -> dict[str, bytes]:
    """Agency -> key, from a folder with one file for each agency. Raises RefusedError."""
    try:
        return {file.name: signed.secret(read_secret(str(file))) for file in sorted(folder.iterdir())}
    except (OSError, ValueError) as error:
        raise RefusedError("bolo", f"secrets of agencies: {error}") from None


def application(
    secrets: Mapping[str, bytes], take: Take, unsigned: Unsigned, now: Clock = utc_now
) -> Starlette:
    """The server; `take` makes a signed message an entry, one at a time, and `unsigned` records what is not
    signed by the agency that it names.
    """
    recorded: dict[str, datetime] = {}
    one = asyncio.Lock()

    async def refuse(agency: str, why: str) -> Response:
        at = now()
        async with one:
            if agency in secrets and not at - APART < recorded.get(agency, at - APART):
                recorded[agency] = at
                await asyncio.to_thread(unsigned, agency, why)
        return _answer(401, because=why)

    async def bolo(request: Request) -> Response:
        agency = request.path_params["agency"]
        if int(request.headers.get("content-length") or 0) > LARGEST:
            return _answer(413, because="larger than a BOLO is")
        body = await request.body()
        if len(body) > LARGEST:
            return _answer(413, because="larger than a BOLO is")
        try:
            ident = (
                signed.verify(secrets.get(agency, b""), request.headers, body, now())
                if agency in secrets
                else ""
            )
        except signed.BadSignature as error:
            return await refuse(agency, str(error))
        if not ident:
            return await refuse(agency, "not signed by this agency")
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
            422, because=error.detail if isinstance(error, RefusedError) else str(error), lacks=_lacks(body)
        )
    return _answer(200, entry_id=taken.entry_id, done=taken.done)


def _lacks(body: bytes) -> list[str]:
    """The fields that a message lacks; none of one that cannot be read."""
    try:
        return lacking(fields_of(body))
    except RefusedError:
        return []


def _answer(status: int, **told: Any) -> Response:
    return JSONResponse(told, status_code=status)
