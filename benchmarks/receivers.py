"""A web server and a mail server that notifications are measured against."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from platestream.schemas.message import RefusedError


class Heard:
    """Times at which the receivers took each hit."""

    def __init__(self) -> None:
        self.web: dict[str, float] = {}
        self.mail: dict[str, float] = {}
        self.web_port = self.mail_port = 0
        self.dead = False


@contextmanager
def receivers() -> Iterator[Heard]:
    """A real HTTP server and a real SMTP server; dead, they hang up on whoever comes."""
    try:
        from aiosmtpd.controller import Controller
    except ImportError:
        raise RefusedError("bench", "aiosmtpd is needed: requirements-dev.txt has it") from None
    heard = Heard()

    class Web(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if heard.dead:
                self.close_connection = True
                return
            heard.web.setdefault(msgspec.json.decode(body)["hit_id"], time.time())
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Quiet."""

    class Mail:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
            if heard.dead:
                return "451 try again"
            text = envelope.content.decode()
            heard.mail.setdefault(text.partition("hits show ")[2][:36], time.time())
            return "250 OK"

    web = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    web.daemon_threads = True
    mail = Controller(Mail(), hostname="127.0.0.1", port=_free_port())
    threading.Thread(target=web.serve_forever, daemon=True).start()
    mail.start()
    heard.web_port, heard.mail_port = web.server_port, mail.port
    try:
        yield heard
    finally:
        web.shutdown()
        mail.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
