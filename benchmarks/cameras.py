"""Cost of cameras: processor time for each second of a camera, by process and by stage, beside ffmpeg.

Every camera sends the same drawn street by RTSP: 1080p H.264, 15 frames a second. It is quiet at first, while
the system starts, and at the end, while the last vehicles are read.
"""

import hashlib
import os
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rapidfuzz.distance import Levenshtein

from benchmarks.read import Clock, TimedEngine
from benchmarks.running import Live, cpu_seconds, live, until
from models.samples.video import StreetVideo, VideoPass
from platestream.cameras.intake import LastSent, jpeg
from platestream.demo.street import PYTHON, free_port
from platestream.operations.up.supervisor import Supervisor
from platestream.operators.decode import Bounds, picture
from platestream.operators.recognize import Recognizer
from platestream.reading.change_detector import ChangeDetector
from platestream.reading.ocr import open_engine
from platestream.reading.plate_reader import TwoPassReader
from platestream.schemas.detection import Detection
from platestream.schemas.fields import rfc3339
from platestream.schemas.frame import Frame
from platestream.schemas.message import Message
from platestream.schemas.plates import fold
from platestream.schemas.topics import DETECTIONS
from platestream.settings import Settings, open_topics

SERVER = Path(__file__).parents[1] / "platestream" / "demo" / "rtsp_server.py"
PIPELINE = "filesrc location={video} ! qtdemux ! h264parse ! rtph264pay name=pay0 config-interval=1 pt=96"
FPS, RATE, EVERY = 15, 5, 4.0
"""Frames a second that a camera sends, those that are looked at, and seconds from a vehicle to the next."""
QUIET, END = 40.0, 90.0
"""Seconds of the street without vehicles before the traffic and behind it."""
BEFORE, LEAVES = 6.0, 4.0
"""Seconds before the traffic from which all is measured, and after it in which its last passes end."""
SIZE = (1920, 1080)
FILMS = Path(__file__).parents[1] / "build" / "films"
DRAWING = Path(__file__).parents[1] / "models" / "samples"
SETTLED = 12.0
"""Seconds without a detection after which all passes are counted; vehicles come more often."""
ALIKE = 0.7
"""Similarity from which a detection is of a vehicle whose plate was read wrong."""
PROCESSES = {"cameras": "gateway", "recognize": "reader"}


def measure(cameras: int, seconds: float) -> dict[str, Any]:
    """Figures of so many cameras in one system, of its stages in one process, and of ffmpeg alone."""
    street = StreetVideo(seconds, FPS, SIZE, gap=EVERY)
    video = _film(street, seconds)
    floor = _decode_seconds(video, seconds)
    found = _watched(video, cameras, seconds, street.passes)
    total = sum(found["processor"].values())
    return {
        "cameras": cameras,
        **found,
        "processor_total": round(total, 3),
        "ffmpeg_decoding": round(floor, 3),
        "ratio": round(total / floor, 2),
        "cameras_on_two_cores": round(2 / total, 1),
        "stages": _stages(video, seconds),
    }


def _film(street: StreetVideo, seconds: float) -> Path:
    """Return the video of the street, whose frames count from the end of the quiet time. It is drawn once:
    the name of its file is made of all that draws it.
    """
    drawn_by = hashlib.sha256(
        b"".join(one.read_bytes() for one in (Path(__file__), *sorted(DRAWING.glob("*.py"))))
    )
    video = FILMS / f"street-{seconds:g}-{drawn_by.hexdigest()[:16]}.mp4"
    if video.exists():
        return video
    FILMS.mkdir(parents=True, exist_ok=True)
    making = video.with_suffix(f".{os.getpid()}.mp4")
    quiet = list(StreetVideo(1.0, FPS, SIZE, seed=2, gap=60.0).frames())
    command = f"ffmpeg -loglevel error -f rawvideo -pix_fmt bgr24 -s 1920x1080 -r {FPS} -i - -c:v libx264"
    coding = "-preset veryfast -tune zerolatency -g 30 -bf 0 -pix_fmt yuv420p"
    encoder = subprocess.Popen([*command.split(), *coding.split(), str(making)], stdin=subprocess.PIPE)
    assert encoder.stdin is not None
    for frames in (
        islice(cycle(quiet), round(QUIET * FPS)),
        street.frames(),
        islice(cycle(quiet), round(END * FPS)),
    ):
        for frame in frames:
            encoder.stdin.write(frame.tobytes())
    encoder.stdin.close()
    if encoder.wait():
        raise OSError("ffmpeg does not make the street's video")
    return making.replace(video)


def _decode_seconds(video: Path, seconds: float) -> float:
    """Return the processor time of ffmpeg, in one thread, that decodes the video and drops the frames, for
    each second of the time in which the system is measured.
    """
    span = BEFORE + seconds + LEAVES
    before = os.times()
    command = f"ffmpeg -loglevel error -threads 1 -ss {QUIET - BEFORE} -t {span} -i {video} -f null -"
    subprocess.run(command.split(), check=True)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent / span


def _watched(video: Path, cameras: int, seconds: float, passes: Sequence[VideoPass]) -> dict[str, Any]:
    """Return what the system takes from the begin of the traffic until all of it is read, and its passes."""
    port = free_port()
    tables = [
        f'[cameras.c{number}]\nkind = "rtsp"\nurl = "rtsp://127.0.0.1:{port}/street"\nrate = {RATE}.0\n'
        "latitude = 34.5\nlongitude = -109.4\n"
        for number in range(cameras)
    ]
    command = [PYTHON, str(SERVER), str(port), f"street={PIPELINE.format(video=video)}"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert server.stdout is not None
    server.stdout.readline()
    try:
        with live(lambda _folder: "".join(tables)) as system:
            system.up()
            until(lambda: system.count("frames") >= cameras)
            time.sleep(QUIET - BEFORE)
            before, frames = _processor(system), system.count("frames")
            time.sleep(BEFORE + seconds + LEAVES)
            gateway = _processor(system)
            frames = system.count("frames") - frames
            until(lambda: system.waiting() == 0, within=END + QUIET - 10)
            _settle(system)
            after = _processor(system)
            found, delays = _detections(system), sorted(system.delays("detections"))
    finally:
        server.kill()
    span = cameras * (BEFORE + seconds + LEAVES)
    spent = {name: (gateway if name == "gateway" else after)[name] - before[name] for name in before}
    return {
        "processor": {name: round(one / span, 3) for name, one in spent.items()},
        "frames_sent_s": round(frames / span, 2),
        # A pass is written some seconds after its last frame; what is above the least is lateness.
        "capture_to_detection_s": {
            "least": round(delays[0], 1),
            "p50": round(statistics.median(delays), 1),
            "most": round(delays[-1], 1),
        },
        **compared(passes, found, cameras),
    }


def _settle(system: Live) -> None:
    """Wait until no detection has come for some time: a camera may have connected later than the others."""
    count, since = system.count("detections"), time.monotonic()
    while time.monotonic() - since < SETTLED:
        time.sleep(0.5)
        if (now := system.count("detections")) != count:
            count, since = now, time.monotonic()


def _processor(system: Live) -> dict[str, float]:
    """Return the seconds of CPU that the gateway, the readers and all else have taken."""
    found: defaultdict[str, float] = defaultdict(float)
    supervisor = Supervisor(system.data)
    found["others"] = cpu_seconds(supervisor.pid)
    for one in supervisor.states():
        if one.pid:
            found[PROCESSES.get(one.name.split("-")[0], "others")] += cpu_seconds(one.pid)
    return dict(found)


def _detections(system: Live) -> list[Detection]:
    topics = open_topics(Settings(data=system.data), follow=False)
    return [DETECTIONS.decode(one) for one in topics.read_to_end(DETECTIONS)]


def compared(passes: Sequence[VideoPass], found: Sequence[Detection], cameras: int) -> dict[str, Any]:
    """Return how many passes were seen and read right; each detection is of one pass."""
    seen = right = 0
    by_camera: defaultdict[str, list[str]] = defaultdict(list)
    for one in found:
        by_camera[one.camera_id].append(fold(one.plate))
    for plates in by_camera.values():
        for truth in (fold(one.plate) for one in passes):
            best = max(plates, key=lambda plate: Levenshtein.normalized_similarity(plate, truth), default="")
            if best and Levenshtein.normalized_similarity(best, truth) >= ALIKE:
                plates.remove(best)
                seen += 1
                right += best == truth
    total = len(passes) * cameras
    return {
        "passes": total,
        "passes_lost": total - seen,
        "passes_right": right,
        "detections_besides": sum(map(len, by_camera.values())),
        "frames_read_by_pass": round(sum(one.frames for one in found) / max(len(found), 1), 2),
    }


def _stages(video: Path, seconds: float) -> dict[str, float]:
    """Return the processor time of each stage for a second of a camera, in one thread and one process."""
    clock = Clock(time.process_time)
    reader = TwoPassReader(TimedEngine(open_engine(threads=1), clock))
    reader.read(np.zeros((1080, 1920, 3), np.uint8))
    detector = ChangeDetector(reader.read, locate=reader.locate, closely=reader.read)
    recognizer = Recognizer(detector, lambda: True)
    stream = cv2.VideoCapture(str(video), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    last, start = LastSent(), datetime.now(UTC)
    for number in range(1, round((QUIET + seconds + LEAVES) * FPS)):
        if number == round(QUIET * FPS):
            clock.spent.clear()
        clock.time("decode video", stream.grab)
        if number % (FPS // RATE) == 0:
            _process(stream, start + timedelta(seconds=number / FPS), last, recognizer, clock)
    clock.spent["find and read plates"] -= clock.spent["detect"] + clock.spent["recognise"]
    return {name: round(spent / (seconds + LEAVES), 4) for name, spent in clock.spent.items()}


def _process(
    stream: cv2.VideoCapture, at: datetime, last: LastSent, recognizer: Recognizer, clock: Clock
) -> None:
    """Take the stream's frame as gateway and reader do."""
    _whole, pixels = clock.time("convert", stream.retrieve)
    if not clock.time("change", lambda: last.differs(pixels)):
        return
    image = clock.time("encode JPEG", lambda: jpeg(pixels))
    headers = {"camera-id": "c", "captured-at": rfc3339(at), "latitude": "34.5", "longitude": "-109.4"}
    frame = Frame.from_message(Message(b"c", image, headers))
    seen = clock.time("decode JPEG", lambda: picture(frame, Bounds()))
    clock.time("find and read plates", lambda: recognizer(seen))
