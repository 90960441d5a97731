"""taky, a TAK server, on this machine; and a client that sees what it sends."""

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import skip_unless_ci
from tests.support.clients import ClientUnavailableError, tak_server
from tests.support.kafka_broker import free_port
from tests.support.kafka_secured import authority, certified
from tests.support.waiting import port_open

EVENT = re.compile(rb"<event .*?</event>", re.DOTALL)


@dataclass
class Taky:
    program: Path
    folder: Path
    secured: bool
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.authority = authority(self.folder, "tak")
        self.certificate = certified(self.folder, self.authority)

    @property
    def url(self) -> str:
        return f"cot+{'tls' if self.secured else 'tcp'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        (self.folder / "taky.conf").write_text(
            f"[taky]\nbind_ip = 127.0.0.1\nroot_dir = {self.folder}\n[cot_server]\nport = {self.port}\n"
            f"[dp_server]\nupload_path = {self.folder}\n[ssl]\nenabled = {str(self.secured).lower()}\n"
            f"client_cert_required = true\nca = {self.authority}\ncert = {self.certificate}\n"
            f"key = {self.certificate}\n"
        )
        words = [str(self.program), "-c", str(self.folder / "taky.conf")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        port_open(self.port, "taky")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self.process = None

    def watch(self) -> "Watcher":
        """Connect a client that gets the events of others."""
        return Watcher(socket.create_connection(("127.0.0.1", self.port), 60))


class Watcher:
    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._data = connection, b""

    def wait(self, count: int) -> list[bytes]:
        """Return the events once there are so many."""
        while len(found := EVENT.findall(self._data)) < count:
            more = self._connection.recv(65536)
            assert more, "taky ended the connection"
            self._data += more
        return found


@contextmanager
def taky(folder: Path, *, secured: bool = False) -> Iterator[Taky]:
    try:
        program = tak_server()
    except ClientUnavailableError as e:
        skip_unless_ci(str(e))
    folder.mkdir()
    server = Taky(program, folder, secured)
    server.start()
    try:
        yield server
    finally:
        server.stop()
