"""rsyslog, the syslog server of Debian, on this machine: by TCP, UDP and TLS."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import skip_unless_ci
from tests.support.kafka_broker import free_port
from tests.support.kafka_secured import authority, certified
from tests.support.waiting import port_open

TEMPLATE = 'template(name="raw" type="string" string="%pri%|%syslogtag%|%msgid%|%msg%\\n")'


@dataclass
class Rsyslog:
    """A server that writes a line for each message: what it understood of the header, and the text."""

    folder: Path
    tcp: int = field(default_factory=free_port)
    udp: int = field(default_factory=free_port)
    tls: int = field(default_factory=free_port)
    mode: str = 'streamDriver.authMode="anon"'
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.authority = authority(self.folder, "siem")
        self.certificate = certified(self.folder, self.authority)

    @property
    def lines(self) -> list[str]:
        out = self.folder / "out"
        return out.read_text().splitlines() if out.exists() else []

    def wait(self, count: int) -> list[str]:
        """Return the lines once there are so many."""
        end = time.monotonic() + 60
        while len(found := self.lines) < count:
            assert time.monotonic() < end, f"rsyslog wrote {len(found)} lines of {count} in 60 s"
            time.sleep(0.05)
        return found

    def start(self) -> None:
        keys = "".join(
            f' defaultNetstreamDriver{name}="{path}"'
            for name, path in (
                ("CAFile", self.authority),
                ("CertFile", self.certificate),
                ("KeyFile", self.certificate),
            )
        )
        secured = f'streamDriver.name="gtls" streamDriver.mode="1" {self.mode}'
        (self.folder / "rsyslog.conf").write_text(
            f'global(workDirectory="{self.folder}" maxMessageSize="64k"{keys})\n'
            'module(load="imtcp" maxSessions="100")\nmodule(load="imudp")\n'
            f'input(type="imtcp" port="{self.tcp}" address="127.0.0.1")\n'
            f'input(type="imtcp" port="{self.tls}" address="127.0.0.1" {secured})\n'
            f'input(type="imudp" port="{self.udp}" address="127.0.0.1")\n'
            f'{TEMPLATE}\naction(type="omfile" file="{self.folder / "out"}" template="raw")\n'
        )
        words = ["-n", "-f", str(self.folder / "rsyslog.conf"), "-i", str(self.folder / "pid")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(["rsyslogd", *words], stdout=log, stderr=log)
        for port in (self.tcp, self.tls):
            port_open(port, "rsyslog")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()  # it writes what it has read
            self.process.wait(60)
            self.process = None


@contextmanager
def rsyslog(folder: Path, mode: str = 'streamDriver.authMode="anon"') -> Iterator[Rsyslog]:
    if (
        shutil.which("rsyslogd") is None
        or not Path("/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so").exists()
    ):
        skip_unless_ci("rsyslog with TLS is needed: apt-get install rsyslog rsyslog-gnutls")
    folder.mkdir()
    server = Rsyslog(folder, mode=mode)
    server.start()
    try:
        yield server
    finally:
        server.stop()
