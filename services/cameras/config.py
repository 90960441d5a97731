"""The gateway's configuration: a TOML file with a table for each camera; docs/cameras.md explains it."""

import tomllib
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from connectors.private_file import open_to_others
from connectors.settings import Settings
from schemas.fields import Latitude, Longitude, Name
from schemas.message import RefusedError
from schemas.toml import read_toml

Kind = Literal["rtsp", "mjpeg", "snapshot", "http", "ftp", "folder", "video"]
UPLOADS = ("http", "ftp")
SENDS = (*UPLOADS, "folder")
"""Cameras that choose themselves when to send: often when something moves, and on a timer."""
URLS = {"rtsp": ("rtsp", "rtsps"), "mjpeg": ("http", "https"), "snapshot": ("http", "https")}
PATHS = ("path", "credentials_file", "spool", "certificate", "key")
Part = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]
LARGEST = 19_000_000
"""Bytes of the largest picture: with its headers it still fits a message of the topic."""


class Camera(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One camera. Times are seconds; `crop` is left, top, right, bottom as shares of the picture."""

    kind: Kind
    latitude: Latitude
    longitude: Longitude
    url: str = ""
    path: Path | None = None
    credentials_file: Path | None = None
    region: Literal["us", "eu", "br"] = "us"
    rate: Annotated[float, Meta(gt=0, le=60)] = 5.0
    crop: tuple[Part, Part, Part, Part] | None = None
    only_changes: bool | None = None
    still: Positive = 30.0
    silent: Annotated[float, Meta(ge=2)] | None = None
    trust: Positive = 5.0
    time_zone: str = "UTC"
    repeat: bool = False

    @property
    def changes(self) -> bool:
        """Whether frames that show nothing new are left out: by default where the camera does not choose."""
        return self.kind not in SENDS if self.only_changes is None else self.only_changes

    @property
    def longest_silence(self) -> float:
        """Seconds without a frame after which something is wrong: 15 minutes, as the alert has it, where the
        camera chooses, because at night nothing may pass.
        """
        return self.silent or (900.0 if self.kind in SENDS else 20.0)

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.time_zone)


class HttpUploads(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server for uploads by HTTP. `basic` lets Basic sign-in in where passwords would cross in clear."""

    listen: str = "127.0.0.1:8089"
    certificate: Path | None = None
    key: Path | None = None
    basic: bool = False


class FtpUploads(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server for uploads by FTP. With a certificate over TLS alone; `plain` lets FTP in clear in, too."""

    listen: str = "127.0.0.1:2121"
    certificate: Path | None = None
    key: Path | None = None
    plain: bool = False
    passive_ports: tuple[int, int] | None = None
    public_address: str = ""


class Gateway(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    cameras: dict[str, Camera]
    spool: Path | None = None
    spool_megabytes: Annotated[int, Meta(ge=1)] = 2000
    spool_hours: Annotated[float, Meta(gt=0, le=24)] = 24.0
    largest_bytes: Annotated[int, Meta(ge=1000, le=LARGEST)] = LARGEST
    metrics: str = ""
    http: HttpUploads = HttpUploads()
    ftp: FtpUploads = FtpUploads()


def load(path: Path) -> Gateway:
    """Reads the file; relative paths are from its folder. Raises RefusedError that names camera and field."""
    try:
        told = _from_folder(read_toml(path.read_text(encoding="utf-8")), path.absolute().parent)
        found = msgspec.convert(told, Gateway, strict=True)
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
    for listen in (found.http.listen, found.ftp.listen, *([found.metrics] if found.metrics else [])):
        address(listen)
    _accounts_differ(path, found)
    return found


def _from_folder(told: Any, folder: Path) -> Any:
    """The same with each relative path from the file's own folder."""
    if not isinstance(told, dict):
        return told
    return {
        name: folder / value if name in PATHS and isinstance(value, str) else _from_folder(value, folder)
        for name, value in told.items()
    }


def _check(camera: Camera) -> None:
    if camera.kind in URLS:
        parts = urlsplit(camera.url)
        if parts.scheme not in URLS[camera.kind] or not parts.hostname:
            raise ValueError(f"`url` must start with {' or '.join(s + '://' for s in URLS[camera.kind])}")
        if parts.username is not None:
            raise ValueError("`url` holds a name or password: put them into `credentials_file`")
    if camera.kind in ("folder", "video") and camera.path is None:
        raise ValueError(f"kind {camera.kind} needs `path`")
    if camera.kind in UPLOADS and camera.credentials_file is None:
        raise ValueError(f"kind {camera.kind} needs `credentials_file`: the account that it uploads with")
    if camera.crop and not (camera.crop[0] < camera.crop[2] and camera.crop[1] < camera.crop[3]):
        raise ValueError("`crop` is left, top, right, bottom, each a share from 0 to 1, left before right")
    try:
        ZoneInfo(camera.time_zone)
    except (KeyError, ValueError):
        raise ValueError(f"`time_zone` {camera.time_zone!r} is not known, as America/Phoenix is") from None
    credentials(camera)


def credentials(camera: Camera) -> str:
    """`user:password` from the camera's file; empty where there is none. Raises ValueError and OSError."""
    if camera.credentials_file is None:
        return ""
    if open_to_others(camera.credentials_file):
        raise ValueError(f"{camera.credentials_file} may be read by others: chmod 600")
    text = camera.credentials_file.read_text(encoding="utf-8").strip()
    if ":" not in text or "\n" in text:
        raise ValueError(f"{camera.credentials_file} must hold one line, user:password")
    return text


def accounts(found: Gateway, kind: str) -> dict[str, tuple[str, str]]:
    """Of one kind of upload, the camera and password of each account."""
    told = {name: credentials(one).partition(":") for name, one in found.cameras.items() if one.kind == kind}
    return {user: (name, password) for name, (user, _colon, password) in told.items()}


def _accounts_differ(path: Path, found: Gateway) -> None:
    for kind in UPLOADS:
        cameras = [one for one in found.cameras.values() if one.kind == kind]
        if len(accounts(found, kind)) != len(cameras):
            raise RefusedError("cameras", f"{path}: two {kind} cameras share an account: give each its own")


def address(listen: str) -> tuple[str, int]:
    """`host:port` in two. Raises RefusedError."""
    host, _colon, port = listen.rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5 or int(port) > 65535:
        raise RefusedError("cameras", f"{listen!r} is no host:port")
    return host.strip("[]"), int(port)


def spool_folder(settings: Settings, found: Gateway) -> Path:
    """Where the gateway keeps frames and state."""
    return found.spool or settings.data / "cameras"
