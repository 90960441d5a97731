"""Receivers of notifications on this machine: a real HTTP server and a real SMTP server."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

SECRET = "whsec_" + "cGxhdGVzdHJlYW0tdGVzdC1zZWNyZXQtMzItYnl0ZXM="
WEBHOOK = """
[[receivers]]
name = "cad"
webhook = "{url}"
secret_file = "{secret}"
[[routes]]
to = ["cad"]
"""
"""Rules by which one receiver gets all notices."""


@dataclass
class Call:
    """One request as it came."""

    at: float
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.body)
        return result


@dataclass
class HttpReceiver:
    """Answers with `status`; remembers every request that it took.

    `down`: takes the connection and says nothing. `busy`: so many requests more are answered with 503.
    """

    port: int = 0
    status: int = 200
    down: bool = False
    busy: int = 0
    chokes_on: str = ""
    calls: list[Call] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/alerts"

    @property
    def ids(self) -> list[str]:
        return [call.headers["idempotency-key"] for call in self.calls]


@contextmanager
def http_receiver(port: int = 0, **changes: Any) -> Iterator[HttpReceiver]:
    receiver = HttpReceiver(**changes)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if receiver.down:
                self.close_connection = True
                return
            if receiver.busy:
                receiver.busy -= 1
                self._answer(503)
                return
            named = {name.lower(): value for name, value in self.headers.items()}
            chokes = receiver.chokes_on == named["idempotency-key"]
            if receiver.status < 300 and not chokes:
                receiver.calls.append(Call(time.time(), named, body))
            self._answer(500 if chokes else receiver.status)

        def do_GET(self) -> None:
            self._answer(receiver.status)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, _request: Any, _client_address: Any) -> None:
            """A flow that is killed hangs up in the middle."""

    server = Server(("127.0.0.1", port), Handler)
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class MailReceiver:
    """An SMTP server that takes all mail."""

    port: int = 0
    mails: list[tuple[float, EmailMessage]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    refuse: str = ""

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        if self.refuse:
            return self.refuse
        message = BytesParser(policy=default).parsebytes(envelope.content)
        assert isinstance(message, EmailMessage)
        self.mails.append((time.time(), message))
        self.ids.append(str(message["Message-ID"]))
        return "250 OK"


@contextmanager
def mail_receiver(port: int = 0) -> Iterator[MailReceiver]:
    receiver = MailReceiver()
    controller = Controller(receiver, hostname="127.0.0.1", port=port or _free_port())
    controller.start()
    receiver.port = controller.port
    try:
        yield receiver
    finally:
        controller.stop()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
