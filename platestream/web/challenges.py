"""Challenges of passkeys: random numbers that a device signs once, in the browser that asked for them."""

import hashlib
import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta

LIVES = timedelta(minutes=5)
MOST = 10_000


class Challenges:
    """The challenges that wait for an answer, by browser or session. Thread-safe."""

    def __init__(self) -> None:
        self._open: OrderedDict[bytes, tuple[bytes, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def make(self, mark: str, now: datetime) -> bytes:
        """Return a new challenge for the browser or session with this mark; it replaces an earlier one."""
        made = secrets.token_bytes(32)
        with self._lock:
            self._open.pop(_hash(mark), None)
            self._open[_hash(mark)] = made, now + LIVES
            while len(self._open) > MOST:
                self._open.popitem(last=False)
        return made

    def take(self, mark: str, now: datetime) -> bytes:
        """Return the challenge of a browser or session, once; random bytes, which nothing answers, if none
        waits.
        """
        with self._lock:
            made, until = self._open.pop(_hash(mark), (b"", now))
        return made if now < until else secrets.token_bytes(32)


def _hash(mark: str) -> bytes:
    return hashlib.sha256(mark.encode("utf-8", "surrogateescape")).digest()
