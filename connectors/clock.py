"""The one clock; tests pass their own."""

import ctypes
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
# Bytewax spins from when one source has ended its epoch until the others have ended theirs: flows of several
# sources took up to 0.8 of a core doing nothing. On one grid they end it together; and as the grid does not
# divide an epoch's second, none comes just too early for it and falls behind the others.
WAKE = timedelta(milliseconds=150)
"""How often a source that has nothing looks again."""
NOT_SYNCHRONISED = 5
"""TIME_ERROR of adjtimex(2)."""
ADJTIMEX_BYTES = 256
"""More than `struct timex` has, which is 208 on Linux of 64 bits."""


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def next_poll(now: datetime, every: timedelta) -> datetime:
    """The next moment of a grid that all sources of a process share: it wakes once for all of them."""
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
