"""`platestream read`: plates in pictures, videos and camera streams, without the stream of the pipeline."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import typer
from rich.progress import Progress

from connectors.settings import load_settings
from flows.reader import open_reader
from operators.decode import Bounds, decode_image
from operators.reading.change_detector import ChangeDetector
from platestream.cli.console import err, out, print_json
from schemas.message import RefusedError
from schemas.reading import PlateRead
from services.reading.drawing import annotated
from services.reading.media import VIDEOS, frame_count, is_stream, media_files, stream_frames, video_frames

Pixels = npt.NDArray[np.uint8]
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Where a video's own time begins, as it has no date."""


class Shot(NamedTuple):
    """One picture to read: what to call it, which camera or file it is of, when it was taken, its pixels."""

    name: str
    source: str
    at: datetime | None
    pixels: Pixels


def read(
    sources: Annotated[
        list[str], typer.Argument(help="Pictures, folders, videos, or a camera's rtsp:// address.")
    ],
    region: Annotated[Literal["us", "eu", "br"], typer.Option(help="Where the plates are from.")] = "us",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line a picture.")] = False,
    every: Annotated[int, typer.Option(min=1, help="Of a video, every so many frames.")] = 5,
    draw: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write the pictures with their reads there.")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Of a camera, end after so many frames that were read.")
    ] = None,
) -> None:
    """Read the plates in pictures, best first. Of videos and cameras only what changed is looked at.

    Exit 0 when all was read, 1 when a file or camera could not be, 2 when a path is not there.

    Example: platestream read --json --draw checked/ photos/
    """
    files = _files([source for source in sources if not is_stream(source)])
    settings = load_settings()
    reader = open_reader(settings.models, settings.threads, region)
    detector = ChangeDetector(reader.read)
    failed = 0
    with Progress(console=err, disable=as_json or not err.is_terminal, transient=True) as progress:
        task = progress.add_task("reading", total=sum(_length(file, every) for file in files) or None)
        jobs: list[tuple[str, Callable[[], Iterator[Shot]]]] = []
        jobs += [(str(file), partial(_shots, file, every)) for file in files]
        cameras = (source for source in sources if is_stream(source))
        jobs += [(f"camera {n}", partial(_camera, address, frames)) for n, address in enumerate(cameras, 1)]
        for name, shots in jobs:
            try:
                for shot in shots():
                    found = _reads(reader.read, detector, shot)
                    _show(shot.name, found, as_json)
                    _draw(draw, shot, found)
                    progress.advance(task)
            except RefusedError as error:
                failed += 1
                err.print(f"{name}: {error.detail}")
    if failed:
        raise typer.Exit(1)


def _files(paths: list[str]) -> list[Path]:
    missing = [path for path in paths if not Path(path).exists()]
    if missing:
        raise typer.BadParameter(f"{missing[0]} is not there", param_hint="SOURCES")
    return sorted({file for path in paths for file in media_files(Path(path))})


def _length(file: Path, every: int) -> int:
    return -(-frame_count(file) // every) if file.suffix.lower() in VIDEOS else 1


def _reads(
    read: Callable[[Pixels], list[PlateRead]], detector: ChangeDetector, shot: Shot
) -> list[PlateRead]:
    return read(shot.pixels) if shot.at is None else detector(shot.source, shot.at, shot.pixels)


def _shots(file: Path, every: int) -> Iterator[Shot]:
    """The pictures that a file holds. Raises RefusedError."""
    if file.suffix.lower() in VIDEOS:
        for number, at, pixels in video_frames(file, every):
            yield Shot(f"{file}#{number}", str(file), EPOCH + at, pixels)
        return
    yield Shot(str(file), str(file), None, decode_image(file.read_bytes(), Bounds()))


def _camera(address: str, frames: int | None) -> Iterator[Shot]:
    """A camera's newest frames, each named by its time. Raises RefusedError, also when the stream ends."""
    for taken, (_number, at, pixels) in enumerate(stream_frames(address), start=1):
        yield Shot(at.isoformat(timespec="milliseconds"), address, at, pixels)
        if taken == frames:
            return
    raise RefusedError("stream", "the stream ended")


def _draw(folder: Path | None, shot: Shot, found: list[PlateRead]) -> None:
    """Writes the picture with its reads as JPEG, named after the file and the frame."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    kept = "".join(c if c.isalnum() or c in "._-" else "-" for c in shot.name).strip("-.")
    if not cv2.imwrite(str(folder / f"{kept}.jpg"), annotated(shot.pixels, found)):
        raise OSError(f"{folder}/{kept}.jpg cannot be written")


def _show(name: str, found: list[PlateRead], as_json: bool) -> None:
    if as_json:
        print_json({"file": name, "plates": [_told(read) for read in found]})
        return
    told = ", ".join(f"{read.plate} {read.state or '--'} {read.confidence:.2f}" for read in found)
    out.print(f"{name}: {told or 'no plate'}")


def _told(read: PlateRead) -> dict[str, Any]:
    return {
        "plate": read.plate,
        "state": read.state,
        "confidence": round(read.confidence, 4),
        "box": list(read.box),
        "alternatives": [
            {"plate": other.plate, "confidence": round(other.confidence, 4)} for other in read.alternatives
        ],
    }
