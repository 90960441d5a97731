"""A console on a port, for browsers. They take its cookies on http://localhost, though not on 127.0.0.1."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from platestream.console.app import Console, app
from platestream.listening import configured


@contextmanager
def served(console: Console, port: int) -> Iterator[str]:
    """Its address, without a slash at the end, for as long as it is served."""
    config = configured(app(console, published=True), port=port)
    server = uvicorn.Server(config)
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
