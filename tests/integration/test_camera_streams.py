"""Watched cameras: GStreamer's RTSP server, a web server, folders and videos, and the real gateway."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from platestream.cameras.sources import stream_clock
from platestream.cameras.sources.video import rtsp
from platestream.cameras.state import CameraHealth
from platestream.demo.street import NEEDED, PYTHON
from platestream.schemas.topics import FRAMES
from tests.conftest import skip_unless_ci
from tests.support.flows import plate_picture
from tests.support.gateway import PLACE, ROOT, GatewayProcess, account
from tests.support.kafka_broker import KafkaBroker, free_port, wait_until
from tests.support.nightly import nightly


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of H.264, in which something moves all the time."""
    path = tmp_path_factory.mktemp("video") / "moving.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=10:duration=60"]
    try:
        made = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-bf", "0", "-pix_fmt", "yuv420p"]
        subprocess.run(["/usr/bin/ffmpeg", "-loglevel", "error", *source, *made, str(path)], check=True)
        subprocess.run([PYTHON, "-c", NEEDED], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        skip_unless_ci("Debian's ffmpeg, GStreamer's RTSP server and python3-gi are not all there")
    return path


Serve = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def serve(video: Path) -> Iterator[Serve]:
    """Starts GStreamer's server on a port, with an account or without."""
    started: list[subprocess.Popen[bytes]] = []

    def start(port: int, *login: str) -> subprocess.Popen[bytes]:
        pipeline = f"street=filesrc location={video} ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96"
        account = ["--account", *login] if login else []
        command = [PYTHON, str(ROOT / "platestream/demo/rtsp_server.py"), str(port), *account, pipeline]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(10)


def rtsp_gateway(folder: Path, port: int, more: str = "", kafka: str = "") -> GatewayProcess:
    table = (
        f'[cameras.street]\nkind = "rtsp"\nurl = "rtsp://127.0.0.1:{port}/street"\nrate = 5.0\n{PLACE}{more}'
    )
    return GatewayProcess(folder, table, kafka)


def only(gateway: GatewayProcess) -> CameraHealth:
    found = gateway.health()
    assert found is not None
    return found.cameras[0]


def test_rtsp_with_digest_reaches_the_topic_at_the_rate_that_is_set(tmp_path: Path, serve: Serve) -> None:
    port = free_port()
    serve(port, "viewer", "p@ss:w/rd")
    account(tmp_path, "viewer", "p@ss:w/rd")
    gateway = rtsp_gateway(tmp_path, port, 'credentials_file = "viewer.account"\n')
    gateway.start()
    try:
        wait_until(lambda: len(gateway.frames()) > 30, 60, "30 frames")
    finally:
        assert gateway.end() == 0
    frames = gateway.frames()
    at = [FRAMES.decode(frame).captured_at for frame in frames]
    assert at == sorted(at)
    assert 3 < (len(at) - 1) / (at[-1] - at[0]).total_seconds() < 5.6
    assert "p@ss" not in gateway.log
    assert "p%40ss" not in gateway.log


@pytest.mark.nightly
def test_a_machine_that_is_late_knows_when_frames_came(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a quarter of a second for each frame, which come each tenth of one."""
    port = free_port()
    serve(port)
    monkeypatch.setattr(stream_clock, "TRIAL_SECONDS", 2.0)
    taken: list[tuple[float, float]] = []

    def due(waited: float) -> bool:
        taken.append((time.monotonic(), waited))
        if len(taken) > 80:
            time.sleep(0.25)
        return False

    def stop() -> bool:
        return len(taken) > 1 and (taken[-1][1] > 3 or taken[-1][0] - taken[0][0] > 50)

    assert list(rtsp(f"rtsp://127.0.0.1:{port}/street", "", 20, due, stop)) == []
    behind = [at - number / 10 for number, (at, _waited) in enumerate(taken)]
    assert taken[-1][1] == pytest.approx(behind[-1] - min(behind), abs=0.5)


@pytest.mark.nightly
def test_a_camera_that_hangs_or_goes_is_noticed_and_comes_back(tmp_path: Path, serve: Serve) -> None:
    port = free_port()
    server = serve(port)
    gateway = rtsp_gateway(tmp_path, port, "silent = 3.0\n")
    gateway.start()
    try:
        wait_until(lambda: len(gateway.frames()) > 3, 60, "frames")
        server.send_signal(signal.SIGSTOP)
        wait_until(lambda: bool(only(gateway).fault) and not only(gateway).up, 20, "a hanging camera noticed")
        server.send_signal(signal.SIGCONT)
        wait_until(lambda: only(gateway).up, 60, "frames again")
        server.kill()
        wait_until(lambda: not only(gateway).up, 30, "a dead camera noticed")
        assert gateway.cli("health", "--config", str(gateway.config)).returncode == 1
        serve(port)
        wait_until(lambda: only(gateway).up, 60, "frames after a reconnect")
    finally:
        gateway.close()


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("rtsp://viewer:wrong@127.0.0.1:{port}/street", "refuses the name or password (401)"),
        ("rtsp://127.0.0.1:1/street", "refuses connections on port 1"),
        ("rtsp://viewer:right@127.0.0.1:{port}/street", "it works: a picture of 640 x 360"),
        *nightly(
            ("rtsp://127.0.0.1:{port}/street", "(401)"),
            ("rtsp://nowhere.invalid/street", "not known (DNS)"),
            ("ftp://127.0.0.1/", "does not start with rtsp://"),
        ),
    ],
)
def test_check_says_in_a_sentence_what_is_wrong(
    serve: Serve, tmp_path: Path, address: str, says: str
) -> None:
    port = free_port()
    serve(port, "viewer", "right")
    done = GatewayProcess(tmp_path, "").cli("check", address.format(port=port))
    assert says in done.stdout + done.stderr
    assert done.returncode == ("it works" not in says)
    assert "wrong" not in (done.stdout + done.stderr).replace("wrong port", "")


@pytest.mark.nightly
def test_read_ends_by_itself_after_its_frames(serve: Serve) -> None:
    port = free_port()
    serve(port)
    command = [
        sys.executable,
        "-m",
        "platestream",
        "read",
        "--frames",
        "1",
        f"rtsp://127.0.0.1:{port}/street",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")


class WebCamera(BaseHTTPRequestHandler):
    """A camera that gives one picture a request, or a stream, each picture another."""

    pictures = tuple(plate_picture(text) for text in ("ABC1234", "XYZ9876", "KLM5555"))
    late = 0.0

    def do_GET(self) -> None:
        stream = self.path.startswith("/stream")
        self.send_response(200)
        kind = "multipart/x-mixed-replace; boundary=frame" if stream else "image/jpeg"
        self.send_header("Content-Type", kind)
        self.send_header("Last-Modified", self.date_time_string(time.time() - self.late))
        self.end_headers()
        for number in range(1000 if stream else 1):
            image = self.pictures[number % 3 if stream else int(time.time() * 2) % 3]
            result = f"Content-Length: {len(image)}\r\n" if self.path.endswith("long") else ""
            if stream:
                self.wfile.write(f"--frame\r\nContent-Type: image/jpeg\r\n{result}\r\n".encode())
            self.wfile.write(image + (b"\r\n" if stream else b""))
            if stream:
                time.sleep(0.1)

    def log_message(self, *_: object) -> None: ...

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # whoever asked hung up
            super().handle()


@pytest.fixture
def web() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), WebCamera)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def test_other_kinds_of_cameras_reach_the_topic_and_drift_is_shown(
    tmp_path: Path, web: int, monkeypatch: pytest.MonkeyPatch, video: Path
) -> None:
    monkeypatch.setattr(WebCamera, "late", 90.0)
    (tmp_path / "drop").mkdir()
    tables = [
        ("stream-long", f'kind = "mjpeg"\nurl = "http://127.0.0.1:{web}/stream-long"'),
        (
            "stream-short",
            f'kind = "mjpeg"\nurl = "http://127.0.0.1:{web}/stream"\ncrop = [0.0, 0.0, 0.5, 1.0]',
        ),
        ("snapshot", f'kind = "snapshot"\nurl = "http://127.0.0.1:{web}/one.jpg"'),
        ("drop", 'kind = "folder"\npath = "drop"'),
        ("video", f'kind = "video"\npath = "{video}"'),
    ]
    gateway = GatewayProcess(tmp_path, "".join(f"[cameras.{n}]\n{t}\n{PLACE}" for n, t in tables))
    gateway.start()
    try:
        (tmp_path / "drop" / "a.jpg").write_bytes(WebCamera.pictures[0])
        wait_until(
            lambda: {f.headers["camera-id"] for f in gateway.frames()} == {name for name, _table in tables},
            60,
            "a frame of each camera",
        )
        wait_until(
            lambda: not list((tmp_path / "drop").iterdir()), 10, "the file is gone when it was taken in"
        )
    finally:
        assert gateway.end() == 0
    found = gateway.health()
    assert found is not None
    drift = {one.name: one.drift for one in found.cameras}
    assert 89 < (drift["snapshot"] or 0) < 92
    frames = gateway.frames()
    of = {f.headers["camera-id"]: f for f in frames}
    assert of["stream-long"].value in WebCamera.pictures, "a picture passes as the camera made it"
    cut = cv2.imdecode(np.frombuffer(of["stream-short"].value or b"", np.uint8), cv2.IMREAD_COLOR)
    assert cut is not None
    assert cut.shape[1] == 210
    at = FRAMES.decode(of["snapshot"]).captured_at
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60, "a clock 90 s behind is not believed"


def consumed(broker: KafkaBroker) -> list[tuple[str, bytes]]:
    from platestream.edges.kafka import KafkaTopics

    read = KafkaTopics(broker.bootstrap, {}).read_to_end(FRAMES)
    return [(one.headers["captured-at"], one.value or b"") for one in read]


@pytest.mark.nightly
def test_while_the_broker_is_away_frames_wait_and_come_in_order_through_kills(
    tmp_path: Path, serve: Serve, own_kafka: KafkaBroker
) -> None:
    own_kafka.create("frames", 1, max_message_bytes=20_000_000)
    port = free_port()
    serve(port)
    gateway = rtsp_gateway(tmp_path, port, kafka=own_kafka.bootstrap)
    gateway.start()
    try:
        wait_until(lambda: only_sent(gateway) > 5, 90, "frames on the broker")
        own_kafka.kill()
        wait_until(lambda: waiting(gateway) > 20, 60, "frames wait")
        gateway.kill()
        kept = waiting(gateway)
        gateway.start()
        wait_until(lambda: waiting(gateway) > kept + 10, 60, "frames go on waiting")
        own_kafka.start()
        wait_until(lambda: waiting(gateway) < 5, 120, "the spool drains")
    finally:
        gateway.end()
    found = consumed(own_kafka)
    firsts = list(dict.fromkeys(found))
    assert [at for at, _image in firsts] == sorted(at for at, _image in firsts)
    times = [datetime.fromisoformat(at) for at, _image in firsts]
    gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
    assert sum(gap > 2 for gap in gaps) <= 1, "but for the kill of the gateway itself nothing is missing"


def waiting(gateway: GatewayProcess) -> int:
    found = gateway.health()
    return 0 if found is None else found.waiting


def only_sent(gateway: GatewayProcess) -> int:
    found = gateway.health()
    return 0 if found is None else found.cameras[0].frames.get("sent", 0)


@pytest.mark.nightly
def test_a_gateway_in_another_language_writes_the_same_topic(tmp_path: Path, own_kafka: KafkaBroker) -> None:
    if not os.path.exists("/usr/bin/kcat"):
        skip_unless_ci("kcat is not there")
    own_kafka.create("frames", 1, max_message_bytes=20_000_000)
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(plate_picture("ABC1234"))
    fields = {
        "camera-id": "gate",
        "captured-at": "2026-11-25T12:00:00Z",
        "latitude": "34.5",
        "longitude": "-109.4",
    }
    headers = [part for name, value in fields.items() for part in ("-H", f"{name}={value}")]
    command = ["/usr/bin/kcat", "-P", "-b", own_kafka.bootstrap, "-t", "frames", "-k", "gate", *headers]
    subprocess.run([*command, str(photo)], check=True, timeout=60)
    from platestream.edges.kafka import KafkaTopics

    (message,) = KafkaTopics(own_kafka.bootstrap, {}).read_to_end(FRAMES)
    frame = FRAMES.decode(message)
    assert (frame.camera_id, frame.image) == ("gate", photo.read_bytes())


def test_a_changed_configuration_counts_at_once_and_a_wrong_one_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    folder = f'kind = "folder"\npath = "pictures"\n{PLACE}'
    gateway = GatewayProcess(tmp_path, f"[cameras.north]\n{folder}")
    gateway.start()

    def names() -> list[str]:
        found = gateway.health()
        return [one.name for one in found.cameras] if found else []

    try:
        wait_until(lambda: names() == ["north"], 60, "the first camera")
        pid, before = gateway.pid, gateway.config.read_text()
        gateway.config.write_text(f"{before}\n[cameras.south]\n{folder}rate = 0\n")
        wait_until(lambda: "cannot be used" in gateway.log, 30, "the fault of the new file")
        assert names() == ["north"]
        gateway.config.write_text(f"{before}\n[cameras.south]\n{folder}")
        wait_until(lambda: names() == ["north", "south"], 60, "the second camera")
        assert gateway.pid == pid
        assert gateway.code is None
    finally:
        assert gateway.end() == 0
