"""The one clock; tests pass their own."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def next_poll(now: datetime, every: timedelta) -> datetime:
    """The next moment of a grid that all sources of a process share: it wakes once for all of them."""
    since = (now - now.min.replace(tzinfo=now.tzinfo)) % every
    return now + every - since
