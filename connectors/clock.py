"""The one clock; tests pass their own."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
# Bytewax spins from when one source has ended its epoch until the others have ended theirs: flows of several
# sources took up to 0.8 of a core doing nothing. On one grid they end it together; and as the grid does not
# divide an epoch's second, none comes just too early for it and falls behind the others.
WAKE = timedelta(milliseconds=150)
"""How often a source that has nothing looks again."""


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def next_poll(now: datetime, every: timedelta) -> datetime:
    """The next moment of a grid that all sources of a process share: it wakes once for all of them."""
    since = (now - now.min.replace(tzinfo=now.tzinfo)) % every
    return now + every - since
