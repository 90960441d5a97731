"""The system of `platestream up`, from outside: its start, what it takes when idle, uploads to alerts, RTSP.

The readers' own time, the same frames in a loop of one thread, stands beside the frames that it reads.
"""

import os
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.running import Live, listens, live, plates, register, until, upload, uploads
from models.samples.frames import SPAN, sample_frames
from platestream.demo.street import PYTHON, free_port
from platestream.reading.factory import PlateReader

SERVER = Path(__file__).parents[1] / "platestream" / "demo" / "rtsp_server.py"
WIDTH, HEIGHT, RATE = 1920, 1080, 5
PIPELINE = "filesrc location={video} ! qtdemux ! h264parse ! rtph264pay name=pay0 config-interval=1 pt=96"
TICK = os.sysconf("SC_CLK_TCK")


def run(alerts: int, cameras: int, seconds: float) -> dict[str, Any]:
    """All figures. `alerts` uploads of listed plates, and 1 to `cameras` of RTSP for `seconds` each."""
    return {**_uploads(alerts), "reader_frames_s": _reader(), "rtsp": _rtsp(cameras, seconds)}


def _uploads(alerts: int) -> dict[str, Any]:
    port = free_port()

    listed = plates(alerts)
    with live(uploads(port)) as system:
        began = time.monotonic()
        system.up()
        up = time.monotonic() - began
        until(lambda: listens(port))
        upload(port, "FST1234")
        until(lambda: system.count("detections") > 0)
        first = time.monotonic() - began
        register(system, listed)
        idle = _idle(system, 30)
        took = []
        for number, plate in enumerate(listed):
            at = time.monotonic()
            upload(port, plate)
            until(lambda want=number + 1: system.count("alert_hits") >= want)  # type: ignore[misc]
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
    reader = PlateReader(None, 1)
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
    port = free_port()
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
            until(lambda: system.count("detections") > 0)
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


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has taken."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / TICK


def _pss(pid: int) -> int:
    """KiB of memory, of what is shared its part."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
