"""The console on a port, against clients that begin and do not go on."""

import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from platestream.hits import alert_feed
from platestream.web.app import app
from platestream.web.cookies import COOKIE
from tests.support.console import PASSWORD, Pages
from tests.support.database import Database
from tests.support.kafka_broker import free_port
from tests.support.nightly import nightly
from tests.support.served import served_app

STALLED = 1.0


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    made = Pages(database, tmp_path / "data")
    made.staff()
    return made


@pytest.fixture
def port(pages: Pages) -> Iterator[int]:
    found = free_port()
    with served_app(app(pages.console, stalled=STALLED), found, STALLED):
        yield found


HALVES = {
    "nothing": b"",
    "half a head": b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nX-",
    "half a form": b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nwho=",
    "half of a question": b"POST /api/hits/look HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n"
    b"Content-Type: application/json\r\n\r\n{",
}


@pytest.mark.parametrize("begun", ["half a form", *nightly("nothing", "half a head", "half of a question")])
def test_whoever_does_not_go_on_is_let_go_and_others_are_served(port: int, begun: str) -> None:
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
    for one in slow:
        one.sendall(HALVES[begun])
    assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    for one in slow:
        one.settimeout(20)
        answer = b""
        while part := one.recv(10_000):
            answer += part
        assert not answer or answer.startswith(b"HTTP/1.1 408")
        one.close()


def test_who_signs_in_out_or_fails_to_is_a_line_of_the_log(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "platestream.web")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        client.post("/sign-in", data={"who": "vale", "password": "wrong"})
        client.post("/sign-in", data={"who": "vale", "password": PASSWORD})
    said = [one.getMessage() for one in caplog.records if one.name.startswith("platestream.web")]
    assert said == ["no session for vale from 127.0.0.1: password, wrong", "vale signed in from 127.0.0.1"]
    assert PASSWORD not in caplog.text


def test_an_open_page_that_sends_nothing_more_stays_open(
    pages: Pages, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_feed, "HEARTBEAT_S", STALLED)
    pages.console.alerts.following = True
    token, _session = pages.console.sessions.begin("vale", pages.clock())
    headers = {"cookie": f"{COOKIE}={token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=5 * STALLED) as client:
        proof = client.get("/hits").text.partition('name="csrf" value="')[2].partition('"')[0]
        client.post("/shift/begin", data={"csrf": proof, "hours": "8"})
        with client.stream("GET", "/hits/live?after=0") as stream:
            coming = stream.iter_lines()
            assert next(coming) == "event: here"
            began = time.monotonic()
            lines = 0
            while time.monotonic() < began + 3 * STALLED:
                assert next(coming) in ("event: here", "data: here", "")
                lines += 1
            assert lines < 30, "a heartbeat a second, however old the last hit of the page is"
