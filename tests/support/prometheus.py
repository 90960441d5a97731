"""Prometheus of the system (Debian's package `prometheus`): promtool, and a server that a test starts."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import skip_unless_ci
from tests.support.kafka_broker import free_port


def tool(name: str) -> str:
    """Path of `promtool` or `prometheus`; without it the test is skipped, in CI it fails."""
    found = shutil.which(name)
    if found is None:
        skip_unless_ci(f"{name} is not here: apt-get install prometheus")
    return found


class Prometheus:
    """A server that answers at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expr: str) -> dict[str, Any]:
        """An instant query: `resultType` and `result`. Raises AssertionError with what Prometheus says."""
        asked = urllib.parse.urlencode({"query": expr})
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/query?{asked}", timeout=10) as answer:
                result: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expr}: {error.read().decode()}") from None
        data: dict[str, Any] = result["data"]
        return data

    def wait_for(self, expr: str, within: float = 30) -> None:
        """Until `expr` has a result."""
        end = time.monotonic() + within
        while not self.query(expr)["result"]:
            if time.monotonic() > end:
                raise TimeoutError(f"{expr}: nothing within {within:g} s")
            time.sleep(0.2)


@contextmanager
def prometheus(folder: Path, targets: Sequence[str]) -> Iterator[Prometheus]:
    """A server that scrapes `targets` (host:port) every second, as the flows."""
    binary = tool("prometheus")
    scrape = {"job_name": "flows", "static_configs": [{"targets": list(targets), "labels": {"flow": "all"}}]}
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    command = [
        binary,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield _ready(Prometheus(f"http://127.0.0.1:{port}"), process, folder)
    finally:
        process.terminate()
        process.wait(20)


def _ready(server: Prometheus, process: "subprocess.Popen[bytes]", folder: Path) -> Prometheus:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/-/ready", timeout=2):
                return server
        except OSError:
            time.sleep(0.1)
    raise AssertionError((folder / "prometheus.log").read_text()[-2000:])
