"""Serving the console, until it is stopped."""

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import uvicorn

from connectors.settings import Settings
from platestream.console import live
from platestream.console.app import Console, app

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
    console = Console(settings)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        live.follow(console)
        console.prepare()
        config = uvicorn.Config(
            app(console, (*LOOPBACK, *names), published=published),
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=2,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        try:
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            console.close()
