"""Decoders of uploads and streams, as functions of bytes: servers are opened."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from platestream.cameras.capture_times import camera_time
from platestream.cameras.pushes.formats import FORMATS
from platestream.cameras.pushes.push import parts_of
from platestream.cameras.pushes.simulate import BOUNDARY
from platestream.cameras.sources import ftp_server, http_server, onvif_metadata, rtsp
from platestream.cameras.sources import http as web
from platestream.cameras.sources.upload_auth import SignIn
from platestream.operators.decode import decode_image
from platestream.schemas.camera_read import CameraRead
from tests.fuzz.decoders import SMALL, ZONE
from tests.fuzz.doors import Door, Lines
from tests.fuzz.watch import Decode


def _taken(_camera: str, capture: Any) -> None:
    decode_image(capture.image, SMALL)


def camera_http(_folder: Path) -> Decode:
    sign_in = SignIn({"camera": "secret"}, basic=True, now=lambda: 0.0)
    return Door(
        http_server.application({"camera": "north"}, sign_in, _taken, dict, {"north": ZONE}, SMALL.bytes)
    )


def camera_sign_in(data: bytes) -> None:
    """The header of a request, as Starlette reads it."""
    door = SignIn({"camera": "secret"}, basic=True, now=lambda: 0.0)
    header = data.decode("latin-1")
    door.account(header, "POST", "/a")
    door.stale(header)


def camera_ftp(_folder: Path) -> Decode:
    accounts_ = ({"camera": "north"}, {"camera": "secret"})
    return Lines(ftp_server.server(("127.0.0.1", 0), *accounts_, _taken, {}, SMALL.bytes))


def camera_stream(data: bytes) -> None:
    """A stream of MJPEG in pieces."""
    pieces = (data[at : at + 97] for at in range(0, len(data), 97))
    for result, body in web.parts(pieces, b"--frame", 3_000):
        camera_time(body, result, ZONE)


def push(form: str) -> Callable[[bytes], None]:
    """The body of a device's push, behind a byte that says whether it is a form."""

    def decode(data: bytes) -> None:
        kind = f"multipart/form-data; boundary={BOUNDARY}" if data[:1] == b"m" else ""
        for one in FORMATS[form].parse(parts_of(kind, data[1:]), ZONE):
            msgspec.json.decode(msgspec.json.encode(one.reads), type=tuple[CameraRead, ...])

    return decode


def camera_rtsp(data: bytes) -> None:
    """Decode bytes of RTSP: answers and packets, the sign-in that follows, and a track's documents."""
    inbox, track = rtsp.Inbox(), onvif_metadata.Documents(10_000, packed=data.endswith(b"z"))
    inbox.put(data)
    while (found := inbox.take()) is not None:
        if isinstance(found, rtsp.Packet):
            track.put(found.data)
            continue
        rtsp.authorization("DESCRIBE", "rtsp://camera/", "user:password", found.headers)
        onvif_metadata.metadata_track(found, "rtsp://camera/")
