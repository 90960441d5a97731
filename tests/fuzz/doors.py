"""Whole servers in this process, asked with the bytes of a connection."""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any
from urllib.parse import unquote

import h11
from starlette.requests import ClientDisconnect

ASGI = Callable[[Any, Any, Any], Any]


class AnswerError(Exception):
    """A server gave no answer, or one for what nobody foresaw."""


class Door:
    """An ASGI application. h11 reads the bytes, as in uvicorn; what it refuses never comes further."""

    def __init__(self, application: ASGI, scheme: str = "http") -> None:
        self._application, self._scheme = application, scheme
        self._loop = asyncio.new_event_loop()

    def __call__(self, data: bytes) -> int:
        """Send one request, and end the connection; the status of the answer. Raises AnswerError."""
        connection = h11.Connection(h11.SERVER)
        request, body, whole = None, b"", False
        try:
            connection.receive_data(data)
            connection.receive_data(b"")
            while not whole and connection.their_state is not h11.MUST_CLOSE:
                event = connection.next_event()
                if isinstance(event, h11.Request):
                    request = event
                elif isinstance(event, h11.Data):
                    body += event.data
                else:
                    whole = isinstance(event, h11.EndOfMessage)
                    break
        except h11.RemoteProtocolError:
            pass
        if request is None:
            return 400
        return self._loop.run_until_complete(self._asked(request, body, whole))

    def close(self) -> None:
        self._loop.close()

    async def _asked(self, request: h11.Request, body: bytes, whole: bool) -> int:
        path, _mark, query = request.target.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": request.http_version.decode(),
            "server": ("127.0.0.1", 443),
            "client": ("127.0.0.1", 40_000),
            "scheme": self._scheme,
            "method": request.method.decode(),
            "root_path": "",
            "path": unquote(path.decode()),
            "raw_path": path,
            "query_string": query,
            "headers": list(request.headers),
            "state": {},
        }
        coming = [{"type": "http.request", "body": body, "more_body": not whole}]
        answers: list[dict[str, Any]] = []
        ended = asyncio.Event()

        async def receive() -> Any:
            if coming:
                return coming.pop(0)
            if whole:
                await ended.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            answers.append(message)

        with suppress(ClientDisconnect):  # nobody is there any more to be answered
            await self._application(scope, receive, send)
        status = next((one["status"] for one in answers if one["type"] == "http.response.start"), None)
        said = b"".join(one.get("body", b"") for one in answers)
        if whole and (status is None or self.failed(status, said)):
            raise AnswerError(f"{status}: {said[:300]!r}")
        return status or 0

    def failed(self, status: int, _said: bytes) -> bool:
        """Whether an answer says that something went wrong which nobody foresaw."""
        return status == 500


class Lines:
    """A server of pyftpdlib, asked over loopback with all that a client sends at once."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._address = server.socket.getsockname()[:2]

    def __call__(self, data: bytes) -> None:
        with closing(socket.create_connection(self._address)) as client:
            # Reset at the end, so that ports of 100,000 connections do not wait for their minute.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(data[:60_000])
            client.shutdown(socket.SHUT_WR)
            for _turn in range(4):
                self._server.serve_forever(timeout=0, blocking=False, handle_exit=False)
        self._server.serve_forever(timeout=0, blocking=False, handle_exit=False)

    def close(self) -> None:
        self._server.close_all()
