"""Guesses of passwords are slowed down: by account, and by address."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

FREE = 5
"""Wrong passwords in a row that nothing follows."""
FREE_OF_ADDRESS = 50
"""The same from one address: a whole station may be behind it."""
FIRST = timedelta(seconds=30)
LONGEST = timedelta(minutes=15)
MOST = 10_000


@dataclass
class _Failures:
    count: int
    until: datetime


class Attempts:
    """Failed sign-ins: after `free` in a row the next one waits, for 30 s, 60 s, up to 15 minutes."""

    def __init__(self, free: int = FREE) -> None:
        self._free = free
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, now: datetime, name: str) -> timedelta:
        """How long this one may not try; zero: now."""
        with self._lock:
            until = self._failures[name].until if name in self._failures else now
        return max(until - now, timedelta())

    def failed(self, now: datetime, name: str) -> None:
        """A wrong password."""
        with self._lock:
            count = self._failures.pop(name, _Failures(0, now)).count + 1
            over = min(count - self._free, 10)
            until = now + min(FIRST * 2**over, LONGEST) if over >= 0 else now
            self._failures[name] = _Failures(count, until)
            while len(self._failures) > MOST:
                self._failures.popitem(last=False)

    def right(self, name: str) -> None:
        """The right password: what was before is forgotten."""
        with self._lock:
            self._failures.pop(name, None)
