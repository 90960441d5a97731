"""The system of `platestream up`, from outside: its start, idle cost, uploads to alerts, and cameras.

The readers' own time, the same frames in a loop of one thread, stands beside the frames that it reads.
"""

import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.cameras import measure
from benchmarks.running import Live, cpu_seconds, listens, live, plates, register, until, upload, uploads
from models.samples.frames import SPAN, sample_frames
from platestream.demo.street import free_port
from platestream.reading.factory import PlateReader

WIDTH, HEIGHT = 1920, 1080


def run(alerts: int, cameras: int, seconds: float) -> dict[str, Any]:
    """All figures: `alerts` uploads of listed plates (0: none), and so many cameras of RTSP for `seconds`."""
    started = {**_uploads(alerts), "reader_frames_s": _reader()} if alerts else {}
    return {**started, "rtsp": measure(cameras, seconds)}


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
    before = sum(map(cpu_seconds, pids))
    time.sleep(seconds)
    cores = (sum(map(cpu_seconds, pids)) - before) / seconds
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


def _street() -> list[Any]:
    drawn = [one for one in sample_frames(datetime.now(UTC) - SPAN) if one.kind != "corrupt file"]
    pixels = (cv2.imdecode(np.frombuffer(one.jpeg, np.uint8), cv2.IMREAD_COLOR) for one in drawn)
    return [cv2.resize(one, (WIDTH, HEIGHT)) for one in pixels if one is not None]


def _pss(pid: int) -> int:
    """KiB of memory, of what is shared its part."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
