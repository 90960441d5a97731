"""Checks of the tables of the gateway's configuration, and the reading of addresses and accounts in it."""

from pathlib import Path
from typing import TYPE_CHECKING, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from platestream.cameras.kinds import PUSHING, SHORTEST_TOKEN, UPLOADS, URLS, StreamKind
from platestream.cameras.masks import MOST, check_shape
from platestream.cameras.sources.client_certificates import identity
from platestream.runtime.private_file import open_to_others
from platestream.schemas.message import RefusedError

if TYPE_CHECKING:
    from platestream.cameras.config import Camera, HealthByMqtt


def check_camera(camera: "Camera") -> None:
    """Check the table of a camera. Raises ValueError and OSError."""
    if camera.gpsd:
        address(camera.gpsd)
        if not camera.moves or camera.kind not in get_args(StreamKind):
            raise ValueError(f"`gpsd` is for cameras that move, of kind {', '.join(get_args(StreamKind))}")
    elif camera.moves and camera.kind not in (*UPLOADS, "folder"):
        raise ValueError(
            f"kind {camera.kind} has no place of each picture: `moves` is for http, ftp and folder, or needs "
            "`gpsd`"
        )
    if camera.kind in URLS:
        parts = urlsplit(camera.url)
        if parts.scheme not in URLS[camera.kind] or not parts.hostname:
            raise ValueError(f"`url` must start with {' or '.join(s + '://' for s in URLS[camera.kind])}")
        if parts.username is not None:
            raise ValueError("`url` holds a name or password: put them into `credentials_file`")
    if camera.kind in ("folder", "video") and camera.path is None:
        raise ValueError(f"kind {camera.kind} needs `path`")
    if camera.client_certificate:
        if camera.kind != "http" or camera.credentials_file is not None:
            raise ValueError("`client_certificate` is for kind http, without `credentials_file`")
        identity(camera.client_certificate)
    elif camera.kind in UPLOADS and camera.credentials_file is None:
        raise ValueError(f"kind {camera.kind} needs `credentials_file`: the account that it uploads with")
    if (camera.format and camera.kind not in PUSHING) or (camera.token and camera.kind != "http"):
        raise ValueError(f"`format` is for kinds {', '.join(PUSHING)}, `token` for kind http")
    _check_broker(camera)
    if camera.kind == "events" and camera.format is None:
        raise ValueError("kind events needs `format`")
    if camera.kind == "onvif" and camera.format != "onvif":
        raise ValueError("kind onvif needs `format` onvif")
    if camera.crop and not (camera.crop[0] < camera.crop[2] and camera.crop[1] < camera.crop[3]):
        raise ValueError("`crop` is left, top, right, bottom, each a share from 0 to 1, left before right")
    _check_shapes(camera)
    try:
        ZoneInfo(camera.time_zone)
    except (KeyError, ValueError):
        raise ValueError(f"`time_zone` {camera.time_zone!r} is not known, as America/Phoenix is") from None
    password = credentials(camera).partition(":")[2]
    if camera.token and not (len(password) >= SHORTEST_TOKEN and password.isascii() and password.isalnum()):
        raise ValueError(
            f"`token` needs a password of at least {SHORTEST_TOKEN} letters and digits: it is in the path"
        )


def _check_broker(camera: "Camera") -> None:
    if camera.kind != "mqtt":
        if camera.source or camera.ca or camera.certificate or camera.key or camera.pictures:
            raise ValueError("`source`, `ca`, `certificate`, `key` and `pictures` are for kind mqtt")
        return
    if camera.format != "frigate":
        raise ValueError("kind mqtt needs `format` frigate")
    if not camera.source:
        raise ValueError("kind mqtt needs `source`: the camera's name in Frigate")
    topic = urlsplit(camera.url).path.strip("/")
    if not topic or set(camera.url) & set("+#?"):
        raise ValueError("`url` must end with Frigate's topic, as mqtts://host/frigate, without + # ?")
    if camera.pictures and not camera.pictures.startswith(("http://", "https://")):
        raise ValueError("`pictures` must start with http:// or https://")


def check_health(found: "HealthByMqtt") -> None:
    """Check the table of the health. Raises ValueError and OSError."""
    parts = urlsplit(found.url)
    if parts.scheme not in URLS["mqtt"] or not parts.hostname or not parts.path.strip("/"):
        raise ValueError("`url` must be an address and a topic, as mqtts://host/alpr/health")
    if set(found.url) & set("+#?"):
        raise ValueError("`url` has a topic with + # ?")
    if parts.username is not None:
        raise ValueError("`url` holds a name or password: put them into `credentials_file`")
    if found.credentials_file is not None:
        read_credentials(found.credentials_file)


def _check_shapes(camera: "Camera") -> None:
    if len(camera.mask) > MOST:
        raise ValueError(f"`mask` has more than {MOST} shapes")
    if camera.format and (camera.mask or camera.area):
        raise ValueError(
            "`mask` and `area` are not for a camera with `format`: mask its own reads in the camera"
        )
    shapes = [("area", camera.area)] if camera.area else []
    for name, shape in (*shapes, *(("mask", one) for one in camera.mask)):
        try:
            check_shape(shape)
        except ValueError as error:
            raise ValueError(f"`{name}` {error}") from None


def credentials(camera: "Camera") -> str:
    """Return `user:password` from the camera's file, empty without one. Raises ValueError and OSError."""
    return "" if camera.credentials_file is None else read_credentials(camera.credentials_file)


def read_credentials(path: Path) -> str:
    """Return the `user:password` of a file that others cannot read. Raises ValueError and OSError."""
    if open_to_others(path):
        raise ValueError(f"{path} may be read by others: chmod 600")
    text = path.read_text(encoding="utf-8").strip()
    if ":" not in text or "\n" in text:
        raise ValueError(f"{path} must hold one line, user:password")
    return text


def address(listen: str) -> tuple[str, int]:
    """Split `host:port`. Raises RefusedError."""
    host, _colon, port = listen.rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5 or int(port) > 65535:
        raise RefusedError("cameras", f"{listen!r} is no host:port")
    return host.strip("[]"), int(port)
