"""How our servers listen: on one address, with bounds for whoever is slow or many."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

from connectors.http_connection import AT_ONCE, allow_many, patient
from platestream.console.patience import STALLED


def configured(
    served: Starlette, stalled: float = STALLED, at_once: int = AT_ONCE, **more: Any
) -> uvicorn.Config:
    """How an application is served; a connection on which nothing comes for `stalled` seconds is closed."""
    allow_many()
    return uvicorn.Config(
        served,
        http=patient(stalled),
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
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket to serve on. Raises OSError where the port is taken."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        yield made
