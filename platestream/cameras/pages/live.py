"""Live picture of a camera: consecutive pictures in one response, which browsers show as they arrive, without
a script (`multipart/x-mixed-replace`).

The view is logged with its reason before the first picture, and lasts `LASTS`. Each picture is labeled with
its time, and the last one as no longer live, so that nobody mistakes a still picture for the street.
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

from platestream.cameras import live_picture
from platestream.operations.up import live_access, status
from platestream.web import cookies
from platestream.web.page_request import PageRequest

LASTS = timedelta(minutes=2)
SILENT = timedelta(seconds=6)
"""A picture that is older is not what the camera sees now."""
BEAT_S = 0.25
LARGEST = (1280, 960)
STRIP, LETTERS = 36, 22
"""Pixels of the line below a picture, and of its letters."""
_BETWEEN = b"--picture\r\n"


def begin(request: PageRequest, camera: str) -> str:
    """Log a view and return the link of its pictures. Raises as `seeing.begin`."""
    why = request.documentation("case_number", "reason")
    live_access.log_viewing(request.door, camera, **why)
    look = request.session.remember_documentation(why, request.now)
    request.session.change(live_picture=look)
    return request.session.sign_link(_path(look, camera), request.now)


def pictures(request: PageRequest) -> Response:
    """Send the pictures until the view ends."""
    named, query = request.http.path_params, request.http.query_params
    path, ends, sign = _path(named["look"], named["name"]), query.get("ends", ""), query.get("sign", "")
    folder = status.spool(request.door.settings)
    current = named["look"] == request.session.live_picture
    if not current or not request.session.is_valid_link(path, ends, sign, request.now) or folder is None:
        raise HTTPException(403, "This link has expired. Reload its page.")
    return StreamingResponse(
        _parts(request, folder, named["look"], named["name"]),
        media_type="multipart/x-mixed-replace; boundary=picture",
        headers={"Content-Encoding": "identity"},  # compression would send it in blocks
    )


def _path(look: str, camera: str) -> str:
    return f"/live/{look}/{quote(camera)}"


async def _parts(request: PageRequest, folder: Path, look: str, camera: str) -> AsyncIterator[bytes]:
    yield _BETWEEN  # a browser draws a part once the next one begins
    clock, keys, shown, found = request.console.clock, request.door.keys, "", None
    while clock() < request.now + LASTS and await run_in_threadpool(_continues, request, look):
        live_picture.ask(folder, camera)
        found = await run_in_threadpool(live_picture.newest, folder, camera, keys) or found
        text = _status_text(request, found, clock())
        if text != shown:
            shown = text
            yield await run_in_threadpool(_part, found, text)
        await asyncio.sleep(BEAT_S)
    yield await run_in_threadpool(_part, found, f"{camera}: no longer live")


def _continues(request: PageRequest, look: str) -> bool:
    """Return whether the person is signed in and has no other view open. An open picture keeps no session
    alive.
    """
    session = request.console.session(cookies.session_token(request.http), used=False)
    return session is not None and session.key == request.session.key and session.live_picture == look


def _status_text(request: PageRequest, found: live_picture.Picture | None, now: datetime) -> str:
    if found is None:
        return "waiting for a picture" if now - request.now < SILENT else "no picture from this camera"
    at = found.at.astimezone(request.console.zone)
    # Tenths of a second, so that each new picture has a new line.
    came = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 100_000} {at:%Z}"
    return f"live, {came}" if now - found.at < SILENT else f"not live: last picture {came}"


def _part(found: live_picture.Picture | None, text: str) -> bytes:
    jpeg = drawn(found.image if found else b"", text)
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n" + _BETWEEN


def drawn(image: bytes, text: str) -> bytes:
    """Return the picture (JPEG, PNG or WebP; empty: none) as a JPEG of at most `LARGEST`, with a caption
    below it.
    """
    seen = Image.open(io.BytesIO(image)) if image else Image.new("RGB", (640, 360))
    seen.draft("RGB", LARGEST)
    seen.thumbnail(LARGEST)
    whole = Image.new("RGB", (max(seen.width, 640), seen.height + STRIP))
    whole.paste(seen.convert("RGB"))
    ImageDraw.Draw(whole).text((8, seen.height + 5), text, "white", font_size=LETTERS)
    made = io.BytesIO()
    whole.save(made, "JPEG", quality=80)
    return made.getvalue()
