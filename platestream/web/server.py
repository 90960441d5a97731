"""Server of the console."""

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from platestream.hits.pages import live_feed
from platestream.runtime.http_server import listen, server_config
from platestream.schemas.sign_in_event import SignInEvent
from platestream.settings import Settings
from platestream.web.app import app
from platestream.web.console import Console

log = logging.getLogger(__name__)

TEND_S = 5.0
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


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
    """Serve until stopped. Raises OSError if the port is taken."""
    # Sign-ins and failed attempts are logged; plates, cases and reasons are not.
    logging.getLogger("platestream.web").setLevel(logging.INFO)
    console = Console(settings)
    console.sign_in_log.note([SignInEvent(kind="started", at=console.clock())])
    with listen(host, port) as taken:
        live_feed.follow(console)
        threading.Thread(target=_tend, args=(console,), name="sign-ins", daemon=True).start()
        console.prepare()
        served = app(console, (*LOOPBACK, *names), published=published)
        config = server_config(served, ssl_certfile=certificate, ssl_keyfile=key)
        try:
            uvicorn.Server(config).run(sockets=[taken])
        finally:
            console.tend()
            console.close()


def _tend(console: Console) -> None:
    while True:
        try:
            console.tend()
        except Exception as error:
            log.warning("ends of sessions are not noticed: %s; trying again", type(error).__name__)
        time.sleep(TEND_S)
