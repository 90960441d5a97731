"""A server's own log of queries as a source: who read plates or pictures beside the inquiry gate.

Views of the gate throw without an inquiry, so a query through them needs no second look. What is left is a
query that names the tables behind them: by the owner's account, or by one that was granted too much. It is a
finding unless that account had an allowed inquiry in the ten minutes before; one that the server denied is
noted, too. Texts of queries hold plates and stay where they are: a finding says who, when, which tables, how
many rows, and the query's id.

The log is read by time, some seconds over again, because the server writes it in batches. The built-in
engine has `platestream.statements` instead (connectors/engine/statement_log.py): what it ran, also changes of
what only paths of their own write. In process nothing is logged, and the source finds nothing.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import ACCESS_DENIED, DatabaseError, run
from connectors.clock import Looks
from schemas.finding import Finding
from schemas.statement import HELD, OURS, PROTECTED, SHOWS_ALL

LOG = "system.query_log"
POLL = timedelta(seconds=60)
OVERLAP = timedelta(seconds=60)  # the server writes its log every 7.5 s
LOOKS = ("search", "sightings", "fuzzy", "cotravel", "companions", "picture", "hits")
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


_ENGINES_NEWEST = "SELECT max(at) FROM platestream.statements"
# A statement of the built-in engine names its tables itself. Other roles than the owner's see neither plates
# nor pictures there, so what they read is no finding unless they were denied. What a backup or restore reads
# and writes was allowed by an act of the hours before.
_ENGINE = f"""
WITH (
    SELECT groupArray(act.at) FROM platestream.inquiry_log AS act
    WHERE act.kind IN ('backup', 'restore') AND act.outcome = 'allowed'
      AND act.at > {{after:DateTime64(6, 'UTC')}} - INTERVAL 1 DAY
) AS copied
SELECT query_id, at, account, code = {ACCESS_DENIED} AS denied, read_rows,
       arrayFilter(one -> has({{protected:Array(String)}}, one)
           AND (statement != 'SELECT' OR has({{held:Array(String)}}, one)
               AND (denied OR has(roles, '{SHOWS_ALL}'))), tables) AS named,
       statement, toString(number) AS which
FROM platestream.statements
WHERE at > {{after:DateTime64(6, 'UTC')}} AND account NOT IN {{ours:Array(String)}} AND notEmpty(named)
  AND (statement IN ('SELECT', 'INSERT', 'DELETE', 'UPDATE', 'TRUNCATE', 'DROP', 'RENAME', 'EXCHANGE')
    OR (statement = 'CREATE' AND account != 'platestream_migrate') OR startsWith(statement, 'ALTER '))
  AND NOT (statement IN ('SELECT', 'INSERT', 'TRUNCATE')
    AND arrayExists(one -> statements.at BETWEEN one AND one + INTERVAL 6 HOUR, copied))
  AND NOT (state = 'started' AND statements.at > now64(6) - INTERVAL 30 SECOND)
  AND NOT (state = 'started' AND (account, query_id, tables) IN (
    SELECT account, query_id, tables FROM platestream.statements
    WHERE state != 'started' AND at > {{after:DateTime64(6, 'UTC')}}))
ORDER BY at, query_id
"""  # noqa: S608 - our own names


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
        self._sql: str | None = None
        self._newest = ""
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
        if self._sql is None:
            there = bool(client.query(f"EXISTS TABLE {self._log}").result_rows[0][0])
            self._sql, self._newest = (
                (_sql(self._log), _newest(self._log)) if there else (_ENGINE, _ENGINES_NEWEST)
            )
        until = client.query(self._newest).result_rows[0][0]
        asked = {
            "after": self._after,
            "ours": list(OURS),
            "held": list(HELD),
            "protected": list(PROTECTED),
            "views": [f"platestream.{view}" for view in LOOKS],
        }
        rows = client.query(self._sql, parameters=asked).result_rows
        self._after = max(self._after, _utc(until) - OVERLAP)
        return [_finding(*row) for row in rows]


def _newest(log: str) -> str:
    return f"SELECT max(event_time_microseconds) FROM {log}"  # noqa: S608 - our own name


def _finding(
    query_id: str,
    at: datetime,
    who: str,
    denied: bool,
    rows: int,
    named: Sequence[str],
    statement: str = "SELECT",
    which: str = "",
) -> Finding:
    tables = ", ".join(named)
    done = f"read beside the gate, {rows} rows" if statement == "SELECT" else f"beside the gate: {statement}"
    told = f"denied: {tables}" if denied else f"{tables} {done}"
    rule = "denied" if denied else "unlogged"
    return Finding(
        finding_id=uuid5(_NAMESPACE, f"{query_id}{which}/{rule}"),
        inquiry_id=uuid5(_NAMESPACE, f"{query_id}{which}"),
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
