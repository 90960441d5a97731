"""`platestream cameras`: the gateway that brings cameras' frames to the pipeline."""

import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from platestream.cli.console import err, out, print_json, table
from platestream.cli.entrance import display_zone
from platestream.cli.times import shown_at
from services.cameras.health import faults, newest, sources

app = typer.Typer(no_args_is_help=True, help="The camera gateway: run, check, list, health.")

CONFIG = Annotated[
    Path,
    typer.Option("--config", exists=True, dir_okay=False, help="The TOML file with a table for each camera."),
]


@app.command()
def run(
    config: CONFIG = Path("cameras.toml"),
    metrics_port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Serve metrics on this port; 0: where the file says."),
    ] = 0,
) -> None:
    """Bring the frames of all cameras to the pipeline, until it is told to end.

    Examples: platestream cameras run --config cameras.toml
    and platestream cameras run --config cameras.toml --metrics-port 3032
    """
    from services.cameras.gateway import open_gateway  # all that cameras are read with

    gateway = open_gateway(config, metrics_port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: gateway.stop.set())
    err.print(f"the gateway runs for the cameras of {config}")
    gateway.run()


@app.command()
def check(
    url: Annotated[str, typer.Argument(help="rtsp://…, http://…; with user:password@ or --credentials.")],
    kind: Annotated[
        Literal["auto", "rtsp", "mjpeg", "snapshot"], typer.Option(help="What the address gives.")
    ] = "auto",
    credentials: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file with user:password.")
    ] = None,
) -> None:
    """Ask a camera for one frame; say in a sentence what is wrong with its address. Exit 1 when something is.

    Example: platestream cameras check rtsp://camera.example/stream1 --credentials secrets/stream1
    """
    from services.cameras.look import Address, look

    told = look(Address(url, kind, credentials))
    (out if told.right else err).print(told.said)
    if not told.right:
        raise typer.Exit(1)


@app.command("list")
def list_(config: CONFIG = Path("cameras.toml")) -> None:
    """The cameras of the configuration, which is checked on the way.

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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """How each camera is. Exit 1 when the gateway does not run, or a camera or the sending has a fault.

    Example: platestream cameras health --config cameras.toml
    """
    found = newest(config)
    if found is None:
        err.print("the gateway never ran with this spool")
        raise typer.Exit(1)
    if as_json:
        print_json(found)
    else:
        zone = display_zone()
        made = table("camera", "kind", "up", "last frame", "clock behind", "frames", "fault")
        for one in found.cameras:
            last = shown_at(one.last_frame, zone) or "never"
            drift = "" if one.drift is None else f"{one.drift:.1f} s"
            frames = ", ".join(f"{count} {name}" for name, count in sorted(one.frames.items()))
            made.add_row(one.name, one.kind, "yes" if one.up else "no", last, drift, frames, one.fault)
        out.print(made)
        out.print(f"{found.waiting} frames wait ({found.waiting_bytes:,} bytes)")
    wrong = faults(found, datetime.now(UTC))
    for line in wrong:
        err.print(line)
    if wrong:
        raise typer.Exit(1)
