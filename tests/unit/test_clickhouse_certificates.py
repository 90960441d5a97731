"""A database by https: who it is, is asked before anything is sent to it."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from platestream.edges.clickhouse_client import ConnectError, DatabaseError, connect
from tests.support.kafka_secured import authority, certified


@contextmanager
def server(certificate: Path) -> Iterator[tuple[int, list[str]]]:
    """A server by TLS that hears what it is asked, and answers each request with 500."""
    heard: list[str] = []

    class Asked(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.path)
            self.rfile.read(int(self.headers["content-length"]))
            self.send_error(500)

        def log_message(self, *_told: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_told: object) -> None:
            """A handshake that was broken off."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Server(("127.0.0.1", 0), Asked) as made:
        made.socket = context.wrap_socket(made.socket, server_side=True)
        threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
        yield made.server_port, heard
        made.shutdown()


def dsn(port: int, ca: Path, host: str = "127.0.0.1") -> str:
    return f"https://flows:secret@{host}:{port}/platestream?ca_cert={ca}"


def test_a_server_of_the_right_authority_and_name_is_asked(tmp_path: Path) -> None:
    ours = authority(tmp_path, "ours")
    with server(certified(tmp_path, ours)) as (port, heard):
        with pytest.raises(DatabaseError, match="ClickHouse code None"):
            connect(dsn(port, ours))
        assert heard


def test_a_server_of_another_authority_or_name_hears_nothing_and_that_is_said(tmp_path: Path) -> None:
    ours, others = authority(tmp_path, "ours"), authority(tmp_path, "others")
    with server(certified(tmp_path, ours)) as (port, heard):
        for ca, host, why in ((others, "127.0.0.1", "certificate"), (ours, "localhost", "Hostname mismatch")):
            with pytest.raises(DatabaseError, match=f"certificate was not accepted.*{why}") as refused:
                connect(dsn(port, ca, host))
            assert not refused.value.passing, "it is not tried again for minutes"
            assert "secret" not in str(refused.value)
        assert heard == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match=r"ca_cert names .*gone\.pem, and there is no such file"):
        connect(dsn(1, tmp_path / "gone.pem"))
