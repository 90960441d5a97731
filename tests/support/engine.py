"""The engine behind HTTP as an operator starts it: a process on a folder, to be killed at will."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import pytest
from clickhouse_connect.driver.client import Client

from platestream.clickhouse import migrate
from platestream.edges.clickhouse_client import connect
from tests.support.kafka_broker import free_port

ROOT = Path(__file__).parents[2]
SERVER_USERS = ROOT / "clickhouse" / "server-users.xml"
# Passwords by account: roles, profile.
PEOPLE = {
    "smith": ("platestream_analyst", "platestream_person"),
    "jones": ("platestream_analyst", "platestream_person"),
    "maier": ("platestream_supervisor", "platestream_person"),
    "check": ("platestream_auditor", "platestream_examiner"),
    "owner": ("platestream_owner", "default"),
}
SERVICES = ("migrate", "flows", "console", "admin", "audit", "retention", "grafana")


def password(account: str) -> str:
    return f"{account}-päss"  # not ASCII, as a person's may be


def users_file(folder: Path) -> Path:
    """An agency's own users file beside the project's."""
    people = "".join(
        f"<{name}><password_sha256_hex>{hashlib.sha256(password(name).encode()).hexdigest()}</password_sha256_hex>"
        f"<networks><ip>127.0.0.1</ip></networks><profile>{profile}</profile>"
        f"<grants><query>GRANT {role}</query></grants></{name}>"
        for name, (role, profile) in PEOPLE.items()
    )
    path = folder / "people.xml"
    path.write_text(f"<clickhouse><users>{people}</users></clickhouse>")
    return path


class Engine:
    """`python -m platestream.engine` on `folder`."""

    def __init__(self, folder: Path, *options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.users = users_file(folder)
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def dsn(self, account: str) -> str:
        return f"http://{account}:{password(account)}@127.0.0.1:{self.port}/platestream"

    @property
    def command(self) -> list[str]:
        users = ["--users", str(SERVER_USERS), "--users", str(self.users)]
        data = ["--data", str(self.folder / "data"), "--port", str(self.port)]
        return [sys.executable, "-m", "platestream.engine", *data, *users, *self._options]

    @property
    def environment(self) -> dict[str, str]:
        secrets = {
            f"PLATESTREAM_{name.upper()}_SHA256": hashlib.sha256(password(name).encode()).hexdigest()
            for name in SERVICES
        }
        return {**os.environ, **secrets}

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def start(self, within: float = 30) -> float:
        """Start and wait until it answers; the seconds that took."""
        began = time.monotonic()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command, env=self.environment, cwd=ROOT, stdout=log, stderr=log
            )
        while time.monotonic() - began < within:
            assert self._process.poll() is None, self.log[-2000:]
            try:
                if httpx.get(f"{self.url}ping").text == "Ok.\n":
                    return time.monotonic() - began
            except httpx.TransportError:
                time.sleep(0.02)
        raise TimeoutError(f"the engine did not answer in {within} s: {self.log[-2000:]}")

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(timeout=30)

    def client(self, account: str, **options: Any) -> Client:
        return connect(self.dsn(account), explain=True, **options)

    def ask(self, sql: str | bytes, account: str | None = "owner", **options: Any) -> httpx.Response:
        """POST `sql` as the body; `params` and `headers` as httpx takes them."""
        signed = None if account is None else httpx.BasicAuth(account.encode(), password(account).encode())
        return httpx.post(self.url, content=sql, auth=signed, timeout=60, **options)

    def code(self, sql: str, account: str = "owner", **options: Any) -> int:
        """ClickHouse's code of a refusal; 0 where there was none."""
        return int(self.ask(sql, account, **options).headers.get("x-clickhouse-exception-code", 0))

    def rows(self, sql: str, account: str = "owner", **options: Any) -> list[Any]:
        answer = self.ask(sql, account, params={"default_format": "JSONCompactEachRow"}, **options)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]


@pytest.fixture(scope="session")
def engine(run_folder: Path) -> Iterator[Engine]:
    """A migrated engine that tests share: make tables of your own."""
    made = Engine(Path(mkdtemp(dir=run_folder)))
    made.start()
    migrate.apply(made.client("owner"))
    yield made
    made.stop()


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine that the test starts, kills and starts again itself."""
    made = Engine(tmp_path / "engine")
    yield made
    if made._process is not None and made._process.poll() is None:
        made.kill()
