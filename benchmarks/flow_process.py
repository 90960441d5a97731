"""A flow in a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from platestream.settings import Settings


class FlowProcess:
    """A flow as an operator starts it, with a recovery store and an embedded database of its own."""

    def __init__(self, name: str, folder: Path, settings: Settings, **more: str) -> None:
        self._name, self._folder = name, folder
        folder.mkdir()
        self._env = {
            **os.environ,
            "PLATESTREAM_KAFKA": settings.kafka,
            "PLATESTREAM_CLICKHOUSE": f"chdb://{folder / 'clickhouse'}",
            "PLATESTREAM_DATA": str(folder),
            **more,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._python("-m", "platestream", "migrate")
        (folder / "recovery").mkdir()
        self._python("-m", "bytewax.recovery", str(folder / "recovery"), "4")

    def start(self) -> None:
        store = str(self._folder / "recovery")
        command = [sys.executable, "-m", "bytewax.run", f"platestream.flows.{self._name}_flow:flow"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-r", store, "-s", "1", "-b", "0"], env=self._env, stdout=log, stderr=log
            )

    def stop(self) -> None:
        """SIGKILL: stopping loses nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def _python(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, *arguments], env=self._env, check=True, capture_output=True, timeout=120
        )
