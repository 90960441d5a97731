"""A server's own log of queries as a source: who read plates or pictures beside the inquiry gate.

Views of the gate throw without an inquiry, so a query through them needs no second look. What is left is a
query that names the tables behind them: by the owner's account, or by one that was granted too much. It is a
finding unless that account had an allowed inquiry in the ten minutes before; one that the server denied is
noted, too. Texts of queries hold plates and stay where they are: a finding says who, when, which tables, how
many rows, and the query's id.

The log is read by time, some seconds over again, because the server writes it in batches. The embedded engine
keeps none: there the source ends at once.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import ACCESS_DENIED, DatabaseError, run
from connectors.clock import Looks
from schemas.finding import Finding

LOG = "system.query_log"
POLL = timedelta(seconds=60)
OVERLAP = timedelta(seconds=60)  # the server writes its log every 7.5 s
LOOKS = ("search", "sightings", "fuzzy", "cotravel", "companions", "picture", "hits")
HELD = (
    *("detections", "images", "alert_hits", "dead_letters"),
    *("evidence_detections", "evidence_images", "evidence_answers"),
)
# Accounts of the pipeline whose grants show neither plate nor picture (clickhouse/server-users.xml).
OURS = ("platestream_flows", "platestream_retention_job", "platestream_audit", "platestream_grafana")
_NAMESPACE = UUID("5d4f8f0e-0f5e-4e7b-9f0a-6a3f3cf0b7d2")

logger = logging.getLogger(__name__)


def _sql(log: str) -> str:
    return f"""
SELECT query_id, event_time_microseconds, user, type = 'ExceptionBeforeStart' AS denied, read_rows,
       arrayFilter(one -> match(query, concat('(?i)\\\\b', one, '\\\\b'))
           OR (has(tables, concat('platestream.', one)) AND NOT hasAny(tables, {{views:Array(String)}})),
           {{held:Array(String)}}) AS named
FROM {log}
WHERE event_time_microseconds > {{after:DateTime64(6, 'UTC')}}
  AND event_date >= toDate({{after:DateTime64(6, 'UTC')}})
  AND user NOT IN {{ours:Array(String)}}
  AND query_kind = 'Select' AND notEmpty(named)
  AND (type IN ('QueryFinish', 'ExceptionWhileProcessing')
    OR (type = 'ExceptionBeforeStart' AND exception_code = {ACCESS_DENIED}))
  AND (user, query_id) NOT IN (
    SELECT log.user, log.query_id FROM {log} AS log
    INNER JOIN platestream.inquiry_log AS asked ON asked.account = log.user
    WHERE asked.outcome = 'allowed' AND log.event_time_microseconds > {{after:DateTime64(6, 'UTC')}}
      AND asked.at <= log.query_start_time_microseconds
      AND asked.at > log.query_start_time_microseconds - INTERVAL 10 MINUTE)
ORDER BY event_time_microseconds, query_id
"""  # noqa: S608 - our own name


class QueryLogSource(FixedPartitionedSource[Finding, str]):
    """Findings about queries, from the time where the flow stopped.

    `client` needs the sealer's role. With `follow` it looks once a minute, else it ends after one look.
    """

    def __init__(self, client: Callable[[], Client], *, follow: bool = True, log: str = LOG) -> None:
        self._client, self._follow, self._log = client, follow, log

    def list_parts(self) -> list[str]:
        return ["log"]

    def build_part(self, step_id: str, for_part: str, resume_state: str | None) -> "QueryLogPart":
        after = datetime.fromisoformat(resume_state) if resume_state else datetime(1970, 1, 1, tzinfo=UTC)
        return QueryLogPart(self._client, after, self._follow, self._log)


class QueryLogPart(StatefulSourcePartition[Finding, str]):
    """Its state is the time of the newest query that it has seen, as ISO 8601."""

    def __init__(self, client: Callable[[], Client], after: datetime, follow: bool, log: str) -> None:
        self._client, self._after, self._follow, self._log = client, after, follow, log
        self._there: bool | None = None
        self._done = False
        self._awake: datetime | None = None
        self._looks = Looks()

    def next_batch(self) -> list[Finding]:
        if self._done:
            raise StopIteration
        if self._awake is not None and datetime.now(UTC) < self._awake:
            return []
        try:
            found = run("following the query log", self._poll)
        except DatabaseError as error:
            if not error.passing:
                raise
            logger.warning("query log: %s", error)
            found = []
        self._awake = datetime.now(UTC) + POLL
        self._done = not self._follow  # a source that ends lets Bytewax spin for as long as the others go on
        return found

    def next_awake(self) -> datetime | None:
        return self._awake and self._looks.next()

    def snapshot(self) -> str:
        self._looks.epoch_ended()
        return self._after.isoformat()

    def _poll(self) -> list[Finding]:
        client = self._client()
        if not self._there:
            self._there = bool(client.query(f"EXISTS TABLE {self._log}").result_rows[0][0])
        if not self._there:
            return []
        until = client.query(f"SELECT max(event_time_microseconds) FROM {self._log}").result_rows[0][0]  # noqa: S608
        asked = {
            "after": self._after,
            "ours": list(OURS),
            "held": list(HELD),
            "views": [f"platestream.{view}" for view in LOOKS],
        }
        rows = client.query(_sql(self._log), parameters=asked).result_rows
        self._after = max(self._after, _utc(until) - OVERLAP)
        return [_finding(row) for row in rows]


def _finding(row: Any) -> Finding:
    query_id, at, who, denied, rows, named = row
    tables = ", ".join(named)
    told = f"denied: {tables}" if denied else f"{tables} read beside the gate, {rows} rows"
    rule = "denied" if denied else "unlogged"
    return Finding(
        finding_id=uuid5(_NAMESPACE, f"{query_id}/{rule}"),
        inquiry_id=uuid5(_NAMESPACE, query_id),
        at=_utc(at),
        who=who,
        agency="",
        kind="sql",
        rule=rule,
        grade="unusual" if denied else "breach",
        detail=f"{told}; query {query_id}",
    )


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
