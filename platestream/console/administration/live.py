"""What a camera sees now, on its page: pictures one after the other in one answer, which browsers show as
they come, without a script (`multipart/x-mixed-replace`).

A look is on record, with why, before the first picture, and lasts `LASTS`. Below each picture stands when it
came, and below the last one that it is no longer live: nobody takes a still picture for the street.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from PIL import Image, ImageDraw
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from platestream.console import cookies
from platestream.console.visit import Visit
from services.cameras import live, seeing
from services.door import Why

LASTS = timedelta(minutes=2)
SILENT = timedelta(seconds=6)
"""A picture that is older is not what the camera sees now."""
BEAT_S = 0.25
LARGEST = (1280, 960)
STRIP, LETTERS = 36, 22
"""Pixels of the line below a picture, and of its letters."""
_BETWEEN = b"--picture\r\n"


def begin(visit: Visit, camera: str) -> str:
    """Put a look on record; the link of its pictures. Raises as `seeing.begin`."""
    why: Why = {"case_number": visit.said("case_number"), "reason": visit.said("reason")}
    seeing.begin(visit.door, camera, **why)
    visit.session.watching = look = visit.session.remember(why)
    return visit.session.sign(_path(look, camera), visit.now)


def pictures(visit: Visit) -> Response:
    """The pictures, until the look ends."""
    asked, query = visit.request.path_params, visit.request.query_params
    path, ends, sign = _path(asked["look"], asked["name"]), query.get("ends", ""), query.get("sign", "")
    folder = seeing.handed_over(visit.door.settings)
    current = asked["look"] == visit.session.watching
    if not current or not visit.session.signed(path, ends, sign, visit.now) or folder is None:
        raise HTTPException(403, "This link has ended: load its page again.")
    return StreamingResponse(
        _parts(visit, folder, asked["look"], asked["name"]),
        media_type="multipart/x-mixed-replace; boundary=picture",
        headers={"Content-Encoding": "identity"},  # compressed, it would come in blocks
    )


def _path(look: str, camera: str) -> str:
    return f"/live/{look}/{quote(camera)}"


async def _parts(visit: Visit, folder: Path, look: str, camera: str) -> AsyncIterator[bytes]:
    yield _BETWEEN  # a browser draws a part when it sees the next one begin
    clock, shown, found = visit.console.clock, "", None
    while clock() < visit.now + LASTS and await run_in_threadpool(_goes_on, visit, look):
        live.ask(folder, camera)
        found = await run_in_threadpool(live.newest, folder, camera) or found
        said = _said(visit, found, clock())
        if said != shown:
            shown = said
            yield await run_in_threadpool(_part, found, said)
        await asyncio.sleep(BEAT_S)
    yield await run_in_threadpool(_part, found, f"{camera}: no longer live")


def _goes_on(visit: Visit, look: str) -> bool:
    """Whether the person is signed in and looks at nothing else. An open picture keeps no session alive."""
    session = visit.console.session(cookies.token(visit.request), used=False)
    return session is visit.session and session.watching == look


def _said(visit: Visit, found: live.Picture | None, now: datetime) -> str:
    if found is None:
        return "waiting for a picture" if now - visit.now < SILENT else "no picture comes from this camera"
    at = found.at.astimezone(visit.console.zone)
    # Tenths, so that each new picture is a new line.
    came = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 100_000} {at:%Z}"
    return f"live, {came}" if now - found.at < SILENT else f"not live: the last picture is of {came}"


def _part(found: live.Picture | None, said: str) -> bytes:
    jpeg = drawn(found.image if found else b"", said)
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n" + _BETWEEN


def drawn(image: bytes, said: str) -> bytes:
    """The picture (JPEG, PNG or WebP; empty: none) as a JPEG of at most `LARGEST`, with a line below it."""
    seen = Image.open(io.BytesIO(image)) if image else Image.new("RGB", (640, 360))
    seen.draft("RGB", LARGEST)
    seen.thumbnail(LARGEST)
    whole = Image.new("RGB", (max(seen.width, 640), seen.height + STRIP))
    whole.paste(seen.convert("RGB"))
    ImageDraw.Draw(whole).text((8, seen.height + 5), said, "white", font_size=LETTERS)
    made = io.BytesIO()
    whole.save(made, "JPEG", quality=80)
    return made.getvalue()
