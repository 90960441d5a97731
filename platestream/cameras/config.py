"""Configuration of the gateway: TOML, a table for each camera (docs/how-to/operator/cameras.md)."""

import tomllib
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from platestream.cameras.masks import MOST, Shape, check_shape
from platestream.cameras.sources.client_certificates import identity
from platestream.runtime.private_file import open_to_others
from platestream.schemas.fields import Latitude, Longitude, Name
from platestream.schemas.message import RefusedError
from platestream.schemas.toml import read_toml
from platestream.settings import Settings

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
    "onvif": _HTTP,
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


class Camera(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One camera. Times are in seconds; `crop` is left, top, right and bottom as shares of the picture.

    `format` is that of the reads of an `http` camera, or of an `events` camera, whose stream is attached.
    With `token` the password is also accepted as the first part of the path. `client_certificate` identifies
    an `http` camera instead of an account, by `sha256:` and a fingerprint or `CN=` and a name.
    An `mqtt` camera is the camera `source` of a Frigate below the topic of its `url`; its `ca`, `certificate`
    and `key` are those of the connection to the broker, and `pictures` is the address of Frigate's API.
    A camera that `moves` has its place and time from each picture or push, which may come `late_hours` later;
    a stream has its place from `gpsd` (host:port) in the same vehicle.
    `mask` has areas that are black in each frame, and `area` is the only one that is not (both in percent of
    the picture, before the crop).
    """

    kind: Kind
    latitude: Latitude
    longitude: Longitude
    url: str = ""
    path: Path | None = None
    credentials_file: Path | None = None
    region: Literal["us", "eu", "br"] = "us"
    rate: Annotated[float, Meta(gt=0, le=60)] = 5.0
    crop: tuple[Part, Part, Part, Part] | None = None
    area: Shape = ()
    mask: tuple[Shape, ...] = ()
    only_changes: bool | None = None
    still: Positive = 30.0
    silent: Annotated[float, Meta(ge=2)] | None = None
    trust: Positive = 5.0
    format: PushFormat | None = None
    token: bool = False
    client_certificate: str = ""
    source: str = ""
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    pictures: str = ""
    time_zone: str = "UTC"
    repeat: bool = False
    moves: bool = False
    late_hours: Annotated[float, Meta(gt=0, le=720)] = 24.0
    gpsd: str = ""

    @property
    def changes(self) -> bool:
        """True where unchanged frames are left out, by default for cameras that do not choose when to
        send.
        """
        return self.kind not in SENDS if self.only_changes is None else self.only_changes

    @property
    def longest_silence(self) -> float:
        """Seconds without a frame after which something is wrong. For a camera that chooses when to send,
        this is 15 minutes, as for the alert, because at night there may be no traffic. A camera that moves
        may be without a network as long as its pictures may be late.
        """
        if self.moves and not self.gpsd:
            return self.silent or 3600 * self.late_hours
        return self.silent or (900.0 if self.kind in SENDS else 20.0)

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.time_zone)


class HttpUploads(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server for uploads by HTTP. `basic` allows Basic authentication without TLS, with passwords in the
    clear. `client_ca` has the authorities of cameras' certificates, or their own certificates.
    """

    listen: str = "127.0.0.1:8089"
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    basic: bool = False


class FtpUploads(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server for uploads by FTP. With a certificate only FTP over TLS is allowed, unless `plain` allows
    FTP in the clear, too.
    """

    listen: str = "127.0.0.1:2121"
    certificate: Path | None = None
    key: Path | None = None
    plain: bool = False
    passive_ports: tuple[int, int] | None = None
    public_address: str = ""


class HealthByMqtt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The broker to which the health of the cameras is published, and for what purpose."""

    url: str
    purpose: Annotated[str, Meta(min_length=1)]
    credentials_file: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    every: Annotated[float, Meta(ge=1, le=3600)] = 30.0


class Gateway(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The configuration of the gateway."""

    cameras: dict[str, Camera]
    spool: Path | None = None
    spool_megabytes: Annotated[int, Meta(ge=1)] = 2000
    spool_hours: Annotated[float, Meta(gt=0, le=24)] = 24.0
    largest_bytes: Annotated[int, Meta(ge=1000, le=LARGEST)] = LARGEST
    metrics: str = ""
    http: HttpUploads = HttpUploads()
    ftp: FtpUploads = FtpUploads()
    health: HealthByMqtt | None = None


def load(path: Path) -> Gateway:
    """Read the configuration file; relative paths are from its folder. Raises RefusedError that names the
    camera and the field.
    """
    try:
        table = _from_folder(read_toml(path.read_text(encoding="utf-8")), path.absolute().parent)
        found = msgspec.convert(table, Gateway, strict=True)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RefusedError("cameras", f"{path}: {error}") from None
    except msgspec.ValidationError as error:
        raise RefusedError("cameras", f"{path}: {error}") from None
    for name, camera in found.cameras.items():
        try:
            msgspec.convert(name, Name)
            _check(camera)
        except (ValueError, OSError) as error:
            raise RefusedError("cameras", f"{path}: camera {name!r}: {error}") from None
    if found.health is not None:
        try:
            _check_health(found.health)
        except (ValueError, OSError) as error:
            raise RefusedError("cameras", f"{path}: [health]: {error}") from None
    for listen in (found.http.listen, found.ftp.listen, *([found.metrics] if found.metrics else [])):
        address(listen)
    _accounts_differ(path, found)
    _check_certificates(path, found)
    return found


def _from_folder(told: Any, folder: Path) -> Any:
    """Return the table with each relative path resolved against the file's folder."""
    if not isinstance(told, dict):
        return told
    return {
        name: folder / value if name in PATHS and isinstance(value, str) else _from_folder(value, folder)
        for name, value in told.items()
    }


def _check(camera: Camera) -> None:
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


def _check_broker(camera: Camera) -> None:
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


def _check_health(found: HealthByMqtt) -> None:
    parts = urlsplit(found.url)
    if parts.scheme not in URLS["mqtt"] or not parts.hostname or not parts.path.strip("/"):
        raise ValueError("`url` must be an address and a topic, as mqtts://host/alpr/health")
    if set(found.url) & set("+#?"):
        raise ValueError("`url` has a topic with + # ?")
    if parts.username is not None:
        raise ValueError("`url` holds a name or password: put them into `credentials_file`")
    if found.credentials_file is not None:
        read_credentials(found.credentials_file)


def _check_shapes(camera: Camera) -> None:
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


def credentials(camera: Camera) -> str:
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


def accounts(found: Gateway, kind: str) -> dict[str, tuple[str, str]]:
    """Return the camera and password of each account, for one kind of upload."""
    credentials_of = {
        name: credentials(one).partition(":")
        for name, one in found.cameras.items()
        if one.kind == kind and one.credentials_file is not None
    }
    return {user: (name, password) for name, (user, _colon, password) in credentials_of.items()}


def _accounts_differ(path: Path, found: Gateway) -> None:
    for kind in UPLOADS:
        cameras = [one for one in found.cameras.values() if one.kind == kind and one.credentials_file]
        if len(accounts(found, kind)) != len(cameras):
            raise RefusedError("cameras", f"{path}: two {kind} cameras share an account: give each its own")


def certificates(found: Gateway) -> dict[str, str]:
    """Return the camera of each client certificate, by its identity."""
    return {
        identity(one.client_certificate): name
        for name, one in found.cameras.items()
        if one.client_certificate
    }


def _check_certificates(path: Path, found: Gateway) -> None:
    wanted = [name for name, one in found.cameras.items() if one.client_certificate]
    if len(certificates(found)) != len(wanted):
        raise RefusedError("cameras", f"{path}: two cameras share a `client_certificate`")
    if wanted and (found.http.certificate is None or found.http.client_ca is None):
        raise RefusedError(
            "cameras", f"{path}: camera {wanted[0]!r}: [http] needs `certificate` and `client_ca`"
        )


def address(listen: str) -> tuple[str, int]:
    """Split `host:port`. Raises RefusedError."""
    host, _colon, port = listen.rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5 or int(port) > 65535:
        raise RefusedError("cameras", f"{listen!r} is no host:port")
    return host.strip("[]"), int(port)


def spool_folder(settings: Settings, found: Gateway | None = None) -> Path:
    """Return the folder where the gateway stores frames and state; without a configuration the default."""
    return (found and found.spool) or settings.data / "cameras"
