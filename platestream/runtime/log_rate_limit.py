"""Rate limit of log output, because each rejected request of a client may write a line."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable

LINES_PER_MINUTE = 60
"""Lines of one logger and level in a minute."""


class LogRateLimit(logging.Filter):
    """Filter of a handler that limits the records of each logger and level, from WARNING.

    At most `most` pass in a minute; the next one after that reports how many were dropped.
    """

    def __init__(self, most: int = LINES_PER_MINUTE, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._most, self._now = most, now
        self._minute = 0
        self._counts: dict[tuple[str, int], int] = defaultdict(int)
        self._left_out: dict[tuple[str, int], int] = defaultdict(int)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        minute, kind = int(self._now() // 60), (record.name, record.levelno)
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        self._counts[kind] += 1
        if self._counts[kind] > self._most:
            self._left_out[kind] += 1
            return False
        if left_out := self._left_out.pop(kind, 0):
            record.msg = f"{record.getMessage()} (before it {left_out} more were left out)"
            record.args = None
        return True


def limit_log_output() -> None:
    """Limit the output of the root logger's handlers."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(LogRateLimit())
