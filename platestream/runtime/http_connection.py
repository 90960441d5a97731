"""Connections of HTTP servers with timeouts for slow clients, and room for new ones.

Bodies and results have their own timeouts. This module handles request heads that never end, bytes that are
not read after an answer was abandoned, and connections that are held open without a request.
"""

import asyncio
import resource
import socket
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 1000
"""Connections of a server (uvicorn's `limit_concurrency`)."""
CLIENT_CERTIFICATE = "client_certificate"
"""Name of the state of a request that has the client's certificate (DER), where TLS asked for one."""
IDLE_SECONDS = 300.0
"""Time limit for the rest of a request after it was answered."""


class Connection(H11Protocol):
    """Connection of uvicorn with the timeout of `connection_class`.

    If all `limit_concurrency` places are taken, a new connection replaces the one that has waited longest for
    its client: for a complete request, or for an answer to be read. Connections that are being served are not
    closed. A client that opens many connections and sends little or nothing therefore locks out nobody.
    """

    stall_seconds: float

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        secured = transport.get_extra_info("ssl_object")
        if secured is not None and (certificate := secured.getpeercert(binary_form=True)):
            self.app_state = {**self.app_state, CLIENT_CERTIFICATE: certificate}
        own = transport.get_extra_info("socket")
        # The kernel closes a connection whose peer acknowledges nothing for so many milliseconds.
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self.stall_seconds * 1000))
        self._since = self.loop.time()
        self._wait = self._give_up_after(self.stall_seconds)
        self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait.cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._since = self.loop.time()
        self._wait.cancel()
        self._wait = self._give_up_after(
            self.stall_seconds if self.conn.their_state is h11.IDLE else IDLE_SECONDS
        )

    def pause_writing(self) -> None:
        super().pause_writing()
        self._since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait.cancel()
        super().connection_lost(exc)

    @property
    def _waits(self) -> bool:
        """True if the server waits for the client."""
        cycle = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body or self.flow.write_paused

    def _make_room(self) -> None:
        if self.limit_concurrency is None or len(self.connections) < self.limit_concurrency:
            return
        others = (one for one in self.connections if isinstance(one, Connection) and one is not self)
        waiting = [one for one in others if one._waits]
        if waiting:
            longest = min(waiting, key=lambda one: one._since)
            self.connections.discard(longest)  # its `connection_lost` is called later
            longest.transport.abort()

    def _give_up_after(self, seconds: float) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, self.transport.abort)


def connection_class(seconds: float) -> Any:
    """Return a class of connections that are closed after so many seconds without activity."""
    return type("Connection", (Connection,), {"stall_seconds": seconds})


def raise_file_limit() -> None:
    """Raise this process's limit of open files, and so of connections, to the hard limit."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
