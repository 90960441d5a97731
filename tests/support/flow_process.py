"""A flow as an operator starts it: its own process, real Kafka, a recovery store, to be killed at will."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from platestream.retention import uncommitted

ROOT = Path(__file__).parent.parent.parent

QUERY = """
import json, sys
from platestream.edges.clickhouse_client import OWNER, connect
rows = connect(sys.argv[1], OWNER).query(sys.argv[2]).result_rows
print(json.dumps([[str(value) for value in row] for row in rows]))
"""


class FlowProcess:
    """`python -m bytewax.run flows.NAME_flow:flow`, its recovery store and its own chDB below `folder`."""

    def __init__(
        self, name: str, folder: Path, bootstrap: str, *, epoch_seconds: int = 1, **settings: str
    ) -> None:
        self._name, self._folder, self._epoch = name, folder, epoch_seconds
        folder.mkdir(parents=True, exist_ok=True)
        self.dsn = f"chdb://{folder / 'clickhouse'}"
        self.env = {
            **os.environ,
            "PLATESTREAM_KAFKA": bootstrap,
            "PLATESTREAM_CLICKHOUSE": self.dsn,
            "PLATESTREAM_DATA": str(folder),
            "PLATESTREAM_THREADS": "1",
            **settings,
        }
        self._recovery = folder / "recovery"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """All that the processes wrote."""
        return (self._folder / "log").read_text(errors="replace")

    def prepare(self) -> None:
        """Tables and recovery store."""
        self.cli("migrate")
        self._recovery.mkdir()
        self._python("-m", "bytewax.recovery", str(self._recovery), "2")

    def start(self) -> None:
        """The flow, with its store in order, as what starts it for an operator leaves it."""
        uncommitted.delete_uncommitted(self._recovery)
        command = [
            *(sys.executable, "-m", "bytewax.run", f"platestream.flows.{self._name}_flow:flow"),
            *("-r", str(self._recovery), "-s", str(self._epoch), "-b", "0"),
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, env=self.env, cwd=ROOT, stdout=log, stderr=log)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL. Fails when the flow had stopped by itself."""
        assert self._process is not None
        assert self.running, f"the flow stopped by itself:\n{self.log[-3000:]}"
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def end(self) -> None:
        """SIGKILL, if it still runs: for the end of a test that may have failed."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)

    def cli(self, *arguments: str) -> str:
        """What `platestream` says with this flow's settings."""
        return self._python("-m", "platestream", *arguments)

    def query(self, sql: str) -> list[list[str]]:
        """Rows as text; only while the flow is not running."""
        rows: list[list[str]] = json.loads(self._python("-c", QUERY, self.dsn, sql))
        return rows

    def _python(self, *arguments: str) -> str:
        done: Any = subprocess.run(
            [sys.executable, *arguments], env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-3000:]}"
        return str(done.stdout)
