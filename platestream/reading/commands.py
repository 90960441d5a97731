"""`platestream read`: plates in pictures, videos and camera streams, without the pipeline."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.progress import Progress

from platestream.cli.door import settings
from platestream.cli.output import err, out, print_json
from platestream.reading import service as shots
from platestream.reading.media import is_stream, media_files
from platestream.schemas.message import RefusedError
from platestream.schemas.reading import PlateRead


def read(
    sources: Annotated[
        list[str], typer.Argument(help="Pictures, folders, videos, or a camera's rtsp:// address.")
    ],
    region: Annotated[Literal["us", "eu", "br"], typer.Option(help="Region of the plates.")] = "us",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each picture.")] = False,
    every: Annotated[int, typer.Option(min=1, help="Read every Nth frame of a video.")] = 5,
    draw: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write the pictures with their reads to this folder.")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Stop after this number of frames of a camera.")
    ] = None,
) -> None:
    """Read the plates in pictures, best first. In videos and camera streams only changes are read.

    Exit 0 if everything was read, 1 if a file or camera could not be read, 2 if a path does not exist.

    Example: platestream read --json --draw checked/ photos/
    """
    files = _files([source for source in sources if not is_stream(source)])
    reader = shots.ShotReader(settings(), region)
    failed = 0
    with Progress(console=err, disable=as_json or not err.is_terminal, transient=True) as progress:
        task = progress.add_task(
            "reading", total=sum(shots.count_shots(file, every) for file in files) or None
        )
        jobs: list[tuple[str, Callable[[], Iterator[shots.Shot]]]] = []
        jobs += [(str(file), partial(shots.shots_of_file, file, every)) for file in files]
        cameras = (source for source in sources if is_stream(source))
        jobs += [
            (f"camera {n}", partial(shots.shots_of_camera, address, frames))
            for n, address in enumerate(cameras, 1)
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
        raise typer.BadParameter(f"{missing[0]} does not exist", param_hint="SOURCES")
    return sorted({file for path in paths for file in media_files(Path(path))})


def _show(name: str, found: list[PlateRead], as_json: bool) -> None:
    if as_json:
        print_json({"file": name, "plates": [_told(read) for read in found]})
        return
    plates = ", ".join(f"{read.plate} {read.state or '--'} {read.confidence:.2f}" for read in found)
    out.print(f"{name}: {plates or 'no plate'}")


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
