"""BOLOs by webhook: POST /bolo/{agency}, JSON, signed with the agency's own secret (Standard Webhooks).

| answer | means |
|---|---|
| 200 | on the list, changed, removed, or known already: `entry_id` and `done` |
| 401 | not signed by this agency, or played again |
| 413 | larger than a BOLO is |
| 422 | refused: `lacks` and `because` |
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
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
from services.hotlist.bolos import Taken, lacking

LARGEST = 100_000
REMEMBERED = 10_000  # ids, far more than come in the 5 minutes that a signature holds

Take = Callable[[str, Mapping[str, Any]], Taken]


def read_secrets(folder: Path) -> dict[str, bytes]:
    """Agency -> key, from a folder with one file for each agency. Raises RefusedError."""
    try:
        return {file.name: signed.secret(read_secret(str(file))) for file in sorted(folder.iterdir())}
    except (OSError, ValueError) as error:
        raise RefusedError("bolo", f"secrets of agencies: {error}") from None


def application(secrets: Mapping[str, bytes], take: Take, now: Clock = utc_now) -> Starlette:
    """The server; `take` makes a BOLO an entry, one at a time."""
    seen = _Seen()
    one = asyncio.Lock()

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
            return _answer(401, because=str(error))
        if not ident:
            return _answer(401, because="not signed by this agency")
        async with one:
            if (before := seen.get(f"{agency}/{ident}")) is not None:
                return before
            answer = await asyncio.to_thread(_take, take, agency, body)
            seen.put(f"{agency}/{ident}", answer, now())
        return answer

    async def healthy(_request: Request) -> Response:
        return JSONResponse({"ok": True})

    routes = [Route("/bolo/{agency}", bolo, methods=["POST"]), Route("/healthy", healthy)]
    return Starlette(routes=routes)


def _take(take: Take, agency: str, body: bytes) -> Response:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return _answer(422, because="no JSON")
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        return _answer(422, because="an object of fields with text is expected")
    try:
        taken = take(agency, told)
    except RefusedError as error:
        return _answer(422, because=error.detail, lacks=lacking(told))
    return _answer(200, entry_id=taken.entry_id, done=taken.done)


def _answer(status: int, **told: Any) -> Response:
    return JSONResponse(told, status_code=status)


class _Seen:
    """Answers by id, so that what is sent again is answered again and not taken again."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, tuple[Response, datetime]] = OrderedDict()

    def get(self, ident: str) -> Response | None:
        found = self._answers.get(ident)
        return None if found is None else found[0]

    def put(self, ident: str, answer: Response, at: datetime) -> None:
        self._answers[ident] = (answer, at)
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
