"""One look at a camera, as somebody wants it who is about to put its address into the configuration."""

from dataclasses import dataclass
from pathlib import Path

from connectors.cameras.capture import CameraError, Capture
from connectors.cameras.check import first_frame, separate
from operators.decode import Bounds, decode_image
from schemas.message import RefusedError


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
