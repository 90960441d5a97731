"""Queries of panels: to ClickHouse as the boards' account, to Prometheus by its HTTP API."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
from clickhouse_connect.driver.client import Client

from platestream.boards.panel import Panel
from platestream.edges.clickhouse_client import run

_MACRO = re.compile(r"\$__(\w+)(?:\(([^()]*)\))?")
POINTS = 120  # most points of a line
STEPS_S = (60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 86400)
PATIENCE = {"max_execution_time": 20}


@dataclass(frozen=True)
class PanelAnswer:
    """Columns and rows; `missing` is the reason why there are none."""

    columns: tuple[str, ...] = ()
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    missing: str = ""


@dataclass(frozen=True)
class Period:
    """The period of time that is shown, and the step of its lines."""

    since: datetime
    until: datetime

    @classmethod
    def last(cls, hours: int, now: datetime) -> "Period":
        """Return the last hours up to `now`."""
        return cls(now - timedelta(hours=hours), now)

    @property
    def step_s(self) -> int:
        """The smallest of STEPS_S with at most POINTS points."""
        span = (self.until - self.since).total_seconds()
        return next((step for step in STEPS_S if span / step <= POINTS), STEPS_S[-1])


def ask_clickhouse(client: Client, panel: Panel, period: Period) -> PanelAnswer:
    """Run a panel's SQL query. Raises DatabaseError."""
    sql = expand(panel.sql, period.since, period.until, period.step_s)
    found = run(f"panel {panel.title}", partial(client.query, sql, settings=PATIENCE))
    return PanelAnswer(tuple(found.column_names), [tuple(map(_utc, row)) for row in found.result_rows])


def ask_prometheus(client: httpx.Client, panel: Panel, period: Period) -> PanelAnswer:
    """Run a panel's PromQL query; return the columns that SQL would give. Raises httpx.HTTPError."""
    step = max(period.step_s, 60)
    expr = panel.promql.replace("$__rate_interval", f"{max(step, 240)}s")
    if panel.kind == "series":
        parameters: dict[str, Any] = {
            "query": expr,
            "start": period.since.timestamp(),
            "end": period.until.timestamp(),
            "step": step,
        }
        return _series(panel, _result(client, "query_range", parameters))
    return _now(panel, _result(client, "query", {"query": expr, "time": period.until.timestamp()}))


def _result(client: httpx.Client, what: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.post(f"/api/v1/{what}", data=parameters)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def _series(panel: Panel, found: Sequence[dict[str, Any]]) -> PanelAnswer:
    rows = [
        (datetime.fromtimestamp(at, UTC), one["metric"].get(panel.legend, panel.title), float(value))
        for one in found
        for at, value in one["values"]
    ]
    return PanelAnswer(("time", panel.legend or "what", "value"), sorted(rows))


def _now(panel: Panel, found: Sequence[dict[str, Any]]) -> PanelAnswer:
    if panel.kind == "figure":
        return PanelAnswer(("value",), [(float(one["value"][1]),) for one in found[:1]])
    rows = [(one["metric"].get(panel.legend, panel.title), float(one["value"][1])) for one in found]
    return PanelAnswer((panel.legend or "what", "value"), sorted(rows, key=lambda row: -row[1]))


def _utc(value: Any) -> Any:
    """Return a time as an aware one in UTC, whatever the type of its column; other values unchanged."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return value


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
