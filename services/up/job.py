"""`platestream up` and `down`: the system of one data folder is started, and ended."""

import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from connectors.clickhouse_client import DatabaseError, Dsn, connect
from connectors.engine.folder import FolderError, hold
from connectors.rules_in_force import check
from connectors.settings import ACCOUNTS, Settings, job_account
from services import setup
from services.cameras import config as cameras_config
from services.door import Door
from services.up import accounts
from services.up.plan import Program, Wanted, programs
from services.up.status import write_plan
from services.up.supervisor import Supervisor, UpError, is_free

ENGINE_SECONDS = 90.0
START_SECONDS = 60.0
PORT = 8123
OURS = {"accounts", "topics", "clickhouse", "recovery", "cameras", "cameras.toml", "up.lock"}
"""Names in a data folder, of which a demo's, too, has one."""
Say = Callable[[str], None]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Sample:
    """A system to try: `lay_out` gives its cameras' configuration and what serves them, `fill` its data."""

    lay_out: Callable[[], tuple[Path, Program]]
    fill: Callable[[], None]


def up(wanted: Wanted, say: Say, sample: Sample | None = None) -> "subprocess.Popen[bytes]":
    """Start everything; on return it runs. Its supervisor's process is answered.

    Raises UpError where it runs already or something does not start, RefusedError for a wrong configuration
    of cameras, MigrationError, and what the settings raise.
    """
    settings = wanted.settings
    _consistent(wanted, sample)
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
            wanted = replace(wanted, cameras=config)
        if wanted.cameras is not None:
            cameras_config.load(wanted.cameras)
        hashes = {} if wanted.accounts else _accounts(wanted)
        found = programs(wanted, hashes, street)
        say("starting")
        write_plan(supervisor.folder, found, wanted)
        process = supervisor.start(found)
        try:
            _set_up(wanted, supervisor, say)
            for program in found:
                if not program.first:
                    say(f"starting {program.name}")
                    supervisor.begin(program.name)
            say("waiting until everything runs")
            _wait(supervisor)
            if sample is not None:
                say("the sample's hot list")
                sample.fill()
        except BaseException:
            with suppress(UpError):
                supervisor.stop()
            raise
    return process


def stay(process: "subprocess.Popen[bytes]", data: Path) -> int:
    """Stay until a signal, and end everything then; the exit status is the supervisor's."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        with suppress(UpError):
            Supervisor(data).stop()

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, end)
    return process.wait()


def down(data: Path) -> None:
    """End everything. Raises UpError where nothing runs."""
    supervisor = Supervisor(data)
    if supervisor.pid:  # which raises, before anything is made in a folder that is no system's
        with _only_one(data):
            supervisor.stop()


def _consistent(wanted: Wanted, sample: Sample | None) -> None:
    settings = wanted.settings
    if wanted.accounts is None and settings.names_server:
        raise UpError(
            "PLATESTREAM_CLICKHOUSE names a server, where each job has an account of its own: give the "
            "folder of their DSNs with --accounts, or take PLATESTREAM_CLICKHOUSE away"
        )
    if sample is not None and (settings.kafka or wanted.accounts is not None):
        raise UpError("a sample has a folder of its own: neither PLATESTREAM_KAFKA nor --accounts go with it")


@contextmanager
def _only_one(data: Path) -> Iterator[None]:
    """One command starts or ends the system at a time."""
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


def _accounts(wanted: Wanted) -> dict[str, str]:
    data = wanted.settings.data
    try:
        hold(data).close()
    except FolderError as error:
        raise UpError(str(error)) from None
    if not is_free(wanted.port):
        raise UpError(f"port {wanted.port} of this machine is taken: choose another with --port")
    return accounts.make(data, wanted.port)


def _set_up(wanted: Wanted, supervisor: Supervisor, say: Say) -> None:
    """Tables and topics as this release declares them."""
    folder = wanted.accounts or wanted.settings.data / ACCOUNTS
    dsn = job_account(folder, "migrate").read_text().strip()
    settings = wanted.settings.model_copy(update={"clickhouse": dsn})
    say("waiting for the engine")
    _answered(settings, supervisor)
    door = Door.of_machine(settings, "up")
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
            raise UpError(f"no database answers. {last_words(supervisor, 'engine')}")
        time.sleep(0.2)
    try:
        connect(settings.clickhouse, allow_plaintext=settings.allow_plaintext).close()
    except DatabaseError as error:
        raise UpError(f"{error}. {last_words(supervisor, 'engine')}") from None


def _listens(dsn: Dsn) -> bool:
    try:
        socket.create_connection((dsn.host, dsn.port), timeout=5).close()
    except OSError:
        return False
    return True


def _wait(supervisor: Supervisor) -> None:
    """Until every process has run for a moment."""
    until = time.monotonic() + START_SECONDS
    while waiting := [one for one in supervisor.states() if one.state != "running"]:
        if time.monotonic() > until:
            name = waiting[0].name
            raise UpError(f"{name} does not start ({waiting[0].said}). {last_words(supervisor, name)}")
        time.sleep(0.3)


def last_words(supervisor: Supervisor, name: str) -> str:
    """What a process wrote last, for an error."""
    try:
        lines = supervisor.log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    said = [line for line in lines if f" {name} " in line][-5:]
    return "\n".join([f"The end of its log, {supervisor.log}:", *said]) if said else ""
