"""Serving the console, until it is stopped."""

import logging
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from connectors.engine.connection import patient
from connectors.settings import Settings
from platestream.console import live
from platestream.console.app import Console, app
from platestream.console.patience import STALLED

CONNECTIONS = 1000
"""At once; further ones are answered 503. An open page of hits is one."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def configured(served: Starlette, stalled: float = STALLED, **more: Any) -> uvicorn.Config:
    """How the console is served; a connection on which nothing comes for `stalled` seconds is closed."""
    return uvicorn.Config(
        served,
        http=patient(stalled),
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=2,
        limit_concurrency=CONNECTIONS,
        **more,
    )


def serve(
    settings: Settings,
    host: str,
    port: int,
    names: Sequence[str] = (),
    certificate: Path | None = None,
    key: Path | None = None,
    *,
    published: bool = False,
) -> None:
    """Raises OSError where the port is taken."""
    # Who signed in, and who tried to, are lines of the log; no plate, case or reason is in them.
    logging.getLogger("platestream.console").setLevel(logging.INFO)
    console = Console(settings)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        live.follow(console)
        console.prepare()
        served = app(console, (*LOOPBACK, *names), published=published)
        config = configured(served, ssl_certfile=certificate, ssl_keyfile=key)
        try:
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            console.close()
