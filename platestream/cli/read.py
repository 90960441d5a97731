"""`platestream read`: plates in pictures, videos and camera streams, without the stream of the pipeline."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.progress import Progress

from platestream.cli.console import err, out, print_json
from platestream.cli.entrance import settings
from schemas.message import RefusedError
from schemas.reading import PlateRead
from services.reading import shots
from services.reading.media import is_stream, media_files


def read(
    sources: Annotated[
        list[str], typer.Argument(help="Pictures, folders, videos, or a camera's rtsp:// address.")
    ],
    region: Annotated[Literal["us", "eu", "br"], typer.Option(help="Where the plates are from.")] = "us",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each picture.")] = False,
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
    reader = shots.ShotReader(settings(), region)
    failed = 0
    with Progress(console=err, disable=as_json or not err.is_terminal, transient=True) as progress:
        task = progress.add_task("reading", total=sum(shots.length(file, every) for file in files) or None)
        jobs: list[tuple[str, Callable[[], Iterator[shots.Shot]]]] = []
        jobs += [(str(file), partial(shots.of_file, file, every)) for file in files]
        cameras = (source for source in sources if is_stream(source))
        jobs += [
            (f"camera {n}", partial(shots.of_camera, address, frames)) for n, address in enumerate(cameras, 1)
        ]
        for name, taken in jobs:
            try:
                for shot in taken():
                    found = reader(shot)
                    _show(shot.name, found, as_json)
                    if draw is not None:
                        shots.draw(draw, shot, found)
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
