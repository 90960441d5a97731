"""OpenSSH's server of SFTP on this machine, as the user of the tests, with keys and a port of its own."""

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import skip_unless_ci
from tests.support.kafka_broker import free_port
from tests.support.waiting import port_open

SSHD = "/usr/sbin/sshd"


@dataclass
class SftpServer:
    """A server whose `out` lies under `folder`; `key` may sign in, and `known` names its host key."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def known(self) -> str:
        host = (self.folder / "host.pub").read_text().split()
        return f"[127.0.0.1]:{self.port} {host[0]} {host[1]}\n"

    @property
    def place(self) -> str:
        return f"sftp://{getpass.getuser()}@127.0.0.1:{self.port}{self.out}"

    def start(self) -> None:
        for name in ("host", "key"):
            if not (self.folder / name).exists():
                make_key(self.folder / name)
        (self.folder / "authorized").write_text((self.folder / "key.pub").read_text())
        self.out.mkdir(exist_ok=True)
        (self.folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {self.folder / 'host'}\nPidFile none\n"
            f"AuthorizedKeysFile {self.folder / 'authorized'}\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
            "Subsystem sftp internal-sftp\nForceCommand internal-sftp\n"
        )
        if os.geteuid() == 0:  # a server that root starts wants the folder of its package
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        command = [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        port_open(self.port, "OpenSSH")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self.process = None


def make_key(path: Path) -> None:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(words, check=True, capture_output=True, timeout=60)


@contextmanager
def sftp_server(folder: Path) -> Iterator[SftpServer]:
    if not Path(SSHD).exists() or shutil.which("sftp") is None:
        skip_unless_ci("OpenSSH is needed: apt-get install openssh-server")
    folder.mkdir()
    server = SftpServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
