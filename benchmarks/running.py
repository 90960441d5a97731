"""A system of `platestream up` to measure: started in a folder of its own, filled, used from outside."""

import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import httpx
import numpy as np

from platestream.demo.street import free_port
from platestream.operations.up.supervisor import Supervisor
from platestream.schemas.acts import ROLES
from platestream.schemas.fields import rfc3339
from platestream.schemas.topics import TOPICS
from platestream.settings import Settings, open_topics, system_account

CAMERA = "gate"
TICK = os.sysconf("SC_CLK_TCK")
RESTING = 0.25
"""Cores taken by a system that waits for something to do, at most."""


class Live:
    """One system in a folder of its own, with a camera that uploads, or with cameras of RTSP."""

    def __init__(self, folder: Path, cameras: str, console: int) -> None:
        self.data, self._console = folder / "data", console
        self._config = folder / "cameras.toml"
        self._config.write_text(cameras)
        self._env = {**os.environ, "PLATESTREAM_DATA": str(self.data)}
        self._port = free_port()

    def run(self, *arguments: str, said: str = "") -> None:
        """A command of its person, who types `said`."""
        command = [sys.executable, "-m", "platestream", *arguments]
        subprocess.run(
            command,
            env=self._env,
            check=True,
            input=said,
            text=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def up(self) -> None:
        """Start it, with the console on its port; 0: without."""
        ports = ("--port", str(self._port), "--boards", "0", "--console", str(self._console))
        self.run("up", "--cameras", str(self._config), *ports)

    def count(self, topic: str) -> int:
        """Return the number of messages that were ever written to a topic; on Kafka, that it has."""
        settings = Settings(data=self.data)
        if settings.kafka:
            (declared,) = [one for one in TOPICS if one.name == topic]
            return sum(1 for _one in open_topics(settings).read_to_end(declared))
        file = self.data / "topics" / f"{topic}.sqlite3"
        if not file.exists():
            return 0
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'messages'").fetchone()
        return int(found[0]) if found else 0

    def waiting(self) -> int:
        """Frames that no reader has passed."""
        file = self.data / "topics" / "frames.sqlite3"
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            return int(db.execute("SELECT count(*) FROM messages").fetchone()[0])

    def delays(self, topic: str) -> list[float]:
        """Seconds from the time of each message of `topic`, that of its capture, until it was written."""
        with sqlite3.connect(f"file:{self.data / 'topics' / f'{topic}.sqlite3'}?mode=ro", uri=True) as db:
            return [micros / 1e6 for (micros,) in db.execute("SELECT arrived - time FROM messages")]

    def processes(self) -> list[int]:
        """Its processes, supervisor and log included."""
        supervisor = Supervisor(self.data).pid
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        return [supervisor, *map(int, children)]

    def rest(self, within: float = 300) -> None:
        """Wait until its processes have taken less than `RESTING` of a core for three seconds. Raises
        TimeoutError.
        """

        def resting() -> bool:
            before = sum(map(cpu_seconds, self.processes()))
            time.sleep(3)
            return sum(map(cpu_seconds, self.processes())) - before < 3 * RESTING

        until(resting, within)


@contextmanager
def live(cameras: Callable[[Path], str], console: int = 0) -> Iterator[Live]:
    """A system, started with what `cameras` writes into its folder; ended at the end."""
    with tempfile.TemporaryDirectory(prefix="platestream-live-") as folder:
        one = Live(Path(folder), cameras(Path(folder)), console)
        try:
            yield one
        finally:
            one.run("down")


def uploads(port: int) -> Callable[[Path], str]:
    """One camera that uploads to `port`."""

    def cameras(folder: Path) -> str:
        (folder / "account").write_text(f"{CAMERA}:bench:word")
        (folder / "account").chmod(0o600)
        return (
            f'[http]\nlisten = "127.0.0.1:{port}"\n[cameras.{CAMERA}]\nkind = "http"\nrate = 60.0\n'
            'credentials_file = "account"\nlatitude = 34.5\nlongitude = -109.4\n'
        )

    return cameras


def plates(count: int) -> list[str]:
    """Plates that differ from each other in more than one character."""
    return [f"KT{chr(65 + number % 26)}{1000 + 37 * number}" for number in range(count)]


def register(system: Live, plates: list[str]) -> None:
    me = system_account()
    today = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    roles = [word for role in ROLES for word in ("--role", role)]
    system.run("registry", "agency", "bench", "--title", "Bench", "--own", "--state", "AZ")
    # Before there are people: later it takes a second factor.
    system.run("registry", "rules", "--second-factor", "nobody", "--by", "the benchmark")
    system.run(
        "registry",
        "user",
        me,
        "--title",
        me,
        "--agency",
        "bench",
        "--employee-number",
        "1",
        "--trained",
        today,
        *roles,
    )
    file = system.data / "listed.csv"
    ends = (datetime.now(UTC) + timedelta(days=20)).date()
    words = "26-001234,stolen from the fair,Dispatch,928-555-0101,P/C for arrest"
    lines = [f"{one},stolen_vehicle,{one},AZ,{words},{ends}" for one in plates]
    columns = "reference,category,plate,state,case_number,reason,requested_by,contact,instructions,expires_at"
    file.write_text("\n".join([columns, *lines, ""]))
    system.run("hotlist", "import", str(file), "--source", "acic")


def upload(port: int, plate: str) -> None:
    pixels = np.full((160, 420, 3), 235, np.uint8)
    cv2.rectangle(pixels, (20, 30), (400, 130), (120, 60, 20), 3)
    cv2.putText(pixels, plate, (40, 103), cv2.FONT_HERSHEY_DUPLEX, 2.1, (30, 20, 20), 5, cv2.LINE_AA)
    picture = cv2.imencode(".jpg", pixels)[1].tobytes()
    answer = httpx.post(
        f"http://127.0.0.1:{port}/",
        content=picture,
        headers={"captured-at": rfc3339(datetime.now(UTC))},
        auth=httpx.DigestAuth(CAMERA, "bench:word"),
        timeout=60,
    )
    answer.raise_for_status()


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def until(holds: Callable[[], bool], within: float = 120) -> None:
    end = time.monotonic() + within
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing came of it within {within:g} s")
        time.sleep(0.02)


def cpu_seconds(pid: int) -> float:
    """Seconds of CPU that a process has taken, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK
