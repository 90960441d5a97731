"""`platestream up`, `status` and `down`: the whole live system on one machine."""

import shlex
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

import typer

from platestream.access.accounts import sign_in_link
from platestream.access.recovery import status as status_of_founding
from platestream.cli.door import display_zone, format_local, open_door, settings
from platestream.cli.options import existing_file, existing_folder
from platestream.cli.output import err, out, print_json, table
from platestream.hotlist.feed_health import age
from platestream.operations.up import service as job
from platestream.operations.up.accounts import port_of
from platestream.operations.up.plan import StartOptions
from platestream.operations.up.status import Status
from platestream.operations.up.status import status as read_status
from platestream.operations.up.supervisor import Supervisor

if TYPE_CHECKING:
    from platestream.demo.street import SignIn


def up(
    cameras: Annotated[
        Path | None, existing_file("Configuration file of the cameras; default: DATA/cameras.toml.")
    ] = None,
    sample: Annotated[
        bool,
        typer.Option("--sample", help="Run the sample: a drawn street with RTSP cameras, and a hot list."),
    ] = False,
    foreground: Annotated[
        bool,
        typer.Option("--foreground", help="Stay in the foreground until SIGTERM or Ctrl-C, for systemd."),
    ] = False,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Port of the database engine; 0: the last one used, or 8123."),
    ] = 0,
    boards: Annotated[int, typer.Option(min=0, max=65535, help="Port of the boards; 0: none.")] = 8088,
    console: Annotated[int, typer.Option(min=0, max=65535, help="Port of the console; 0: none.")] = 8090,
    readers: Annotated[
        int, typer.Option(min=0, max=64, help="Number of reading processes; 0: one for each core.")
    ] = 0,
    metrics: Annotated[
        int, typer.Option(min=0, max=65000, help="First metrics port on 127.0.0.1; 0: none.")
    ] = 0,
    transparency: Annotated[
        bool, typer.Option("--transparency", help="Serve the public page: figures for everyone.")
    ] = False,
    transparency_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the public page.")] = 8092,
    feeds: Annotated[
        bool, typer.Option("--feeds", help="Import the files of registered feeds of hot lists.")
    ] = False,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Send exports to their evidence systems.")
    ] = False,
    accounts: Annotated[
        Path | None, existing_folder("Folder with the accounts of a server, as in deploy/secrets.")
    ] = None,
) -> None:
    """Start database, flows, retention, camera gateway, boards and console; restart each one that fails.

    Data is stored in the folder PLATESTREAM_DATA. With PLATESTREAM_KAFKA the topics are on a broker; with
    --accounts the tables are on a server. All ports are bound to 127.0.0.1.

    Example: platestream up --cameras cameras.toml
    """
    found = settings()
    data = found.data.absolute()
    config = cameras or data / "cameras.toml"
    wanted = StartOptions(
        settings=found.model_copy(update={"data": data}),
        port=port or port_of(data) or job.PORT,
        readers=readers or job.cores(),
        cameras=config.absolute(),
        accounts=accounts and accounts.absolute(),
        boards=boards,
        console=console,
        metrics=metrics,
        transparency=transparency_port if transparency else 0,
        feeds=feeds,
        evidence=evidence,
    )
    ways: list[SignIn] = []
    with err.status("starting") as shown:
        process = job.up(wanted, lambda step: shown.update(step), _street(data, ways) if sample else None)
    _show(read_status(settings(), datetime.now(UTC)), data)
    if sample:
        _show_sample(ways, console, data)
    elif console and accounts is None and (link := _set_up_link(console)):
        out.print(f"nobody is registered yet. Set up the agency, with this link for one hour: {link}")
    if foreground:
        raise typer.Exit(job.wait_for_signal(process, data))


def _sign_in_link(console: int, who: str, code: str) -> str:
    return f"http://localhost:{console}/sign-in/link?{urlencode({'who': who, 'code': code})}"


def _set_up_link(console: int) -> str:
    """Return the link by which the first person sets up the agency; empty where somebody is registered."""
    with open_door("up") as door:
        if status_of_founding(door).founded:
            return ""
        code = sign_in_link(door, door.who, datetime.now(UTC), "by platestream up")
        return _sign_in_link(console, door.who, code)


def _street(data: Path, ways: "list[SignIn]") -> job.Sample:
    from platestream.demo.street import fill, prepare  # imports everything that the demo is made of

    return job.Sample(partial(prepare, data), lambda: ways.extend(fill(settings(), datetime.now(UTC))))


def _show_sample(ways: "list[SignIn]", console: int, data: Path) -> None:
    out.print("the first vehicle alerts within a minute. Each link signs in once, within the hour:")
    for one in ways:
        link = _sign_in_link(console, one.who, one.code) if one.code else "sign in with the password"
        out.print(f"{one.who} ({one.does}): {link}", soft_wrap=True)
    program = shlex.quote(str(Path(sys.argv[0]).absolute()))
    down = f"PLATESTREAM_DATA={shlex.quote(str(data))} {program} down"
    out.print(f"stop it: {down}", soft_wrap=True)


def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show service status: running services, backlogs, cameras and disk. Exit 1 on a problem.

    Example: platestream status --json
    """
    found = settings()
    status = read_status(found, datetime.now(UTC))
    if as_json:
        print_json(status)
    else:
        _show(status, found.data)
    if status.wrong:
        raise typer.Exit(1)


def down() -> None:
    """Stop the services that `platestream up` started. Nothing is lost: they continue at the next start.

    Example: platestream down
    """
    job.down(settings().data)
    out.print("all services are stopped")


def _show(status: Status, data: Path) -> None:
    zone = display_zone()
    processes = table("process", "does", "state", "since", "pid")
    for one in status.processes:
        since = format_local(one.since, zone)
        processes.add_row(one.name, one.does, one.state, since, str(one.pid or ""))
    out.print(processes)
    if status.cameras:
        cameras = table("camera", "up", "last frame", "frames sent", "fault")
        for camera in status.cameras:
            up, last = "yes" if camera.up else "no", format_local(camera.last_frame, zone)
            cameras.add_row(camera.name, up, last, str(camera.frames.get("sent", 0)), camera.fault)
        out.print(cameras)
    if status.feeds:
        now = datetime.now(UTC)
        shown = ", ".join(f"{one.source} {age(one.imported_at, now)}" for one in status.feeds)
        out.print(f"hot lists imported: {shown}")
    waiting = ", ".join(
        f"{'?' if one.count is None else one.count} {one.topic.replace('_', ' ')}" for one in status.waiting
    )
    out.print(f"waiting: {waiting}; {status.disk_free:.0%} of the disk is free; log: {Supervisor(data).log}")
    if status.console:
        out.print(f"console: http://localhost:{status.console}/ (platestream account set)")
    if status.boards:
        out.print(f"boards: http://127.0.0.1:{status.boards}/")
    if status.transparency:
        out.print(f"public page: http://127.0.0.1:{status.transparency}/")
    for line in status.wrong:
        err.print(line)
