"""The one clock; tests pass their own."""

import ctypes
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
WAKE = timedelta(milliseconds=150)
"""How often a source that has nothing looks again."""
EPOCH = timedelta(seconds=1)
"""What flows are started with (`-s 1`): the first look of a source after it ends the source's epoch."""
TOGETHER = 7 * WAKE
"""The least multiple of WAKE that is longer than an epoch."""
NOT_SYNCHRONISED = 5
"""TIME_ERROR of adjtimex(2)."""
ADJTIMEX_BYTES = 256
"""More than `struct timex` has, which is 208 on Linux of 64 bits."""


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


class Looks:
    """When a source that has nothing looks again.

    Bytewax spins from when one source has ended its epoch until the others have ended theirs: flows of
    several sources took up to 0.8 of a core doing nothing. So the look that ends an epoch is at a moment that
    all sources share; whoever came off it, by data or a slow database, is back on it an epoch later.
    """

    def __init__(self, now: Clock = utc_now) -> None:
        self._now = now
        self._began = now()

    def epoch_ended(self) -> None:
        """The source was asked for its snapshot."""
        self._began = self._now()

    def next(self) -> datetime:
        """The next look."""
        now = self._now()
        soon = _next(now, WAKE)
        return soon if soon - self._began < EPOCH else _next(now, TOGETHER)


def _next(now: datetime, every: timedelta) -> datetime:
    """The next moment of a grid that all processes share."""
    since = (now - now.min.replace(tzinfo=now.tzinfo)) % every
    return now + every - since


def kernel_synchronised() -> bool | None:
    """Whether the kernel's clock is kept right by NTP, as `timedatectl` says; None where it is not known."""
    told = ctypes.create_string_buffer(ADJTIMEX_BYTES)  # all zero: nothing is set, everything is told
    try:
        state = ctypes.CDLL(None).adjtimex(told)
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != NOT_SYNCHRONISED
