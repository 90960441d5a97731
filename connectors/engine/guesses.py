"""Wrong passwords: after a few for one account from one place, sign-ins from there wait, and nobody else's.

A place is an address, and on this machine also the user of the operating system whose process asks: so a
local guesser does not shut out the flows, whose address is the same. Right passwords wait, too, or waiting
would tell nothing wrong from right; they do not make earlier guesses forgotten, or whoever shares an address
with a person could guess between that person's requests.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

FREE = 5
LONGEST = 64.0  # seconds to wait, reached by doubling from 1: some 60 guesses an hour
FORGOTTEN = 900.0  # seconds after the last wrong one
MOST = 10_000  # places and accounts remembered; the oldest go first

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


class Attempt(NamedTuple):
    """Whose sign-in, from where; `local_user` is None for those who are not on this machine."""

    account: str
    address: str
    local_user: int | None


@dataclass
class Wrong:
    """How many, and when the last was."""

    count: int
    last: float


class Guesses:
    """Wrong sign-ins of late. For one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[Attempt, Wrong] = {}

    def __bool__(self) -> bool:
        """Whether there were any of late."""
        self._forget()
        return bool(self._wrong)

    def wait(self, attempt: Attempt) -> float:
        """Seconds until this may be tried; 0 for now."""
        wrong = self._wrong.get(attempt)
        if wrong is None or wrong.count < FREE:
            return 0.0
        return max(0.0, wrong.last + min(LONGEST, 2.0 ** (wrong.count - FREE)) - self._clock())

    def count(self, attempt: Attempt) -> int:
        """One more; how many there are by now."""
        now = self._clock()
        before = self._wrong.pop(attempt, None)
        count = 1 + (before.count if before and before.last + FORGOTTEN > now else 0)
        self._forget()
        if len(self._wrong) >= MOST:
            del self._wrong[next(iter(self._wrong))]
        self._wrong[attempt] = Wrong(count, now)  # last in order, so the first is the oldest
        return count

    def _forget(self) -> None:
        while self._wrong and next(iter(self._wrong.values())).last + FORGOTTEN <= self._clock():
            del self._wrong[next(iter(self._wrong))]


def local_user(client: tuple[str, int], port: int) -> int | None:
    """The user id of the process on this machine that connected from `client` to `port`."""
    address, ours = client
    if not ip_address(address).is_loopback:
        return None
    for table in _TABLES:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:  # no such family of addresses
            continue
        for line in lines:
            _number, local, remote, _state, _queues, _timer, _retries, user, *_rest = line.split()
            if int(local.rpartition(":")[2], 16) == ours and int(remote.rpartition(":")[2], 16) == port:
                return int(user)
    return None
