"""`platestream read`: plates in pictures, without a stream."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import typer
from rich.progress import track

from connectors.settings import load_settings
from flows.reader import open_reader
from operators.decode import Bounds, decode_image
from platestream.commands.console import err, out, print_json
from platestream.media import VIDEOS, media_files, video_frames
from schemas.message import RefusedError
from schemas.reading import PlateRead

Pixels = npt.NDArray[np.uint8]


def read(
    paths: Annotated[list[Path], typer.Argument(exists=True, help="Pictures, folders of them, or videos.")],
    region: Annotated[Literal["us", "eu", "br"], typer.Option(help="Where the plates are from.")] = "us",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line a picture.")] = False,
    every: Annotated[int, typer.Option(min=1, help="Of a video, every so many frames.")] = 5,
) -> None:
    """Read the plates in pictures, best first. Exit 1 when a file could not be read.

    Example: platestream read --json photos/
    """
    settings = load_settings()
    reader = open_reader(settings.models, settings.threads, region)
    files = sorted({file for path in paths for file in media_files(path)})
    failed = 0
    for file in track(files, "reading", console=err, disable=as_json or not err.is_terminal):
        try:
            for name, pixels in _pictures(file, every):
                _show(name, reader.read(pixels), as_json)
        except RefusedError as error:
            failed += 1
            err.print(f"{file}: {error.detail}")
    if failed:
        raise typer.Exit(1)


def _pictures(file: Path, every: int) -> Iterator[tuple[str, Pixels]]:
    """Name and pixels of what a file holds. Raises RefusedError."""
    if file.suffix.lower() in VIDEOS:
        yield from ((f"{file}#{number}", pixels) for number, _at, pixels in video_frames(file, every))
        return
    yield str(file), decode_image(file.read_bytes(), Bounds())


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
