"""Waits for programs that a test has started."""

import socket
import time
from collections.abc import Callable


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


def wait_until(holds: Callable[[], bool], within: float, what: str, every: float = 0.1) -> None:
    """Returns when `holds()`, asked `every` so many seconds; raises TimeoutError naming `what` after `within`
    seconds. What starts a process to ask is asked more rarely: it takes the time of what it waits for.
    """
    end = time.monotonic() + within
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {within:g} s")
        time.sleep(every)
