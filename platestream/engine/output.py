"""Streamed output of a statement: the engine writes into a pipe, a client reads at its own speed."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType

from starlette.types import Receive

PIPE_SIZE = 1 << 20  # bytes; the most that an unprivileged process may ask for
PIECE = 1 << 20


class Output:
    """A pipe: `path` for the engine, `pieces` for the client; either side may end first."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        with suppress(OSError):  # this user's pipes are at their limit; the default size is enough
            fcntl.fcntl(self._write, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self._transport: asyncio.ReadTransport | None = None
        self._reader = asyncio.StreamReader(limit=PIECE)

    async def __aenter__(self) -> "Output":
        protocol = asyncio.StreamReaderProtocol(self._reader)
        pipe = os.fdopen(self._read, "rb", buffering=0)
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading. Further output of the engine is discarded."""
        if self._transport is not None:
            self._transport.close()

    @property
    def path(self) -> str:
        return f"/proc/self/fd/{self._write}"

    def finish(self) -> None:
        """Close the write side. Called once, by the thread that ran the statement."""
        os.close(self._write)

    async def begin(self, size: int | None) -> tuple[bytes, bool]:
        """Return the first `size` bytes (None: all) or all there are, and whether that is the end."""
        pieces: list[bytes] = []
        got = 0
        while size is None or got < size:
            piece = await self._reader.read(PIECE)
            if not piece:
                return b"".join(pieces), True
            pieces.append(piece)
            got += len(piece)
        return b"".join(pieces), False

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the rest after `begin`, to the end."""
        while piece := await self._reader.read(PIECE):
            yield piece


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has disconnected. Call it after the body was read."""
    while (await receive())["type"] != "http.disconnect":
        pass
