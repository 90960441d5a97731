"""Requests to the console that no client of ours sends, as bytes on a connection."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from platestream.web.app import app
from tests.support.console import Pages
from tests.support.database import Database
from tests.support.kafka_broker import free_port
from tests.support.served import served_app

SECOND = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
ODD = {
    "two lengths": f"POST /sign-in|Host: localhost|Content-Length: 4|Content-Length: 44||abcd{SECOND}",
    "an unknown coding": "POST /sign-in|Host: localhost|Transfer-Encoding: xchunked|Content-Length: 3||abc",
    "a space after the name": "POST /sign-in|Host: localhost|Transfer-Encoding : chunked||0\r\n\r\n",
    "no host": "GET /health",
    "two hosts": "GET /sign-in|Host: localhost|Host: evil.example",
    "another host": "GET /|Host: evil.example",
    "an absolute address": "GET http://evil.example/sign-in|Host: localhost",
    "a folder above": "GET /static/../../settings.py|Host: localhost",
    "a folder above, written otherwise": "GET /static/%2e%2e/%2e%2e/settings.py|Host: localhost",
    "a backslash": "GET /static/..%5c..%5csettings.py|Host: localhost",
    "a byte of zero": "GET /static/console.js%00.html|Host: localhost",
    "another site behind the slash": "GET //evil.example/%2f..|Host: localhost",
}


@pytest.fixture
def port(database: Database, tmp_path: Path) -> Iterator[int]:
    pages, found = Pages(database, tmp_path / "data"), free_port()
    pages.staff()
    with served_app(app(pages.console), found, 1.0):
        yield found


def answered(port: int, text: str) -> bytes:
    first, _line, rest = text.partition("|")
    head, _empty, body = rest.partition("||")
    lines = "".join(f"{line}\r\n" for line in head.split("|") if line)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"{first} HTTP/1.1\r\n{lines}\r\n{body}".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_request_that_a_proxy_may_read_otherwise_opens_nothing(port: int) -> None:
    for name, text in ODD.items():
        answer = answered(port, text)
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404")), name
        assert answer.count(b"HTTP/1.1 ") == 1, name
        assert b"evil.example" not in answer, name
