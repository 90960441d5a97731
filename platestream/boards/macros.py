"""The macros of Grafana's ClickHouse data source that the boards use, expanded as its plugin does."""

import re
from collections.abc import Callable
from datetime import datetime

_MACRO = re.compile(r"\$__(\w+)(?:\(([^()]*)\))?")


class UnknownMacroError(ValueError):
    """Error for a query with a macro that is not expanded here."""


def expand(sql: str, since: datetime, until: datetime, step_s: int) -> str:
    """Expand the macros of `sql` for a period and a step. Raises UnknownMacroError."""
    first, last = (round(at.timestamp() * 1000) for at in (since, until))
    known: dict[str, Callable[[str], str]] = {
        "timeFilter": lambda column: (
            f"{column} >= toDateTime({first // 1000}) AND {column} <= toDateTime({last // 1000})"
        ),
        "timeFilter_ms": lambda column: (
            f"{column} >= fromUnixTimestamp64Milli({first}) AND {column} <= fromUnixTimestamp64Milli({last})"
        ),
        "timeInterval": lambda column: f"toStartOfInterval(toDateTime({column}), INTERVAL {step_s} second)",
        "fromTime": lambda _none: f"toDateTime({first // 1000})",
        "toTime": lambda _none: f"toDateTime({last // 1000})",
        "interval_s": lambda _none: str(step_s),
    }

    def one(found: re.Match[str]) -> str:
        if found[1] not in known:
            raise UnknownMacroError(f"$__{found[1]}")
        return known[found[1]](found[2] or "")

    return _MACRO.sub(one, sql)
