"""One connection of a client, closed when that client does nothing: what an HTTP server in front would do.

Bodies and results have their own patience (`server.Server`); here are a head that never ends, and bytes that
are never taken after an answer was given up.
"""

import asyncio
import socket
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """uvicorn's, with the patience of `patient`."""

    stalled: float

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        own = transport.get_extra_info("socket")
        # The kernel ends a connection whose other side takes nothing for so many milliseconds.
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self.stalled * 1000))
        self._head = self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._head.cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE:
            self._head.cancel()
            self._head = self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head.cancel()
        super().connection_lost(exc)

    def _expect_head(self) -> asyncio.TimerHandle:
        return self.loop.call_later(self.stalled, self.transport.abort)


def patient(seconds: float) -> Any:
    """The class of connections that are closed after so many seconds of nothing."""
    return type("Connection", (Connection,), {"stalled": seconds})
