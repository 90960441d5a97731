"""`platestream cameras`: the gateway that brings cameras' frames to the pipeline."""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from platestream.cameras.health import faults, newest, sources
from platestream.cameras.kinds import PushFormat, StreamKind
from platestream.cli.door import display_zone, format_local, open_door
from platestream.cli.options import existing_file
from platestream.cli.output import err, out, print_faults, print_json, table
from platestream.schemas.plates import normalise

app = typer.Typer(no_args_is_help=True, help="Run and check the camera gateway.")

CONFIG = Annotated[Path, existing_file("The TOML file with a table for each camera.", "--config")]
CREDENTIALS = Annotated[Path | None, existing_file("A file with user:password.")]


@app.command()
def run(
    config: CONFIG = Path("cameras.toml"),
    metrics_port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Serve metrics on this port; 0: the port of the file."),
    ] = 0,
) -> None:
    """Bring the frames of all cameras to the pipeline until the process is stopped.

    Examples: platestream cameras run --config cameras.toml
    and platestream cameras run --config cameras.toml --metrics-port 3032
    """
    from platestream.cameras.gateway import open_gateway  # imports everything that reads cameras

    gateway = open_gateway(config, metrics_port)
    gateway.reread(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: gateway.stop.set())
    err.print(f"the gateway is running for the cameras of {config}")
    gateway.run()
    if gateway.changed:
        err.print(f"{config} has changed: reading it again")
        os.execv(sys.executable, [sys.executable, "-m", "platestream", *sys.argv[1:]])  # noqa: S606  the same command


@app.command()
def check(
    url: Annotated[str, typer.Argument(help="rtsp://…, http://…; with user:password@ or --credentials.")],
    kind: Annotated[Literal["auto", StreamKind], typer.Option(help="Kind of the source.")] = "auto",
    credentials: CREDENTIALS = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Read the plates, store the picture with a frame around each, and give advice.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Request one frame from a camera, and report a fault of its address in one sentence. Exit 1 on a fault.

    Examples: platestream cameras check rtsp://camera.example/stream1 --credentials secrets/stream1
    and platestream cameras check rtsp://camera.example/stream1 --picture test.jpg
    """
    from platestream.cameras.preview import Address, try_address

    result = try_address(Address(url, kind, credentials), picture)
    if as_json:
        print_json(result)
    else:
        (out if result.worked else err).print(result.text)
        for one in result.advice:
            out.print(one.text)
    if not result.worked:
        raise typer.Exit(1)


@app.command()
def discover() -> None:
    """Search the local network for ONVIF cameras, by one multicast probe.

    Example: platestream cameras discover
    """
    from platestream.cameras.discovery import discover as search

    found = search()
    out.print(table("host", "name", "hardware", rows=((one.host, one.name, one.hardware) for one in found)))
    err.print(f"{len(found)} cameras answered")


@app.command()
def simulate(
    form: Annotated[PushFormat, typer.Argument(metavar="FORMAT", help="Format of the device's pushes.")],
    url: Annotated[
        str, typer.Argument(help="Address of the gateway, with the token if there is no account.")
    ],
    credentials: CREDENTIALS = None,
    pictures: Annotated[
        Path | None,
        typer.Option(exists=True, help="A JPEG file, or a folder of them; default: the drawn street."),
    ] = None,
    plate: Annotated[str, typer.Option(help="The plate to send, instead of the one in the picture.")] = "",
    misread: Annotated[float, typer.Option(min=0, max=1, help="Share of plates to misread.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Number that decides which plates are misread.")] = 0,
    without_picture: Annotated[bool, typer.Option(help="Send reads without pictures.")] = False,
    count: Annotated[int, typer.Option(min=1, max=1_000_000, help="Number of pushes.")] = 10,
    every: Annotated[float, typer.Option(min=0, help="Seconds between two pushes.")] = 3.0,
) -> None:
    """Play a camera that reads plates, for tests and demonstrations. Exit 1 if a push is refused.

    Examples: platestream cameras simulate axis http://127.0.0.1:8089/ --credentials account --misread 0.1
    and platestream cameras simulate unifi http://127.0.0.1:8089/TOKEN/ --plate ABC1234 --count 1
    """
    import httpx

    from platestream.cameras.config_checks import read_credentials
    from platestream.cameras.pushes.device import Device, pictures_below
    from platestream.demo.files import FRAMES

    account = read_credentials(credentials) if credentials else ""
    device = Device(form, url, account, normalise(plate), misread, seed, not without_picture)
    accepted = 0
    try:
        for answer in device.play(pictures_below(pictures or FRAMES), count, every):
            if answer.status_code != 200:
                err.print(f"refused with {answer.status_code}: {answer.text[:200]}", markup=False)
            accepted += answer.status_code == 200
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        err.print(f"the gateway cannot be reached, or the pictures cannot be used: {error}", markup=False)
        raise typer.Exit(1) from None
    out.print(f"{accepted} of {count} pushes were accepted")
    if accepted < count:
        raise typer.Exit(1)


@app.command("list")
def list_(config: CONFIG = Path("cameras.toml")) -> None:
    """List the cameras of the configuration, after checking it.

    Example: platestream cameras list --config cameras.toml
    """
    made = table("camera", "kind", "from", "place", "rate", "changes only", "region")
    for name, camera, source in sources(config):
        place = f"{camera.latitude}, {camera.longitude}"
        changes = "yes" if camera.changes else "no"
        made.add_row(name, camera.kind, source, place, f"{camera.rate:g}/s", changes, camera.region)
    out.print(made)


@app.command()
def health(
    config: CONFIG = Path("cameras.toml"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the health of each camera. Exit 1 if the gateway does not run, or if a camera or the sending has a
    fault.

    Example: platestream cameras health --config cameras.toml
    """
    found = newest(config)
    if found is None:
        err.print("the gateway has never run with this spool: start it with platestream cameras run")
        raise typer.Exit(1)
    if as_json:
        print_json(found)
    else:
        zone = display_zone()
        made = table("camera", "kind", "up", "last frame", "clock behind", "frames", "picture", "fault")
        for one in found.cameras:
            last = format_local(one.last_frame, zone) or "never"
            drift = "" if one.drift is None else f"{one.drift:.1f} s"
            frames = ", ".join(f"{count} {name}" for name, count in sorted(one.frames.items()))
            made.add_row(
                one.name, one.kind, "yes" if one.up else "no", last, drift, frames, one.picture, one.fault
            )
        out.print(made)
        out.print(f"{found.waiting} frames are waiting ({found.waiting_bytes:,} bytes)")
    print_faults(faults(found, (), datetime.now(UTC)))


@app.command()
def accept(
    camera: Annotated[str, typer.Argument(help="A camera that was turned or focused on purpose.")],
    config: CONFIG = Path("cameras.toml"),
) -> None:
    """Accept the picture of a camera as it is now: the gateway learns it again, and its fault ends.

    Example: platestream cameras accept main-st-n --config cameras.toml
    """
    from platestream.cameras.picture_parts import accept_picture

    with open_door("cameras accept") as door:
        accept_picture(door, config, camera)
    out.print(f"the picture of {camera} is learned again from its next frames")
