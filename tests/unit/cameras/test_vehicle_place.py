"""The place of a gateway in a vehicle, from gpsd."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from platestream.cameras.config import load
from platestream.cameras.vehicle_place import FRESH_SECONDS, LONGEST, VehiclePlace
from platestream.schemas.message import RefusedError
from tests.support.waiting import wait_until

FIX = b'{"class":"TPV","mode":3,"lat":34.5,"lon":-109.4,"speed":12.0}\n'


class Receiver:
    """A gpsd that says `lines` to everybody who connects, and what the gateway has of it."""

    def __init__(self, *lines: bytes) -> None:
        self.lines, self.seconds, self.asked = lines, 0.0, b""
        self.server = socket.create_server(("127.0.0.1", 0))
        self.stop = threading.Event()
        self.place = VehiclePlace(self.server.getsockname()[:2], self.stop, lambda: self.seconds)

    def serve(self) -> None:
        while not self.stop.is_set():
            try:
                connection, _from = self.server.accept()
            except OSError:
                return
            with connection:
                self.asked = connection.recv(100)
                connection.sendall(b"".join(self.lines))
                self.stop.wait(60)


@contextmanager
def receiver(*lines: bytes) -> Iterator[Receiver]:
    made = Receiver(*lines)
    threads = [threading.Thread(target=one, daemon=True) for one in (made.serve, made.place.run)]
    for one in threads:
        one.start()
    try:
        yield made
    finally:
        made.stop.set()
        made.server.close()


def until(holds: Callable[[], bool]) -> None:
    wait_until(holds, 60, "the receiver's state", every=0.01)


def known(made: Receiver) -> bool:
    try:
        return bool(made.place.now)
    except RefusedError:
        return False


def test_the_newest_fix_counts_for_seconds() -> None:
    with receiver(b'{"class":"VERSION","release":"3.22"}\n', FIX.replace(b"34.5", b"33.0"), FIX) as made:
        until(lambda: known(made) and made.place.now == (34.5, -109.4))
        assert b"?WATCH" in made.asked
        made.seconds = FRESH_SECONDS + 0.1
        with pytest.raises(RefusedError, match="has no place now"):
            _ = made.place.now


@pytest.mark.parametrize(
    "line",
    [
        b'{"class":"TPV","mode":1}\n',
        b'{"class":"TPV","mode":3,"lat":34.5}\n',
        b'{"class":"TPV","mode":3,"lat":91.0,"lon":-109.4}\n',
        b'{"class":"TPV","mode":3,"lat":0.0,"lon":0.0}\n',
        b'{"class":"TPV","mode":0,"lat":34.5,"lon":-109.4}\n',
    ],
)
def test_a_receiver_that_lost_its_fix_has_no_place(line: bytes) -> None:
    with receiver(FIX, line, b'{"class":"SKY"}\n') as made:
        until(lambda: made.asked != b"")
        until(lambda: not known(made))


@pytest.mark.parametrize("line", [b"no json\n", b'{"class":7}\n', b"\xff\n", b'["TPV"]\n'])
def test_what_cannot_be_read_changes_nothing(line: bytes) -> None:
    with receiver(line, FIX, line) as made:
        until(lambda: known(made))


def test_a_line_without_an_end_fills_no_memory() -> None:
    with receiver(b"x" * (LONGEST + 5000)) as made:
        until(lambda: made.place._fault == "gpsd ended the connection")


def test_without_gpsd_the_fault_says_so() -> None:
    made = Receiver()
    made.server.close()
    threading.Thread(target=made.place.run, daemon=True).start()
    until(lambda: "not to be reached" in made.place._fault)
    made.stop.set()
    with pytest.raises(RefusedError, match="gpsd is not to be reached"):
        _ = made.place.now


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            'kind = "rtsp"\nurl = "rtsp://10.0.0.1/"\ngpsd = "127.0.0.1:2947"',
            "`gpsd` is for cameras that move",
        ),
        ('kind = "rtsp"\nurl = "rtsp://10.0.0.1/"\nmoves = true\ngpsd = "here"', "no host:port"),
        (
            'kind = "folder"\npath = "x"\nmoves = true\ngpsd = "127.0.0.1:2947"',
            "`gpsd` is for cameras that move",
        ),
    ],
)
def test_a_camera_that_cannot_have_it_is_refused(tmp_path: Path, fields: str, said: str) -> None:
    file = tmp_path / "cameras.toml"
    file.write_text(f"[cameras.car]\n{fields}\nlatitude = 34.5\nlongitude = -109.4\n")
    with pytest.raises(RefusedError, match=said):
        load(file)
