"""Clients that leave, break off, guess, send rubbish and take nothing, all at once: others go on."""

import socket
import threading
import time
from contextlib import suppress

import pytest

from tests.support.chaos import KILLS
from tests.support.engine import Engine, own_engine
from tests.support.nightly import nightly
from tests.support.stress_engine import LARGE, Stress, run

__all__ = ["own_engine"]

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


@pytest.mark.nightly
def test_bad_clients_leave_nothing_behind_and_lose_no_row(own_engine: Engine) -> None:
    own_engine._options = ("--stalled", "5")
    own_engine.start()
    figures = run(own_engine, 5 * KILLS)
    print(figures)
    assert figures["rows lost"] == figures["rows twice"] == figures["still running"] == 0
    assert figures["rows acknowledged"] > 0
    before, first, again = figures["before, after, after the same again"]
    left = "sockets, pipes, bodies"
    assert again[left] == first[left] <= before[left]
    assert set(figures["answers"]) & {"watch 200", "select: 200", "kill: 394", "leave: left"} == {
        "watch 200",
        "select: 200",
        "kill: 394",
        "leave: left",
    }
    assert not [name for name in figures["answers"] if name.startswith("watch") and name != "watch 200"]
    assert "a request failed" not in own_engine.log


@pytest.mark.parametrize(
    ("body", "length"),
    [(LARGE.encode(), len(LARGE)), *nightly((b"SELECT", 100))],
    ids=["take nothing", "send half"],
)
def test_clients_that_do_nothing_keep_no_place(own_engine: Engine, body: bytes, length: int) -> None:
    own_engine._options = ("--stalled", "3", "--queries", "4")
    own_engine.start()
    stress = Stress(own_engine, 1)
    idle = [stress._socket(body, length) for _ in range(8)]
    assert own_engine.ask("SELECT 1", "smith").text == "1\n"  # half of the places are others'
    assert own_engine.ask("SELECT 1", "owner").text == "1\n"  # once the idle ones were let go
    for one in idle:
        one.settimeout(60)
        with suppress(ConnectionResetError):
            while one.recv(1 << 20):  # told what happened, or broken off
                pass
        one.close()
    assert own_engine.rows("SELECT count() FROM system.processes") == [[1]]


def test_connections_that_say_nothing_are_closed(own_engine: Engine) -> None:
    own_engine._options = ("--stalled", "2")
    own_engine.start()
    silent = [socket.create_connection(("127.0.0.1", own_engine.port)) for _ in range(3)]
    silent[1].sendall(b"POST / HT")
    dribble = threading.Thread(target=_dribble, args=(silent[2],))
    dribble.start()
    for one in silent:
        one.settimeout(30)
        with suppress(ConnectionResetError):
            assert one.recv(1) == b""
    dribble.join()


def _dribble(client: socket.socket) -> None:
    try:
        while True:
            client.sendall(b"x")
            time.sleep(0.2)
    except OSError:
        client.close()


def test_a_form_is_not_read_before_the_sign_in(own_engine: Engine) -> None:
    own_engine.start()
    form = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 99999"
    head = f"POST / HTTP/1.1\r\nHost: x\r\n{form}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", own_engine.port), timeout=30) as client:
        client.sendall(head.encode() + b'--x\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1')
        assert client.recv(12) == b"HTTP/1.1 401"
