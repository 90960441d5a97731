"""A database by https: who it is, is asked before anything is sent to it."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from connectors.clickhouse_client import ConnectError, DatabaseError, connect
from tests.support.kafka_secured import authority, certified


@contextmanager
def server(certificate: Path) -> Iterator[tuple[int, list[bytes]]]:
    """A server by TLS that hears what it is told, and answers each request with 500."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    heard: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                asked, _address = listening.accept()
            except OSError:
                return
            with suppress(OSError), context.wrap_socket(asked, server_side=True) as connection:
                heard.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1], heard
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def dsn(port: int, ca: Path, host: str = "127.0.0.1") -> str:
    return f"https://flows:secret@{host}:{port}/platestream?ca_cert={ca}"


def test_a_server_of_the_right_authority_and_name_is_asked(tmp_path: Path) -> None:
    ours = authority(tmp_path, "ours")
    with server(certified(tmp_path, ours)) as (port, heard):
        with pytest.raises(DatabaseError, match="ClickHouse code None"):
            connect(dsn(port, ours))
        assert heard[0].startswith(b"POST /")


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
