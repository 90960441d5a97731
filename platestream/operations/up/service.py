"""`platestream up` and `down`: start and stop of the system of one data folder."""

import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from platestream.access.door import Door
from platestream.access.rules_reader import check
from platestream.cameras import config as cameras_config
from platestream.edges.clickhouse_client import DatabaseError, Dsn, connect
from platestream.engine.folder_lock import FolderError, lock_folder
from platestream.operations import setup
from platestream.operations.up import accounts
from platestream.operations.up.plan import Program, StartOptions, programs
from platestream.operations.up.status import gateway, write_plan
from platestream.operations.up.supervisor import Supervisor, UpError, is_free
from platestream.settings import ACCOUNTS, Settings, job_account

ENGINE_SECONDS = 90.0
START_SECONDS = 60.0
ANSWER_SECONDS = 60.0
PORT = 8123
OURS = {"accounts", "topics", "clickhouse", "recovery", "cameras", "cameras.toml", "keys", "up.lock"}
"""Names in a data folder, at least one of which is also in a demo's."""
Say = Callable[[str], None]


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Sample:
    """A trial system: `lay_out` returns its cameras' configuration and the program that serves them, `fill`
    adds its data.
    """

    lay_out: Callable[[], tuple[Path, Program]]
    fill: Callable[[], object]


def up(options: StartOptions, say: Say, sample: Sample | None = None) -> "subprocess.Popen[bytes]":
    """Start everything and wait until it runs; return the supervisor's process.

    Raises UpError where it runs already or a process does not start, RefusedError for a wrong configuration
    of cameras, MigrationError, and the errors of the settings.
    """
    settings = options.settings
    _consistent(options, sample)
    os.umask(0o077)
    with _only_one(settings.data):
        supervisor = Supervisor(settings.data)
        if supervisor.runs:
            raise UpError(
                f"Platestream runs in {settings.data} already (process {supervisor.pid}): "
                "platestream status shows it, platestream down ends it"
            )
        street: Program | None = None
        if sample is not None:
            config, street = sample.lay_out()
            options = replace(options, cameras=config)
        if options.cameras is not None:
            if not options.cameras.exists():
                options.cameras.write_text("[cameras]\n")  # pages add cameras to it
            cameras_config.load(options.cameras)
        if options.accounts is None:
            _accounts(options)
        found = programs(options, street)
        say("starting")
        write_plan(supervisor.folder, found, options)
        process = supervisor.start(found)
        try:
            _set_up(options, supervisor, say)
            if sample is not None:  # before the first frame: what passed before it was listed is historical
                say("the sample's people and hot list")
                sample.fill()
            for program in found:
                if not program.first:
                    say(f"starting {program.name}")
                    supervisor.start_program(program.name)
            say("waiting until everything runs")
            _wait(supervisor)
            _wait_for_answers(options)
        except BaseException:
            with suppress(UpError):
                supervisor.stop()
            raise
    return process


def wait_for_signal(process: "subprocess.Popen[bytes]", data: Path) -> int:
    """Wait for a signal, then stop everything; return the supervisor's exit status."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        with suppress(UpError):
            Supervisor(data).stop()

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, end)
    return process.wait()


def down(data: Path) -> None:
    """Stop everything. Raises UpError where nothing runs."""
    supervisor = Supervisor(data)
    if supervisor.pid:  # it raises before a lock file is made in a folder of other content
        with _only_one(data):
            supervisor.stop()


def _consistent(options: StartOptions, sample: Sample | None) -> None:
    settings = options.settings
    if options.accounts is None and settings.names_server:
        raise UpError(
            "PLATESTREAM_CLICKHOUSE names a server, where each job has an account of its own: give the "
            "folder of their DSNs with --accounts, or take PLATESTREAM_CLICKHOUSE away"
        )
    if sample is not None and (settings.kafka or options.accounts is not None):
        raise UpError("a sample has a folder of its own: neither PLATESTREAM_KAFKA nor --accounts go with it")


@contextmanager
def _only_one(data: Path) -> Iterator[None]:
    """Lock the data folder, so that only one command at a time starts or stops the system."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        there = {path.name for path in data.iterdir()}
        if there and not there & OURS:
            raise UpError(f"{data} holds other things: name a folder of its own in PLATESTREAM_DATA")
        data.chmod(0o700)
        lock = (data / "up.lock").open("a")
    except UpError:
        raise
    except OSError as error:
        raise UpError(f"the data folder {data} cannot be used: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpError(f"another command starts or ends Platestream in {data} just now") from None
        yield


def _accounts(options: StartOptions) -> None:
    data = options.settings.data
    try:
        lock_folder(data).close()
    except FolderError as error:
        raise UpError(str(error)) from None
    if not is_free(options.port):
        raise UpError(f"port {options.port} of this machine is taken: choose another with --port")
    accounts.make(data, options.port)


def _set_up(options: StartOptions, supervisor: Supervisor, say: Say) -> None:
    """Create tables and topics as this release declares them."""
    folder = options.accounts or options.settings.data / ACCOUNTS
    dsn = job_account(folder, "migrate").read_text().strip()
    settings = options.settings.model_copy(update={"clickhouse": dsn})
    say("waiting for the engine")
    _answered(settings, supervisor)
    door = Door.for_system_job(settings, "up")
    say("tables")
    setup.apply_migrations(door)
    check(settings, door.rules)
    say("topics")
    setup.topics(door)


def _answered(settings: Settings, supervisor: Supervisor) -> None:
    """Wait until the database answers."""
    dsn = Dsn.parse(settings.clickhouse)
    until = time.monotonic() + ENGINE_SECONDS
    while not _listens(dsn):
        if time.monotonic() > until:
            raise UpError(f"no database answers. {log_tail(supervisor, 'engine')}")
        time.sleep(0.2)
    try:
        connect(settings.clickhouse, allow_plaintext=settings.allow_plaintext).close()
    except DatabaseError as error:
        raise UpError(f"{error}. {log_tail(supervisor, 'engine')}") from None


def _listens(dsn: Dsn) -> bool:
    try:
        socket.create_connection((dsn.host, dsn.port), timeout=5).close()
    except OSError:
        return False
    return True


def _wait(supervisor: Supervisor) -> None:
    """Wait until every process has run for a few seconds."""
    until = time.monotonic() + START_SECONDS
    while waiting := [one for one in supervisor.states() if one.state != "running"]:
        if time.monotonic() > until:
            name = waiting[0].name
            raise UpError(f"{name} does not start ({waiting[0].said}). {log_tail(supervisor, name)}")
        time.sleep(0.3)


def _wait_for_answers(options: StartOptions) -> None:
    """Wait until the console answers and the camera gateway has reported, at most `ANSWER_SECONDS`."""
    until, begun = time.monotonic() + ANSWER_SECONDS, datetime.now(UTC) - timedelta(seconds=3)
    waiting = {"console"} if options.console else set()
    waiting |= {"cameras"} if options.cameras is not None else set()
    while waiting and time.monotonic() < until:
        if not is_free(options.console):
            waiting.discard("console")
        found = gateway(options.settings) if "cameras" in waiting else None
        if found is not None and found.at > begun:
            waiting.discard("cameras")
        time.sleep(0.2)


def log_tail(supervisor: Supervisor, name: str) -> str:
    """Return the last log lines of a process, for an error."""
    try:
        lines = supervisor.log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    last = [line for line in lines if f" {name} " in line][-5:]
    return "\n".join([f"The end of its log, {supervisor.log}:", *last]) if last else ""
