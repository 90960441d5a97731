"""System clock and the wake-up times of sources; tests pass their own clock."""

import ctypes
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
POLL_INTERVAL = timedelta(milliseconds=210)
"""Least polling interval of a source without data."""
EPOCH = timedelta(seconds=1)
"""Epoch interval of the flows (`-s 1`): the first poll of a source after it ends the source's epoch."""
SHARED_INTERVAL = 5 * POLL_INTERVAL
"""The least multiple of POLL_INTERVAL that is longer than an epoch."""
LATE = timedelta(seconds=2)
"""Least delay of a poll after which another follows at once."""
TIME_ERROR = 5
"""TIME_ERROR of adjtimex(2)."""
ADJTIMEX_BYTES = 256
"""More than the size of `struct timex`, which is 208 on 64-bit Linux."""


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


class ProcessPolls:
    """The latest polls of all sources of a process, and when one of them last had more data."""

    def __init__(self) -> None:
        self.count = 0
        self.times = deque[datetime](maxlen=16)
        self.busy: datetime | None = None


PROCESS = ProcessPolls()


class PollSchedule:
    """Schedule of the polls of one part of a source.

    The first poll an epoch after the beginning of an epoch ends it, and a part that has ended its epoch is
    polled again when all parts of all sources have; Bytewax busy-waits for that: flows used up to 0.8 of a
    core without work. The poll that ends an epoch is therefore at a time that all parts share, and the next
    one, too, unless a part of the process has more data: sources that are late then end their epoch sooner.

    So it is for a part that has more data, which would otherwise end its epochs a little earlier each time,
    until it was a whole epoch ahead and polled once a second. A part that is ahead lets one epoch pass.

    Bytewax sleeps as long as the returned time is after the beginning of its present turn with the source.
    After a poll that took long it would sleep as long again: half an hour, if the machine stood still for one
    meanwhile. Such a poll is followed by another at once, which returns the same time.
    """

    def __init__(self, now: Clock = utc_now, process: ProcessPolls = PROCESS) -> None:
        self._now, self._process = now, process
        self._began = self._polled = self._due = now()
        self._again = False

    def epoch_ended(self) -> None:
        """Note that the source was asked for its snapshot."""
        self._began = self._now()

    def next(self, *, idle: bool = True) -> datetime | None:
        """Return the time of the poll after the present one; None: at once, as there is more data.

        Bytewax asks for it before it ends the epoch.
        """
        now = self._now()
        took, self._polled = now - self._polled, now
        if not idle:
            self._process.busy = now
        soon = _next(now, POLL_INTERVAL) if idle else now
        shared = _next(now, SHARED_INTERVAL)
        late = now - self._due
        ahead = self._is_ahead(late, now)
        is_second, self._again = self._again, late > LATE and not ahead
        if is_second and idle and now < self._due < now + 2 * SHARED_INTERVAL:
            due = self._due
        elif now - self._began >= EPOCH:
            due = shared + SHARED_INTERVAL if ahead else soon if self._is_busy(now) else shared
        else:
            due = soon if max(soon, now + took * (not idle)) - self._began < EPOCH else shared
        times = self._process.times
        if not times or now - times[-1] > POLL_INTERVAL / 2:
            times.append(now)
        self._process.count += 1
        self._due = due
        return due if due > now and not self._again else None

    def for_long(self, after: timedelta = timedelta(0)) -> datetime:
        """Return the time of a poll that may take long, at least `after` from now: between two that all parts
        share. One that ends an epoch late makes all others wait for it.
        """
        return _next(self._now() + after, SHARED_INTERVAL) + SHARED_INTERVAL / 2

    def _is_busy(self, now: datetime) -> bool:
        busy = self._process.busy
        return busy is not None and now - busy < 2 * SHARED_INTERVAL

    def _is_ahead(self, late: timedelta, now: datetime) -> bool:
        """Return whether the present poll was late because others had to end their epochs, which were polled
        in between, and not because the worker was busy.
        """
        between = sum(now - late < one < now - POLL_INTERVAL / 2 for one in self._process.times)
        return late >= EPOCH / 2 and between * POLL_INTERVAL >= 0.6 * late


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
