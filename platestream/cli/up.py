"""`platestream up`, `status` and `down`: the whole system live on one machine."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from clickhouse.sql_files import MigrationError
from platestream.cli.console import err, out, print_json, table
from platestream.cli.entrance import display_zone, settings
from platestream.cli.times import shown_at
from services.up import job
from services.up.accounts import port_of
from services.up.plan import Wanted
from services.up.status import Status
from services.up.status import status as how_it_is
from services.up.supervisor import Supervisor


def up(
    cameras: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Cameras (docs/cameras.md); else DATA/cameras.toml."),
    ] = None,
    sample: Annotated[
        bool,
        typer.Option("--sample", help="A drawn street, cameras of RTSP, a hot list."),
    ] = False,
    foreground: Annotated[
        bool,
        typer.Option("--foreground", help="Stay until SIGTERM or Ctrl-C, for systemd."),
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The engine's; 0: as before, or 8123.")] = 0,
    boards: Annotated[int, typer.Option(min=0, max=65535, help="The boards' port; 0: none.")] = 8088,
    console: Annotated[int, typer.Option(min=0, max=65535, help="The console's port; 0: none.")] = 8090,
    readers: Annotated[
        int, typer.Option(min=0, max=64, help="Processes that read plates; 0: one for each core.")
    ] = 0,
    metrics: Annotated[
        int, typer.Option(min=0, max=65000, help="First of the ports of metrics, on 127.0.0.1; 0: none.")
    ] = 0,
    accounts: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Accounts of a server, as deploy/secrets has them."),
    ] = None,
) -> None:
    """Start database, flows, retention, camera gateway, boards and console, each restarted when it dies.

    Everything is in the folder of PLATESTREAM_DATA. With PLATESTREAM_KAFKA topics are a broker's; with
    --accounts tables are a server's; else both are in the folder. Ports are of 127.0.0.1.

    Example: platestream up --cameras cameras.toml
    """
    found = settings()
    data = found.data.absolute()
    there = data / "cameras.toml"
    config = cameras or (there if there.exists() else None)
    wanted = Wanted(
        settings=found.model_copy(update={"data": data}),
        port=port or port_of(data) or job.PORT,
        readers=readers or job.cores(),
        cameras=config and config.absolute(),
        accounts=accounts and accounts.absolute(),
        boards=boards,
        console=console,
        metrics=metrics,
    )
    try:
        with err.status("starting") as shown:
            process = job.up(wanted, lambda step: shown.update(step), _street(data) if sample else None)
    except MigrationError as error:
        err.print(str(error))
        raise typer.Exit(1) from None
    _show(how_it_is(wanted.settings, datetime.now(UTC)), wanted.settings.data)
    if foreground:
        raise typer.Exit(job.stay(process, data))


def _street(data: Path) -> job.Sample:
    from platestream.demo.street import fill, prepare  # with it all that the demo is made of

    return job.Sample(partial(prepare, data), lambda: fill(settings(), datetime.now(UTC)))


def status(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """What runs and since when, what waits, the cameras, the disk; exit 1 when something is wrong.

    Example: platestream status --json
    """
    found = settings()
    told = how_it_is(found, datetime.now(UTC))
    if as_json:
        print_json(told)
    else:
        _show(told, found.data)
    if told.wrong:
        raise typer.Exit(1)


def down() -> None:
    """End what `platestream up` started. Nothing is lost: it goes on where it stopped.

    Example: platestream down
    """
    job.down(settings().data)
    out.print("everything has ended")


def _show(told: Status, data: Path) -> None:
    zone = display_zone()
    processes = table("process", "does", "state", "since", "pid")
    for one in told.processes:
        since = shown_at(one.since, zone)
        processes.add_row(one.name, one.does, one.state, since, str(one.pid or ""))
    out.print(processes)
    if told.cameras:
        cameras = table("camera", "up", "last frame", "frames sent", "fault")
        for camera in told.cameras:
            last = shown_at(camera.last_frame, zone)
            cameras.add_row(
                camera.name,
                "yes" if camera.up else "no",
                last,
                str(camera.frames.get("sent", 0)),
                camera.fault,
            )
        out.print(cameras)
    waiting = ", ".join(
        f"{'?' if one.count is None else one.count} {one.topic.replace('_', ' ')}" for one in told.waiting
    )
    out.print(f"waiting: {waiting}; {told.disk_free:.0%} of the disk is free; log: {Supervisor(data).log}")
    if told.console:
        out.print(f"console: http://localhost:{told.console}/ (platestream account set)")
    if told.boards:
        out.print(f"boards: http://127.0.0.1:{told.boards}/")
    for line in told.wrong:
        err.print(line)
