"""Kinds of cameras, the schemes of their addresses, and the formats of reads that cameras have."""

from typing import Annotated, Literal, get_args

from msgspec import Meta

StreamKind = Literal["rtsp", "mjpeg", "snapshot"]
"""Kinds of cameras that the gateway polls (`platestream.cameras.sources.streams`)."""
Kind = Literal[StreamKind, "events", "onvif", "mqtt", "http", "ftp", "folder", "video"]
UPLOADS = ("http", "ftp")
PushFormat = Literal[
    "hikvision", "axis", "milesight", "platerecognizer", "dahua", "openalpr", "unifi", "frigate", "onvif"
]
"""Formats of `platestream.cameras.pushes`, for cameras that read by themselves."""
PUSHING = ("http", "events", "onvif", "mqtt")
"""Kinds of cameras whose own reads are taken."""
SENDS = (*UPLOADS, "events", "onvif", "mqtt", "folder")
"""Kinds of cameras that choose when to send: usually on motion, and on a timer."""
_HTTP = {"http": 80, "https": 443}
URLS: dict[str, dict[str, int]] = {
    "rtsp": {"rtsp": 554, "rtsps": 322},
    "mjpeg": _HTTP,
    "snapshot": _HTTP,
    "events": _HTTP,
    "onvif": {**_HTTP, "rtsp": 554, "rtsps": 322},
    "mqtt": {"mqtts": 8883, "mqtt": 1883},
}
"""Schemes of the addresses of each kind, with their ports."""
PORTS = {scheme: port for kind in get_args(StreamKind) for scheme, port in URLS[kind].items()}
"""Ports of the addresses that can be polled."""
PATHS = ("path", "credentials_file", "spool", "certificate", "key", "ca", "client_ca")
Part = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]
SHORTEST_TOKEN = 24
LARGEST = 19_000_000
"""Bytes of the largest picture: with its headers it still fits a message of the topic."""
