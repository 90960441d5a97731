"""A patrol car: its camera is a stream, and its place comes from a GPS receiver by the real gpsd."""

import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import reduce
from operator import xor
from pathlib import Path

import pytest

from tests.conftest import skip_unless_ci
from tests.support.flows import plate_picture
from tests.support.gateway import PLACE, GatewayProcess
from tests.support.kafka_broker import free_port, wait_until

WEST = -109.36


def sentence(text: str) -> str:
    return f"${text}*{reduce(xor, text.encode()):02X}\r\n"


def drive(seconds: int) -> str:
    """Sentences of a receiver (NMEA 0183) of a car that goes north, a fix each second."""
    lines = []
    for second in range(seconds):
        minutes = 30 + 0.03 * second
        at = f"12{second // 60:02}{second % 60:02}.00"
        place = f"34{minutes:07.4f},N,10921.6000,W"
        lines.append(sentence(f"GPGGA,{at},{place},1,08,0.9,1700.0,M,-28.0,M,,"))
        lines.append(sentence(f"GPRMC,{at},A,{place},060.0,000.0,291126,,,A"))
    return "".join(lines)


class Gpsd:
    """gpsd with a receiver that plays a drive."""

    def __init__(self, folder: Path) -> None:
        self.port, self._log = free_port(), folder / "drive.nmea"
        self._log.write_text(drive(600), newline="")
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["gpsfake", "-q", "-c", "0.1", "-P", str(self.port), str(self._log)]
        self._running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self) -> None:
        if self._running is not None:
            self._running.terminate()
            self._running.wait(60)


@pytest.fixture
def gpsd(tmp_path: Path) -> Iterator[Gpsd]:
    if shutil.which("gpsfake") is None:
        skip_unless_ci("gpsd is not there")
    made = Gpsd(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def camera() -> Iterator[int]:
    """The port of a camera that answers each request with its picture of now."""
    shown = iter(range(10**6))

    class Picture(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            picture = plate_picture(f"ABC{next(shown) % 9000 + 1000}")
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(picture)))
            self.end_headers()
            self.wfile.write(picture)

        def log_message(self, *_told: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Picture) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_stream_of_a_car_has_the_place_of_its_receiver_and_nothing_is_stored_without_one(
    tmp_path: Path, gpsd: Gpsd, camera: int
) -> None:
    table = (
        f'[cameras.car-12]\nkind = "snapshot"\nurl = "http://127.0.0.1:{camera}/"\nrate = 4.0\n'
        f'moves = true\ngpsd = "127.0.0.1:{gpsd.port}"\n{PLACE}'
    )
    gateway = GatewayProcess(tmp_path / "gateway", table)
    gateway.start()
    try:
        wait_until(lambda: "gpsd is not to be reached" in fault(gateway), 60, "the fault")
        assert gateway.frames() == []
        gpsd.start()
        wait_until(lambda: len(gateway.frames()) > 8, 120, "frames with places")
        gpsd.stop()
        wait_until(lambda: "gpsd" in fault(gateway), 60, "the fault when the receiver is gone")
        seen = gateway.frames()
        wait_until(lambda: refused(gateway) > len(seen) + 8, 120, "frames that are not stored")
        assert len(gateway.frames()) <= len(seen) + 1
        gpsd.start()
        wait_until(lambda: len(gateway.frames()) > len(seen) + 4, 120, "frames after the receiver is back")
        norths = [float(one.headers["latitude"]) for one in seen]
        assert norths == sorted(norths)
        assert len(set(norths)) > 2
        assert all(34.5 <= north < 35.5 for north in norths)
        assert {float(one.headers["longitude"]) for one in seen} == {WEST}
    finally:
        gateway.close()


def fault(gateway: GatewayProcess) -> str:
    health = gateway.health()
    return "" if health is None else health.cameras[0].fault


def refused(gateway: GatewayProcess) -> int:
    health = gateway.health()
    return 0 if health is None else health.cameras[0].frames.get("refused", 0)
