"""Settings of our servers: one address, with limits for slow or numerous clients."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from platestream.runtime.http_connection import MAX_CONNECTIONS, connection_class, raise_file_limit

STALL_SECONDS = 30.0
"""Seconds in which something more of a request must come."""
TOTAL_SECONDS = 300.0
"""Seconds in which all of it must have come: 25 MB at 0.7 Mbit/s."""


class BodyTimeout:
    """Middleware that answers 408 if a client sends nothing for `stalled` seconds or takes more than `whole`
    in all.
    """

    def __init__(self, app: ASGIApp, stalled: float = STALL_SECONDS, whole: float = TOTAL_SECONDS) -> None:
        self._app, self._stalled, self._whole = app, stalled, whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, self._patient(receive) if scope["type"] == "http" else receive, send)

    def _patient(self, receive: Receive) -> Receive:
        loop = asyncio.get_running_loop()
        end, complete = loop.time() + self._whole, False

        async def patient() -> Message:
            nonlocal complete
            if complete:  # the next message is the client's disconnect, which has no timeout
                return await receive()
            try:
                async with asyncio.timeout(min(self._stalled, end - loop.time())):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    408, "The request was incomplete: its body did not arrive in time."
                ) from None
            complete = not message.get("more_body", False)
            return message

        return patient


def server_config(
    served: Starlette, stalled: float = STALL_SECONDS, at_once: int = MAX_CONNECTIONS, **more: Any
) -> uvicorn.Config:
    """Return the server configuration of an application. A connection on which nothing arrives for `stalled`
    seconds is closed.
    """
    raise_file_limit()
    return uvicorn.Config(
        served,
        http=connection_class(stalled),
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=2,
        limit_concurrency=at_once,
        **more,
    )


@contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """Return a listening socket. Raises OSError if the port is taken."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        yield made


def serve(served: Starlette, port: int, host: str = "127.0.0.1") -> None:
    """Serve an application until stopped. Raises OSError if the port is taken."""
    with listen(host, port) as taken:
        uvicorn.Server(server_config(served)).run(sockets=[taken])
