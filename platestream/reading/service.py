"""Reading the plates in files and camera streams, without the stream of the pipeline."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from platestream.operators.decode import Bounds, decode_image
from platestream.reading.change_detector import ChangeDetector
from platestream.reading.drawing import annotate
from platestream.reading.factory import PlateReader
from platestream.reading.media import VIDEOS, frame_count, stream_frames, video_frames
from platestream.schemas.message import RefusedError
from platestream.schemas.reading import PlateRead
from platestream.settings import Settings

Pixels = npt.NDArray[np.uint8]
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Begin of a video's own time, which has no date."""


class Shot(NamedTuple):
    """One picture to read: its name, its camera or file, its time of capture, and its pixels."""

    name: str
    source: str
    at: datetime | None
    pixels: Pixels


class ShotReader:
    """Reader of shots; of videos and cameras only changed frames are read."""

    def __init__(self, settings: Settings, region: str) -> None:
        """Open the reader. Raises ModelError and, for an unknown region, ValueError."""
        self._reader = PlateReader(settings.models, settings.threads, region, settings.device)
        self._changed = ChangeDetector(self._reader.read)

    def __call__(self, shot: Shot) -> list[PlateRead]:
        """Return the plates of a shot, best first."""
        if shot.at is None:
            return self._reader.read(shot.pixels)
        return self._changed(shot.source, shot.at, shot.pixels)


def count_shots(file: Path, every: int) -> int:
    """Return the number of shots in a file; of a video one of `every` frames."""
    return -(-frame_count(file) // every) if file.suffix.lower() in VIDEOS else 1


def shots_of_file(file: Path, every: int) -> Iterator[Shot]:
    """Yield the pictures of a file. Raises RefusedError."""
    if file.suffix.lower() in VIDEOS:
        for number, at, pixels in video_frames(file, every):
            yield Shot(f"{file}#{number}", str(file), EPOCH + at, pixels)
        return
    yield Shot(str(file), str(file), None, decode_image(file.read_bytes(), Bounds()))


def shots_of_camera(address: str, frames: int | None) -> Iterator[Shot]:
    """Yield a camera's newest frames, each named by its time. Raises RefusedError, also when the stream
    ends.
    """
    for taken, (_number, at, pixels) in enumerate(stream_frames(address), start=1):
        yield Shot(at.isoformat(timespec="milliseconds"), address, at, pixels)
        if taken == frames:
            return
    raise RefusedError("stream", "the stream ended")


def draw(folder: Path, shot: Shot, found: list[PlateRead]) -> None:
    """Write the picture with its reads as JPEG, named after the file and the frame. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(c if c.isalnum() or c in "._-" else "-" for c in shot.name).strip("-.")
    if not cv2.imwrite(str(folder / f"{name}.jpg"), annotate(shot.pixels, found)):
        raise OSError(f"{folder}/{name}.jpg cannot be written")
