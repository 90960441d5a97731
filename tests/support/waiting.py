"""Waits for programs that a test has started."""

import socket
import time


def port_open(port: int, what: str, seconds: float = 60.0) -> None:
    """Wait until `what` accepts connections on this machine."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
        except OSError:
            assert time.monotonic() < end, f"{what} accepts no connection after {seconds:g} s"
            time.sleep(0.05)
        else:
            return
