"""Two console processes on one data folder and a real engine, behind HAProxy that takes them in turns."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from clickhouse_connect.driver.client import Client

from platestream.clickhouse import migrate
from platestream.edges.clickhouse_client import OWNER
from tests.conftest import skip_unless_ci
from tests.support.console import Pages, Person
from tests.support.database import Database, put_first_rules
from tests.support.engine import ROOT, Engine, password
from tests.support.kafka_broker import free_port
from tests.support.waiting import wait_until

NAMES = ("a", "b")
CONFIG = ROOT / "deploy" / "haproxy.cfg"
"""The configuration of an agency: addresses and certificates are the test's, answers say who gave them."""


class EngineDatabase(Database):
    """The database behind a real engine's HTTP interface."""

    def __init__(self, engine: Engine, data: Path) -> None:
        super().__init__(engine.folder, data)
        self.dsn = f"http://platestream_console:{password('console')}@127.0.0.1:{engine.port}/platestream"
        self._engine = engine

    def client(self, role: str = OWNER) -> Client:
        if role not in self._clients:
            self._clients[role] = self._engine.client("owner")
        return self._clients[role]


class Consoles:
    """The two processes and the load balancer. `pages` is the agency; its own console is a third one."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.pages = Pages(EngineDatabase(engine, folder / "data"), folder / "data")
        self._folder = folder
        self.ports = {name: free_port() for name in (*NAMES, "all")}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def address(self, which: str = "all") -> str:
        return f"https://localhost:{self.ports[which]}"

    def browser(self, which: str = "all") -> "Browser":
        """A browser at the load balancer, or at one console."""
        made = httpx.Client(base_url=self.address(which), verify=False, follow_redirects=True, timeout=60)
        return Browser(made, consoles=self)

    def start(self, which: str) -> None:
        cert, key = self._folder / "cert", self._folder / "key"
        settings = {"DATA": str(self.pages.data), "CLICKHOUSE": self.pages.database.dsn}
        plain = {name: value for name, value in os.environ.items() if not name.startswith("PLATESTREAM_")}
        command = [sys.executable, "-m", "platestream", "console", f"--port={self.ports[which]}"]
        with (self._folder / f"{which}.log").open("ab") as log:
            self._running[which] = subprocess.Popen(
                [*command, f"--certificate={cert}", f"--key={key}"],
                env={**plain, **{f"PLATESTREAM_{name}": value for name, value in settings.items()}},
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: self._answers(which), 120, f"console {which} answers")

    def kill(self, which: str) -> None:
        self._running[which].send_signal(signal.SIGKILL)
        self._running.pop(which).wait(30)

    def log(self, which: str) -> str:
        return (self._folder / f"{which}.log").read_text(errors="replace")

    def balance(self) -> None:
        pem = self._folder / "both.pem"
        pem.write_bytes((self._folder / "cert").read_bytes() + (self._folder / "key").read_bytes())
        text = CONFIG.read_text()
        ours = {
            "bind :443": f"bind 127.0.0.1:{self.ports['all']}",
            "/etc/haproxy/alpr.pem": str(pem),
            "/etc/haproxy/authority.pem": str(self._folder / "cert"),
            "alpr.sjpd.example": "localhost",
            "10.0.0.11:8443": f"127.0.0.1:{self.ports['a']}",
            "10.0.0.12:8443": f"127.0.0.1:{self.ports['b']}",
            "  default_backend": "  http-response set-header x-console %s\n  default_backend",
        }
        for theirs, own in ours.items():
            assert text.count(theirs) == 1, theirs
            text = text.replace(theirs, own)
        config = self._folder / "haproxy.cfg"
        config.write_text(text)
        self._running["all"] = subprocess.Popen(["haproxy", "-db", "-f", str(config)])
        wait_until(lambda: self._answers("all"), 30, "the load balancer answers")

    def stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            process.wait(30)
        self.pages.console.close()

    def _answers(self, which: str) -> bool:
        process = self._running.get(which)
        assert process is None or process.poll() is None, self.log(which)
        try:
            return httpx.get(f"{self.address(which)}/health", verify=False).status_code == 200
        except httpx.HTTPError:
            return False


class Browser(Person):
    """A browser that may send a request to one console instead of the load balancer. `by` are the consoles
    that answered through the load balancer.
    """

    def __init__(self, client: Any, *, consoles: Consoles) -> None:
        super().__init__(client)
        self._consoles = consoles
        self.by: set[str] = set()

    def at(self, which: str, path: str = "/account") -> Any:
        """A page of one console, in the same session."""
        return self._shown(self.client.get(f"{self._consoles.address(which)}{path}"))

    def send_to(self, which: str, path: str, **fields: Any) -> Any:
        """A form of the last page, to one console."""
        return self.send(f"{self._consoles.address(which)}{path}", **fields)

    def admitted(self, which: str) -> bool:
        return bool(self.at(which).url.path == "/account")

    def _shown(self, answer: Any) -> Any:
        self.by.add(answer.headers.get("x-console", ""))
        return super()._shown(answer)


@contextmanager
def balanced(folder: Path) -> Iterator[Consoles]:
    if shutil.which("haproxy") is None or shutil.which("openssl") is None:
        skip_unless_ci("haproxy and openssl are not both there")
    made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    subprocess.run(["openssl", "req", *made, *files], check=True, capture_output=True)
    engine = Engine(folder / "engine")
    engine.start()
    consoles = None
    try:
        owner = engine.client("owner")
        migrate.apply(owner)
        put_first_rules(owner)
        consoles = Consoles(folder, engine)
        for name in NAMES:
            consoles.start(name)
        consoles.balance()
        yield consoles
    finally:
        if consoles is not None:
            consoles.stop()
        engine.stop()


@pytest.fixture(scope="module")
def consoles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consoles]:
    with balanced(tmp_path_factory.mktemp("balanced")) as made:
        yield made
