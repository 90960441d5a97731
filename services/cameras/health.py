"""What the commands around the gateway ask for: a checked configuration, one look at a camera, its state."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from connectors.cameras.capture import CameraError, Capture
from connectors.cameras.check import first_frame, separate
from connectors.settings import Settings, load_settings
from operators.decode import Bounds, decode_image
from schemas.message import RefusedError
from services.cameras import config, state
from services.cameras.gateway import CameraGateway, spool_folder

STALE = timedelta(seconds=15)


@dataclass(frozen=True)
class Address:
    """A camera's address as somebody typed it; `credentials` is a file with `user:password`."""

    url: str
    kind: str = "auto"
    credentials: Path | None = None


@dataclass(frozen=True)
class Look:
    """What came of looking at a camera, in a sentence."""

    right: bool
    said: str


def open_gateway(path: Path, metrics_port: int = 0) -> CameraGateway:
    """The gateway of a configuration; with a port its metrics are there, on all addresses, and not where the
    file says. Raises RefusedError, SettingsError and OSError.
    """
    found = config.load(path)
    if metrics_port:
        found = msgspec.structs.replace(found, metrics=f"0.0.0.0:{metrics_port}")
    return CameraGateway(load_settings(), found)


def look(at: Address) -> Look:
    """One frame of a camera, or what is wrong."""
    url, credentials = separate(at.url)
    try:
        if at.credentials is not None:
            credentials = at.credentials.read_text(encoding="utf-8").strip()
        return Look(True, f"it works: a picture of {_size(_frame(url, credentials, at.kind))}")
    except (CameraError, RefusedError) as error:
        return Look(False, error.detail if isinstance(error, RefusedError) else str(error))


def _frame(url: str, credentials: str, kind: str) -> Capture:
    if kind != "auto":
        return first_frame(url, credentials, kind)
    if url.startswith("rtsp"):
        return first_frame(url, credentials, "rtsp")
    try:
        return first_frame(url, credentials, "mjpeg")
    except CameraError as error:
        if "no MJPEG" in str(error):
            return first_frame(url, credentials, "snapshot")
        raise


def _size(capture: Capture) -> str:
    pixels = decode_image(capture.image, Bounds()) if capture.pixels is None else capture.pixels
    return f"{pixels.shape[1]} x {pixels.shape[0]}"


def sources(path: Path) -> Iterator[tuple[str, config.Camera, str]]:
    """Each camera's name, table, and where its frames come from."""
    found = config.load(path)
    for name, camera in found.cameras.items():
        yield name, camera, _source(found, camera)


def _source(found: config.Gateway, camera: config.Camera) -> str:
    if camera.kind in config.UPLOADS:
        return f"uploads to {(found.http if camera.kind == 'http' else found.ftp).listen}"
    return camera.url or str(camera.path)


def newest(path: Path, settings: Settings | None = None) -> state.GatewayHealth | None:
    """The newest state of the gateway of a configuration; None where it never ran. Without `settings` those
    of this process. Raises RefusedError and OSError where the configuration cannot be read.
    """
    return state.read(spool_folder(settings or load_settings(), config.load(path)))


def faults(found: state.GatewayHealth, now: datetime) -> list[str]:
    """What is wrong, a sentence each."""
    wrong = []
    if now - found.at > STALE:
        wrong.append(f"the gateway does not run: its last word is of {found.at:%Y-%m-%d %H:%M:%S}Z")
    if found.sending:
        wrong.append(f"frames wait for the broker: {found.sending}")
    wrong += [f"camera {one.name}: {one.fault}" for one in found.cameras if one.fault]
    lost = {"full": "did not fit the spool", "expired": "waited too long", "undeliverable": "were not taken"}
    for one in found.cameras:
        wrong += [
            f"camera {one.name}: {one.frames[name]} frames {why}"
            for name, why in lost.items()
            if one.frames.get(name)
        ]
    return wrong
