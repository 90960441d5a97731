"""supervisord, which restarts the processes: its configuration, its start, and its requests.

It is reached through a socket in the data folder, which only its owner may open. The processes die with it
(`setpriv --pdeathsig`), so that none is left unsupervised.
"""

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import msgspec
from supervisor.xmlrpc import SupervisorTransport

from platestream.operations.up.plan import Program

LOG = "platestream.log"
LONGEST_SOCKET = 100  # bytes; the kernel takes 107
STOP_SECONDS = 15


class UpError(OSError):
    """Error for a system that cannot be started or does not run; a sentence for the terminal."""


class ProcessState(msgspec.Struct, frozen=True):
    """A process as its supervisor sees it: `state` is running, starting, stopped, backoff, fatal …"""

    name: str
    state: str
    pid: int
    since: datetime | None
    said: str


class Supervisor:
    """The supervisor of one data folder, which may be running or not."""

    def __init__(self, data: Path) -> None:
        self._data = data.absolute()
        self.folder = self._data / "up"
        self.log = self._data / "log" / LOG

    def start(self, programs: list[Program]) -> "subprocess.Popen[bytes]":
        """Start supervisord, and the programs that others need. Raises UpError."""
        for folder in (self.folder, self.log.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        self._socket().unlink(
            missing_ok=True
        )  # left by a killed supervisor; the caller holds the folder's lock
        config = self.folder / "supervisord.conf"
        config.write_text(self._config(programs))
        with (self.folder / "supervisord.out").open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                env=self._environment(),
            )
        until = time.monotonic() + 20
        while not self.runs:
            if process.poll() is not None or time.monotonic() > until:
                output = (self.folder / "supervisord.out").read_text(errors="replace").strip()
                raise UpError(f"the supervisor does not start: {output or 'it says nothing'}")
            time.sleep(0.1)
        return process

    @property
    def runs(self) -> bool:
        """True where a supervisor answers."""
        try:
            return bool(self._ask("getState"))
        except UpError:
            return False

    @property
    def pid(self) -> int:
        """The process id of the supervisor. Raises UpError where none runs."""
        return int(self._ask("getPID"))

    def start_program(self, name: str) -> None:
        """Start a program that is not started yet."""
        self._ask("startProcess", name, False)

    def states(self) -> list[ProcessState]:
        """Return the state of every process but the log's. Raises UpError where no supervisor runs."""
        return [_state(one) for one in self._ask("getAllProcessInfo") if one["name"] != "log"]

    def stop(self) -> None:
        """Stop everything and wait until nothing runs. Raises UpError where no supervisor runs."""
        pid = self.pid
        self._ask("shutdown")
        until = time.monotonic() + 2 * STOP_SECONDS
        while _alive(pid):
            if time.monotonic() > until:
                raise UpError(f"the supervisor (process {pid}) does not end")
            time.sleep(0.1)

    def _ask(self, call: str, *arguments: Any) -> Any:
        proxy = ServerProxy("http://127.0.0.1", SupervisorTransport(None, None, f"unix://{self._socket()}"))
        try:
            return getattr(proxy.supervisor, call)(*arguments)
        except Fault as fault:
            raise UpError(f"the supervisor refuses {call}: {fault.faultString}") from None
        except (OSError, EOFError) as error:
            raise UpError(f"nothing runs in {self._data}: start it with platestream up") from error

    def _environment(self) -> dict[str, str]:
        """Return the environment of all processes: that of the command, without Bytewax's own metrics."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith("BYTEWAX_")}
        # Modules of the folder where the command was called must not replace those of the library.
        return {**variables, "PLATESTREAM_DATA": str(self._data), "PYTHONSAFEPATH": "1"}

    def _socket(self) -> Path:
        beside = self.folder / "supervisor.sock"
        if len(os.fsencode(beside)) <= LONGEST_SOCKET:
            return beside
        name = sha256(os.fsencode(self._data)).hexdigest()[:16]
        return Path("/tmp") / f"platestream-{os.getuid()}-{name}.sock"  # noqa: S108  chmod 0600 by supervisord

    def _config(self, programs: list[Program]) -> str:
        listener = [sys.executable, "-m", "platestream.operations.up.log", str(self.log)]
        sections = [
            f"[unix_http_server]\nfile={_escaped(str(self._socket()))}\nchmod=0600",
            # supervisord's own messages go to the common log, as events, and not to its standard output, a
            # file of the data folder: a line that cannot be written to a full disk would end supervisord.
            f"[supervisord]\nnodaemon=true\nsilent=true\nlogfile=/dev/null\nlogfile_maxbytes=0\n"
            f"pidfile={_escaped(str(self.folder / 'supervisord.pid'))}\nminfds=256",
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
            f"[eventlistener:log]\ncommand={_command(listener, {})}\nevents=PROCESS_LOG,PROCESS_STATE\n"
            "buffer_size=2000\npriority=0\nautorestart=true\nstdout_logfile=NONE\nstderr_logfile=NONE",
        ]
        return "\n\n".join([*sections, *map(_section, programs)]) + "\n"


def _section(program: Program) -> str:
    """Return a program's section. It is restarted indefinitely, with a delay that grows by a second after
    each failure.
    """
    return (
        f"[program:{program.name}]\ncommand={_command(program.command, program.environment)}\n"
        f"autostart={str(program.first).lower()}\nautorestart=true\nstartsecs=3\nstartretries=1000000\n"
        f"priority={1 if program.first else 10}\nstopwaitsecs={STOP_SECONDS}\numask=077\n"
        "redirect_stderr=true\nstdout_logfile=NONE\nstdout_events_enabled=true"
    )


def _command(command: Any, environment: dict[str, str]) -> str:
    variables = [f"{name}={value}" for name, value in environment.items()]
    return _escaped(
        shlex.join(["setpriv", "--pdeathsig", "KILL", "env", "PYTHONUNBUFFERED=1", *variables, *command])
    )


def _escaped(text: str) -> str:
    """Escape text for supervisord, to which `%` begins a name, and a `;` or `#` after a space a comment."""
    return re.sub(r"(\s)([;#])", r"""\1'"\2"'""", text).replace("%", "%%")


def _state(process: dict[str, Any]) -> ProcessState:
    state = str(process["statename"]).lower()
    since = (
        datetime.fromtimestamp(process["start"], UTC)
        if process["start"] and state in ("running", "starting")
        else None
    )
    return ProcessState(
        process["name"], state, process["pid"], since, process["spawnerr"] or process["description"]
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Return whether a process has ended, and its parent, perhaps this process, has not collected it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def is_free(port: int) -> bool:
    """Return whether a port of loopback is unused."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
