"""Reading the plates in files and camera streams, without the stream of the pipeline."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from connectors.settings import Settings
from flows.reader import open_reader
from operators.decode import Bounds, decode_image
from operators.reading.change_detector import ChangeDetector
from schemas.message import RefusedError
from schemas.reading import PlateRead
from services.reading.drawing import annotated
from services.reading.media import VIDEOS, frame_count, stream_frames, video_frames

Pixels = npt.NDArray[np.uint8]
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Where a video's own time begins, as it has no date."""


class Shot(NamedTuple):
    """One picture to read: what to call it, which camera or file it is of, when it was taken, its pixels."""

    name: str
    source: str
    at: datetime | None
    pixels: Pixels


class ShotReader:
    """Reads shots with one reader; of videos and cameras only what changed is looked at."""

    def __init__(self, settings: Settings, region: str) -> None:
        """Raises ModelError and, for a region that is not there, ValueError."""
        self._reader = open_reader(settings.models, settings.threads, region, settings.device)
        self._changed = ChangeDetector(self._reader.read)

    def __call__(self, shot: Shot) -> list[PlateRead]:
        """The plates of a shot, best first."""
        if shot.at is None:
            return self._reader.read(shot.pixels)
        return self._changed(shot.source, shot.at, shot.pixels)


def length(file: Path, every: int) -> int:
    """How many shots a file holds, of a video one of `every` frames."""
    return -(-frame_count(file) // every) if file.suffix.lower() in VIDEOS else 1


def of_file(file: Path, every: int) -> Iterator[Shot]:
    """The pictures that a file holds. Raises RefusedError."""
    if file.suffix.lower() in VIDEOS:
        for number, at, pixels in video_frames(file, every):
            yield Shot(f"{file}#{number}", str(file), EPOCH + at, pixels)
        return
    yield Shot(str(file), str(file), None, decode_image(file.read_bytes(), Bounds()))


def of_camera(address: str, frames: int | None) -> Iterator[Shot]:
    """A camera's newest frames, each named by its time. Raises RefusedError, also when the stream ends."""
    for taken, (_number, at, pixels) in enumerate(stream_frames(address), start=1):
        yield Shot(at.isoformat(timespec="milliseconds"), address, at, pixels)
        if taken == frames:
            return
    raise RefusedError("stream", "the stream ended")


def draw(folder: Path, shot: Shot, found: list[PlateRead]) -> None:
    """Writes the picture with its reads as JPEG, named after the file and the frame. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = "".join(c if c.isalnum() or c in "._-" else "-" for c in shot.name).strip("-.")
    if not cv2.imwrite(str(folder / f"{kept}.jpg"), annotated(shot.pixels, found)):
        raise OSError(f"{folder}/{kept}.jpg cannot be written")
