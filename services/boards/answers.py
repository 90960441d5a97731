"""Asking a panel's question: of ClickHouse as the boards' account, of Prometheus by its HTTP API."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import run
from services.boards.macros import expand
from services.boards.panel import Panel

POINTS = 120  # that a line has at most
STEPS_S = (60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 86400)
PATIENCE = {"max_execution_time": 20}


@dataclass(frozen=True)
class Answer:
    """Columns and rows; `missing` says why there is none."""

    columns: tuple[str, ...] = ()
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    missing: str = ""


@dataclass(frozen=True)
class Period:
    """What is looked at: a time and the step of its lines."""

    since: datetime
    until: datetime

    @classmethod
    def last(cls, hours: int, now: datetime) -> "Period":
        """The last hours up to `now`."""
        return cls(now - timedelta(hours=hours), now)

    @property
    def step_s(self) -> int:
        """The smallest of STEPS_S with at most POINTS points."""
        span = (self.until - self.since).total_seconds()
        return next((step for step in STEPS_S if span / step <= POINTS), STEPS_S[-1])


def ask_clickhouse(client: Client, panel: Panel, period: Period) -> Answer:
    """Raises DatabaseError."""
    sql = expand(panel.sql, period.since, period.until, period.step_s)
    found = run(f"panel {panel.title}", partial(client.query, sql, settings=PATIENCE))
    return Answer(tuple(found.column_names), [tuple(map(_utc, row)) for row in found.result_rows])


def ask_prometheus(client: httpx.Client, panel: Panel, period: Period) -> Answer:
    """The answer in the columns that SQL would give. Raises httpx.HTTPError."""
    step = max(period.step_s, 60)
    expr = panel.promql.replace("$__rate_interval", f"{max(step, 240)}s")
    if panel.kind == "series":
        told: dict[str, Any] = {
            "query": expr,
            "start": period.since.timestamp(),
            "end": period.until.timestamp(),
            "step": step,
        }
        return _series(panel, _result(client, "query_range", told))
    return _now(panel, _result(client, "query", {"query": expr, "time": period.until.timestamp()}))


def _result(client: httpx.Client, what: str, told: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.post(f"/api/v1/{what}", data=told)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def _series(panel: Panel, found: Sequence[dict[str, Any]]) -> Answer:
    rows = [
        (datetime.fromtimestamp(at, UTC), one["metric"].get(panel.legend, panel.title), float(value))
        for one in found
        for at, value in one["values"]
    ]
    return Answer(("time", panel.legend or "what", "value"), sorted(rows))


def _now(panel: Panel, found: Sequence[dict[str, Any]]) -> Answer:
    if panel.kind == "figure":
        return Answer(("value",), [(float(one["value"][1]),) for one in found[:1]])
    rows = [(one["metric"].get(panel.legend, panel.title), float(one["value"][1])) for one in found]
    return Answer((panel.legend or "what", "value"), sorted(rows, key=lambda row: -row[1]))


def _utc(value: Any) -> Any:
    """Times as aware ones in UTC, whatever the type of their column."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return value
