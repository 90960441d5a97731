"""Decoding of frames to pictures, within bounds of age, bytes, pixels and decoding time."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Header

from platestream.schemas.frame import Frame
from platestream.schemas.message import RefusedError
from platestream.schemas.topics import RETENTION

Image = npt.NDArray[np.uint8]

SCAN, END = b"\xff\xda", b"\xff\xd9"  # JPEG markers; neither occurs inside compressed data


@dataclass(frozen=True)
class Bounds:
    """Limits of a frame. The defaults accept any camera on the market and reject malicious files.

    The decoding time is limited through the file's structure: a decoder passes over all pixels once for each
    scan, so a progressive JPEG with thousands of scans costs as much as thousands of pictures.
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
    """Reject a push that cannot be used, and a frame that is older than the retention or from the future.

    Age counts from the capture of the image (order, sections F.8.b and J.1). Raises RefusedError.
    """
    if frame.fault is not None:
        raise frame.fault
    if frame.captured_at <= now - bounds.age:
        raise RefusedError("expired", f"frame captured over {_span(bounds.age)} ago")
    if frame.captured_at > now + bounds.ahead:
        raise RefusedError("future", "frame captured after now: check the camera's clock")
    return frame


def _span(age: timedelta) -> str:
    return f"{age.days} days" if age >= timedelta(days=1) else f"{round(age.total_seconds() / 60)} minutes"


def admission(now: Callable[[], datetime], bounds: Bounds) -> Callable[[Frame], Frame]:
    """Return `admit` with its clock."""
    return lambda frame: admit(frame, now(), bounds)


def picture(frame: Frame, bounds: Bounds) -> Picture:
    """Return a frame with its pixels, none if it has no picture. Raises RefusedError."""
    if not frame.image:
        return Picture(frame, np.zeros((0, 0, 3), np.uint8))
    return Picture(frame, decode_image(frame.image, bounds))


def decode_image(data: bytes, bounds: Bounds, *, reduced: bool = False) -> Image:
    """Return the pixels of an encoded picture, with `reduced` an eighth of its width and height.

    Raises RefusedError before memory is allocated for oversized ones.
    """
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
        how = cv2.IMREAD_REDUCED_COLOR_8 if reduced else cv2.IMREAD_COLOR
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error as error:
        raise RefusedError("corrupt", f"{kind} that cannot be decoded") from error
    if pixels is None:
        raise RefusedError("corrupt", f"{kind} that cannot be decoded")
    return np.asarray(pixels, np.uint8)


def _check_jpeg(data: bytes, bounds: Bounds) -> None:
    """Check the number of scans by their markers, and that the end marker is present. Raises RefusedError."""
    if data.count(SCAN) > bounds.scans:
        raise RefusedError("scans", f"JPEG of over {bounds.scans} scans")
    if data.rfind(END) < data.rfind(SCAN):
        raise RefusedError("truncated", "JPEG without its end")


def _header(data: bytes) -> tuple[int, int, str]:
    """Return width, height and format from the header only."""
    try:
        with Header.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as header:
            return header.width, header.height, str(header.format)
    except Header.DecompressionBombError as error:
        raise RefusedError("pixels", "picture far larger than is allowed") from error
    except Exception as error:  # Pillow's parsers raise many types on malformed bytes
        raise RefusedError("not_a_picture", "neither JPEG, PNG nor WebP") from error
