"""From a frame as it came to a picture, within bounds: age, bytes, pixels, and the time decoding may take."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Header

from schemas.frame import Frame
from schemas.message import RefusedError
from schemas.topics import RETENTION

Image = npt.NDArray[np.uint8]

SCAN, END = b"\xff\xda", b"\xff\xd9"  # JPEG markers; neither occurs inside compressed data


@dataclass(frozen=True)
class Bounds:
    """What a frame may cost. The defaults take any camera on the market and refuse what was made to hurt.

    Time is bounded by what it is made of: a decoder passes over all pixels once a scan, so a progressive
    JPEG with thousands of scans is as costly as thousands of pictures.
    """

    bytes: int = 20_000_000
    side: int = 16
    """Least pixels of the shorter side. A drawn plate cut to its edges is read from 24 pixels of height."""
    pixels: int = 40_000_000
    scans: int = 32
    ahead: timedelta = timedelta(minutes=5)
    age: timedelta = RETENTION


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame with its pixels: height x width x 3, BGR, 8 bits."""

    frame: Frame
    pixels: Image


def admit(frame: Frame, now: datetime, bounds: Bounds) -> Frame:
    """Refuse a frame that is older than data may be kept, or that claims to come from the future.

    Age counts from the capture of the image (order, sections F.8.b and J.1). Raises RefusedError.
    """
    if frame.captured_at <= now - bounds.age:
        raise RefusedError("expired", f"frame captured over {_span(bounds.age)} ago")
    if frame.captured_at > now + bounds.ahead:
        raise RefusedError("future", "frame captured after now: check the camera's clock")
    return frame


def _span(age: timedelta) -> str:
    return f"{age.days} days" if age >= timedelta(days=1) else f"{round(age.total_seconds() / 60)} minutes"


def admission(now: Callable[[], datetime], bounds: Bounds) -> Callable[[Frame], Frame]:
    """`admit` with its clock."""
    return lambda frame: admit(frame, now(), bounds)


def picture(frame: Frame, bounds: Bounds) -> Picture:
    """A frame with its pixels. Raises RefusedError."""
    return Picture(frame, decode_image(frame.image, bounds))


def decode_image(data: bytes, bounds: Bounds) -> Image:
    """Pixels of an encoded picture. Raises RefusedError before memory is taken for what is out of bounds."""
    if len(data) > bounds.bytes:
        raise RefusedError("bytes", f"picture of {len(data)} bytes; {bounds.bytes} are allowed")
    width, height, kind = _header(data)
    if min(width, height) < bounds.side:
        raise RefusedError("small", f"picture of {width} x {height}: too small to hold a plate")
    if width * height > bounds.pixels:
        raise RefusedError("pixels", f"picture of {width} x {height}; {bounds.pixels} pixels are allowed")
    if kind == "JPEG":
        _check_jpeg(data, bounds)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise RefusedError("corrupt", f"{kind} that cannot be decoded") from error
    if pixels is None:
        raise RefusedError("corrupt", f"{kind} that cannot be decoded")
    return np.asarray(pixels, np.uint8)


def _check_jpeg(data: bytes, bounds: Bounds) -> None:
    """Scans are counted by their markers; a picture without its end marker lost its lower part on the way."""
    if data.count(SCAN) > bounds.scans:
        raise RefusedError("scans", f"JPEG of over {bounds.scans} scans")
    if data.rfind(END) < data.rfind(SCAN):
        raise RefusedError("truncated", "JPEG without its end")


def _header(data: bytes) -> tuple[int, int, str]:
    """Width, height and format from the header alone."""
    try:
        with Header.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as header:
            return header.width, header.height, str(header.format)
    except Header.DecompressionBombError as error:
        raise RefusedError("pixels", "picture far larger than is allowed") from error
    except Exception as error:  # Pillow's parsers raise many kinds on bytes that were made to confuse them
        raise RefusedError("not_a_picture", "neither JPEG, PNG nor WebP") from error
