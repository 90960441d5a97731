"""Serving the console, until it is stopped."""

import logging
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import uvicorn

from connectors.settings import Settings
from platestream.console import live
from platestream.console.app import Console, app
from platestream.listening import configured, listening

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
    # Who signed in, and who tried to, are lines of the log; no plate, case or reason is in them.
    logging.getLogger("platestream.console").setLevel(logging.INFO)
    console = Console(settings)
    with listening(host, port) as taken:
        live.follow(console)
        console.prepare()
        served = app(console, (*LOOPBACK, *names), published=published)
        config = configured(served, ssl_certfile=certificate, ssl_keyfile=key)
        try:
            uvicorn.Server(config).run(sockets=[taken])
        finally:
            console.close()
