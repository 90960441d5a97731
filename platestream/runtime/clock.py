"""System clock and the wake-up times of sources; tests pass their own clock."""

import ctypes
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
POLL_INTERVAL = timedelta(milliseconds=150)
"""Polling interval of a source without data."""
EPOCH = timedelta(seconds=1)
"""Epoch interval of the flows (`-s 1`): the first poll of a source after it ends the source's epoch."""
SHARED_INTERVAL = 7 * POLL_INTERVAL
"""The least multiple of WAKE that is longer than an epoch."""
TIME_ERROR = 5
"""TIME_ERROR of adjtimex(2)."""
ADJTIMEX_BYTES = 256
"""More than the size of `struct timex`, which is 208 on 64-bit Linux."""


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


class PollSchedule:
    """Schedule of the polls of a source that has no data.

    Bytewax busy-waits from the time one source has ended its epoch until all others have: flows with several
    sources used up to 0.8 of a core without work. The poll that ends an epoch is therefore at a time that all
    sources share. A source that left this schedule, through data or a slow database, is back after one epoch.
    """

    def __init__(self, now: Clock = utc_now) -> None:
        self._now = now
        self._began = now()

    def epoch_ended(self) -> None:
        """Note that the source was asked for its snapshot."""
        self._began = self._now()

    def next(self) -> datetime:
        """Return the time of the next poll."""
        now = self._now()
        soon = _next(now, POLL_INTERVAL)
        return soon if soon - self._began < EPOCH else _next(now, SHARED_INTERVAL)


def _next(now: datetime, every: timedelta) -> datetime:
    """Return the next time of a grid that all processes share."""
    since = (now - now.min.replace(tzinfo=now.tzinfo)) % every
    return now + every - since


def kernel_synchronised() -> bool | None:
    """Return whether NTP keeps the kernel's clock right, as in `timedatectl`; None if unknown."""
    timex = ctypes.create_string_buffer(ADJTIMEX_BYTES)  # all zero: sets nothing, reads everything
    try:
        state = ctypes.CDLL(None).adjtimex(timex)
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != TIME_ERROR
