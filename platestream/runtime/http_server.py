"""Settings of our servers: one address, with limits for slow or numerous clients."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

from platestream.runtime.http_connection import MAX_CONNECTIONS, connection_class, raise_file_limit
from platestream.runtime.request_timeout import STALL_SECONDS


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
