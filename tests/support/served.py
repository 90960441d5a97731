"""A console on a port, for browsers. They take its cookies on http://localhost, though not on 127.0.0.1."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import uvicorn
from starlette.applications import Starlette

from platestream.runtime.http_server import STALL_SECONDS, server_config
from platestream.web.app import app
from platestream.web.console import Console


def served(console: Console, port: int) -> AbstractContextManager[str]:
    return served_app(app(console, published=True), port)


@contextmanager
def served_app(made: Starlette, port: int, stalled: float = STALL_SECONDS) -> Iterator[str]:
    """Serve it while the block runs; yield its address. `stalled`: see `server_config`."""
    server = uvicorn.Server(server_config(made, stalled, port=port))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
        assert thread.is_alive()
    try:
        yield f"http://localhost:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
