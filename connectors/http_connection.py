"""One connection of a client of our HTTP servers: patience with the slow, room beside the many.

Bodies and results have their own patience where they are read and written; here are a head that never ends,
bytes that are never taken after an answer was given up, and places that are kept without a request.
"""

import asyncio
import resource
import socket
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

AT_ONCE = 1000
"""Connections of a server (uvicorn's `limit_concurrency`)."""
REST_SECONDS = 300.0
"""In which what is left of a request must have come once it is answered."""


class Connection(H11Protocol):
    """uvicorn's, with the patience of `patient`.

    Where all of `limit_concurrency` places are taken, a connection that comes gets the place of the one that
    has waited longest for its client: for a whole request, or for an answer to be taken. One that is being
    served is left alone. So whoever opens many and sends nothing, or drips, shuts nobody out.
    """

    stalled: float

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        own = transport.get_extra_info("socket")
        # The kernel ends a connection whose other side takes nothing for so many milliseconds.
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self.stalled * 1000))
        self._since = self.loop.time()
        self._wait = self._give_up_after(self.stalled)
        self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait.cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._since = self.loop.time()
        self._wait.cancel()
        self._wait = self._give_up_after(self.stalled if self.conn.their_state is h11.IDLE else REST_SECONDS)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait.cancel()
        super().connection_lost(exc)

    @property
    def _waits(self) -> bool:
        """Whether it is the client's turn."""
        cycle = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body or self.flow.write_paused

    def _make_room(self) -> None:
        if self.limit_concurrency is None or len(self.connections) < self.limit_concurrency:
            return
        others = (one for one in self.connections if isinstance(one, Connection) and one is not self)
        waiting = [one for one in others if one._waits]
        if waiting:
            longest = min(waiting, key=lambda one: one._since)
            self.connections.discard(longest)  # it is told of its end only later
            longest.transport.abort()

    def _give_up_after(self, seconds: float) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, self.transport.abort)


def patient(seconds: float) -> Any:
    """The class of connections that are closed after so many seconds of nothing."""
    return type("Connection", (Connection,), {"stalled": seconds})


def allow_many() -> None:
    """Let this process have as many files, and so connections, open as the machine lets it."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
