"""A flow on several processes of one machine, as an operator starts it: one store, an address for each."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.flow_process import ROOT
from tests.support.kafka_broker import free_port, wait_until


class FlowCluster:
    """`python -m bytewax.run FLOW -i N -a ADDRESSES` for each process, behind what `with-recovery` runs."""

    def __init__(self, flow: str, folder: Path, settings: Mapping[str, str], partitions: int = 8) -> None:
        self._flow, self._folder, self._partitions = flow, folder, partitions
        folder.mkdir(parents=True, exist_ok=True)
        self._env = {**os.environ, "PLATESTREAM_DATA": str(folder), **settings}
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def log(self) -> str:
        """All that the processes wrote."""
        file = self._folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    @property
    def pids(self) -> list[int]:
        return [one.pid for one in self._processes]

    def start(self, count: int) -> None:
        """So many processes; one is told of no addresses."""
        addresses = ";".join(f"127.0.0.1:{free_port()}" for _ in range(count))
        for number in range(count):
            self._processes.append(self.begin(*(("-i", str(number), "-a", addresses) if count > 1 else ())))

    def begin(self, *options: str) -> "subprocess.Popen[bytes]":
        """One process."""
        store = str(self._folder / "recovery" / "store")
        command = [
            *(sys.executable, "-m", "platestream.retention.recovery_stores", store, str(self._partitions)),
            *(sys.executable, "-m", "bytewax.run", self._flow, "-r", store, "-s", "1", "-b", "0", *options),
        ]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(command, env=self._env, cwd=ROOT, stdout=log, stderr=log)

    def stop(self) -> None:
        """SIGTERM to all, as an operator stops them. Fails when one had stopped by itself."""
        ended = [one for one in self._processes if one.poll() is not None]
        assert not ended, f"{len(ended)} processes stopped by themselves:\n{self.log[-3000:]}"
        self._end(signal.SIGTERM)

    def kill_one(self, number: int, within: float = 30) -> None:
        """SIGKILL to one: the others end by themselves."""
        self._processes[number].kill()
        wait_until(lambda: all(one.poll() is not None for one in self._processes), within, "the others' end")
        self._processes = []

    def ended(self, within: float) -> None:
        """Wait until all have ended by themselves, each with an error."""
        assert all(one.wait(within) != 0 for one in self._processes)
        self._processes = []

    def end(self) -> None:
        """For the end of a test that may have failed."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        for one in self._processes:
            one.send_signal(number)
        for one in self._processes:
            one.wait(20)
        self._processes = []
