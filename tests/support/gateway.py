"""The gateway as somebody starts it: a process of its own, to be killed at will, and its topic of frames."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from platestream.cameras.state import GatewayHealth, read
from platestream.schemas.message import Message
from platestream.schemas.topics import FRAMES
from tests.support.kafka_broker import free_port
from tests.support.stored_topics import stored_topics

ROOT = Path(__file__).parent.parent.parent
PLACE = "latitude = 34.5\nlongitude = -109.4\n"


class GatewayProcess:
    """`platestream cameras run` in `folder`; `cameras` is TOML with the cameras' tables."""

    def __init__(
        self, folder: Path, cameras: str, kafka: str = "", more: str = "", tls: bool = False, ftp: str = ""
    ) -> None:
        self.folder, self.http, self.ftp = folder, free_port(), free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "cameras.toml"
        keys = 'certificate = "cert"\nkey = "key"\n' if tls else ""
        self.config.write_text(
            f'spool = "spool"\n{more}\n[http]\nlisten = "127.0.0.1:{self.http}"\n{keys}'
            f'[ftp]\nlisten = "127.0.0.1:{self.ftp}"\n{keys}{ftp}{cameras}'
        )
        self.env = {
            **os.environ,
            "PLATESTREAM_DATA": str(folder / "data"),
            "PLATESTREAM_KAFKA": kafka,
            "PLATESTREAM_KEYS": "" if kafka else str(folder / "keys"),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "platestream", "cameras", "run", "--config", str(self.config)]
            self._process = subprocess.Popen(command, env=self.env, cwd=ROOT, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def code(self) -> int | None:
        """What it ended with; None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, self.log[-3000:]
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def end(self) -> int:
        """SIGTERM, and what it ended with."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(90)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def listening(self, port: int, within: float = 60) -> None:
        until = time.monotonic() + within
        while time.monotonic() < until:
            assert self._process is None or self._process.poll() is None, self.log[-3000:]
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError(f"nobody listens on {port}: {self.log[-3000:]}")

    def frames(self) -> list[Message]:
        """What is on the topic of the embedded edge."""
        return list(stored_topics(self.folder / "data", self.folder / "keys").read_to_end(FRAMES))

    def health(self) -> GatewayHealth | None:
        return read(self.folder / "spool")

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "platestream", "cameras", *arguments]
        return subprocess.run(
            command, env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )


def account(folder: Path, name: str, password: str = "s3cret:word") -> Path:
    """A file with a camera's account."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.account"
    path.write_text(f"{name}:{password}\n")
    path.chmod(0o600)
    return path
