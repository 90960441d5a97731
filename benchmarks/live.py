"""The system of `platestream up`, from outside: its start, what it takes when idle, uploads to alerts, RTSP.

The readers' own time, the same frames in a loop of one thread, stands beside the frames that it reads.
"""

import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np

from connectors.settings import system_account
from flows.reader import open_reader
from platestream.demo.street import PYTHON
from samples.frames import SPAN, sample_frames
from schemas.acts import ROLES
from schemas.fields import rfc3339
from services.up.supervisor import Supervisor

CAMERA = "gate"
SERVER = Path(__file__).parents[1] / "platestream" / "demo" / "rtsp_server.py"
WIDTH, HEIGHT, RATE = 1920, 1080, 5
PIPELINE = "filesrc location={video} ! qtdemux ! h264parse ! rtph264pay name=pay0 config-interval=1 pt=96"
TICK = os.sysconf("SC_CLK_TCK")


class Live:
    """One system in a folder of its own, with a camera that uploads, or with cameras of RTSP."""

    def __init__(self, folder: Path, cameras: str) -> None:
        self.data = folder / "data"
        self._config = folder / "cameras.toml"
        self._config.write_text(cameras)
        self._env = {**os.environ, "PLATESTREAM_DATA": str(self.data)}
        self._port = _free_port()

    def run(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "platestream", *arguments]
        subprocess.run(command, env=self._env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def up(self) -> None:
        self.run(
            "up", "--cameras", str(self._config), "--port", str(self._port), "--boards", "0", "--console", "0"
        )

    def count(self, topic: str) -> int:
        """How many messages were ever written to a topic."""
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

    def processes(self) -> list[int]:
        """Its processes, supervisor and log included."""
        supervisor = Supervisor(self.data).pid
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        return [supervisor, *map(int, children)]


@contextmanager
def live(cameras: Callable[[Path], str]) -> Iterator[Live]:
    """A system, started with what `cameras` writes into its folder; ended at the end."""
    with tempfile.TemporaryDirectory(prefix="platestream-live-") as folder:
        one = Live(Path(folder), cameras(Path(folder)))
        try:
            yield one
        finally:
            one.run("down")


def run(alerts: int, cameras: int, seconds: float) -> dict[str, Any]:
    """All figures. `alerts` uploads of listed plates, and 1 to `cameras` of RTSP for `seconds` each."""
    return {**_uploads(alerts), "reader_frames_s": _reader(), "rtsp": _rtsp(cameras, seconds)}


def _uploads(alerts: int) -> dict[str, Any]:
    port = _free_port()

    def cameras(folder: Path) -> str:
        (folder / "account").write_text(f"{CAMERA}:bench:word")
        (folder / "account").chmod(0o600)
        return (
            f'[http]\nlisten = "127.0.0.1:{port}"\n[cameras.{CAMERA}]\nkind = "http"\nrate = 60.0\n'
            'credentials_file = "account"\nlatitude = 34.5\nlongitude = -109.4\n'
        )

    plates = [f"KT{chr(65 + number % 26)}{1000 + 37 * number}" for number in range(alerts)]
    with live(cameras) as system:
        began = time.monotonic()
        system.up()
        up = time.monotonic() - began
        _until(lambda: _listens(port))
        _upload(port, "FST1234")
        _until(lambda: system.count("detections") > 0)
        first = time.monotonic() - began
        _register(system, plates)
        idle = _idle(system, 30)
        took = []
        for number, plate in enumerate(plates):
            at = time.monotonic()
            _upload(port, plate)
            _until(lambda want=number + 1: system.count("alert_hits") >= want)  # type: ignore[misc]
            took.append(time.monotonic() - at)
            time.sleep(0.5)
    return {
        "up_s": round(up, 1),
        "start_to_first_detection_s": round(first, 1),
        **idle,
        "upload_to_alert_s": {
            "n": alerts,
            "p50": round(statistics.median(took), 2),
            "p99": round(sorted(took)[min(alerts - 1, round(0.99 * alerts))], 2),
        },
    }


def _idle(system: Live, seconds: float) -> dict[str, Any]:
    """CPU in cores and memory (proportional set size), while nothing comes in."""
    time.sleep(5)
    pids = system.processes()
    before = sum(map(_cpu, pids))
    time.sleep(seconds)
    cores = (sum(map(_cpu, pids)) - before) / seconds
    return {"idle_cores": round(cores, 3), "memory_mib": round(sum(map(_pss, pids)) / 1024)}


def _reader() -> float:
    """Frames a second of the reader alone, one thread, over the street in 1080p."""
    reader = open_reader(None, 1)
    frames = _street()
    reader.read(frames[0])
    began = time.monotonic()
    for frame in frames:
        reader.read(frame)
    return round(len(frames) / (time.monotonic() - began), 2)


def _rtsp(most: int, seconds: float) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "street.mp4"
        _film(video, round(seconds) + 120)
        return [_cameras(video, count, seconds) for count in range(1, most + 1)]


def _cameras(video: Path, count: int, seconds: float) -> dict[str, Any]:
    """What `count` cameras sent in `seconds`, what of it was read, and how the queue in front grew."""
    port = _free_port()
    tables = [
        f'[cameras.c{number}]\nkind = "rtsp"\nurl = "rtsp://127.0.0.1:{port}/street"\nrate = {RATE}.0\n'
        "latitude = 34.5\nlongitude = -109.4\n"
        for number in range(count)
    ]
    server = subprocess.Popen(
        [PYTHON, str(SERVER), str(port), f"street={PIPELINE.format(video=video)}"], stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    server.stdout.readline()
    try:
        with live(lambda _folder: "".join(tables)) as system:
            system.up()
            _until(lambda: system.count("detections") > 0)
            sent, waited, at = system.count("frames"), system.waiting(), time.monotonic()
            pids = system.processes()
            cpu = sum(map(_cpu, pids))
            time.sleep(seconds)
            span = time.monotonic() - at
            sent, grew = system.count("frames") - sent, system.waiting() - waited
            cores = (sum(map(_cpu, pids)) - cpu) / span
    finally:
        server.kill()
    return {
        "cameras": count,
        "sent_frames_s": round(sent / span, 2),
        "read_frames_s": round((sent - grew) / span, 2),
        "queue_grew": grew,
        "cores": round(cores, 2),
    }


def _street() -> list[Any]:
    drawn = [one for one in sample_frames(datetime.now(UTC) - SPAN) if one.kind != "corrupt file"]
    pixels = (cv2.imdecode(np.frombuffer(one.jpeg, np.uint8), cv2.IMREAD_COLOR) for one in drawn)
    return [cv2.resize(one, (WIDTH, HEIGHT)) for one in pixels if one is not None]


def _film(video: Path, seconds: int) -> None:
    """The street as H.264, 15 frames a second, each drawn frame for a fifth of a second."""
    command = ["ffmpeg", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "bgr24"]
    command += ["-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-", "-r", "15"]
    command += [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "15",
        "-bf",
        "0",
        "-pix_fmt",
        "yuv420p",
        str(video),
    ]
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert encoder.stdin is not None
    frames = [frame.tobytes() for frame in _street()]
    for number in range(seconds * RATE):
        encoder.stdin.write(frames[number % len(frames)])
    encoder.stdin.close()
    if encoder.wait():
        raise OSError("ffmpeg does not make the street's video")


def _register(system: Live, plates: list[str]) -> None:
    me = system_account()
    today = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    roles = [word for role in ROLES for word in ("--role", role)]
    system.run("registry", "agency", "bench", "--title", "Bench", "--own", "--state", "AZ")
    system.run("registry", "user", me, "--title", me, "--agency", "bench", "--trained", today, *roles)
    file = system.data / "listed.csv"
    ends = (datetime.now(UTC) + timedelta(days=20)).date()
    lines = [f"{one},stolen_vehicle,{one},AZ,stolen,Dispatch,P/C for arrest,{ends}" for one in plates]
    file.write_text(
        "\n".join(["reference,category,plate,state,reason,contact,instructions,expires_at", *lines, ""])
    )
    system.run("hotlist", "import", str(file), "--source", "acic")


def _upload(port: int, plate: str) -> None:
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


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def _until(holds: Callable[[], bool], within: float = 120) -> None:
    end = time.monotonic() + within
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing came of it within {within:g} s")
        time.sleep(0.02)


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has taken."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / TICK


def _pss(pid: int) -> int:
    """KiB of memory, of what is shared its part."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
