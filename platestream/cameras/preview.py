"""A trial of a camera's address, before it is put into the configuration."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from platestream.cameras.address_check import first_frame, split_credentials
from platestream.cameras.advice import Advice, Pixels, advise, draw_boxes
from platestream.cameras.capture import CameraError, Capture
from platestream.cameras.kinds import URLS, StreamKind
from platestream.operators.decode import Bounds, decode_image
from platestream.reading.factory import PlateReader
from platestream.schemas.fields import Box
from platestream.schemas.message import RefusedError
from platestream.settings import load_settings


@dataclass(frozen=True)
class Address:
    """A camera's address as it was typed; `credentials` is a file with `user:password`."""

    url: str
    kind: Literal["auto", StreamKind] = "auto"
    credentials: Path | None = None


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial, in a sentence, with advice if the picture was read."""

    worked: bool
    text: str
    advice: tuple[Advice, ...] = ()


def try_address(at: Address, picture: Path | None = None) -> TrialResult:
    """Get one frame of a camera; the result describes the picture or the fault.

    With `picture` its plates are read, and it is stored there with a frame around each. Raises OSError.
    """
    url, credentials = split_credentials(at.url)
    try:
        if at.credentials is not None:
            credentials = at.credentials.read_text(encoding="utf-8").strip()
        pixels = _pixels(_frame(url, credentials, at.kind))
        text = f"it works: a picture of {pixels.shape[1]} x {pixels.shape[0]}"
        if picture is None:
            return TrialResult(True, text)
        boxes = [Box(*one.box) for one in PlateReader(load_settings().models).read(pixels)]
        with open(os.open(picture, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(draw_boxes(pixels, boxes))
        return TrialResult(True, text, tuple(advise(pixels, boxes)))
    except (CameraError, RefusedError) as error:
        return TrialResult(False, error.detail if isinstance(error, RefusedError) else str(error))


def _frame(url: str, credentials: str, kind: Literal["auto", StreamKind]) -> Capture:
    if kind != "auto":
        return first_frame(url, credentials, kind)
    scheme = urlsplit(url).scheme
    first, *others = [one for one in get_args(StreamKind) if scheme in URLS[one]] or ["mjpeg"]
    try:
        return first_frame(url, credentials, first)
    except CameraError as error:
        if others and "no MJPEG" in str(error):
            return first_frame(url, credentials, others[0])
        raise


def _pixels(capture: Capture) -> Pixels:
    return decode_image(capture.image, Bounds()) if capture.pixels is None else capture.pixels
