"""Query log of a ClickHouse server as a source of findings: reads of plates or pictures that bypass the gate.

Views of the gate raise an error without an inquiry, so queries through them need no check. The others name
the tables behind them: by the owner's account, or by one with too many grants. Such a query is a finding
unless that account had an allowed inquiry in the ten minutes before; a denied one is noted, too. The texts of
queries contain plates and are not copied: a finding has the person, the time, the tables, the number of rows
and the query's id.

The log is read by time, with an overlap of some seconds, because the server writes it in batches. The
built-in engine has `platestream.statements` instead (platestream/engine/statement_log.py), which also shows
changes of tables that have their own write paths. In process nothing is logged, and the source finds nothing.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import ACCESS_DENIED, DatabaseError, run
from platestream.runtime.clock import PollSchedule
from platestream.schemas.finding import Finding
from platestream.schemas.statement import (
    CAMERA_TABLES,
    OTHER,
    PROTECTED_TABLES,
    RECORD_TABLES,
    SENSITIVE_TABLES,
    SERVICE_ACCOUNTS,
    SHOWS_ALL,
)

LOG = "system.query_log"
POLL = timedelta(seconds=60)
OVERLAP = timedelta(seconds=60)  # the server writes its log every 7.5 s
SEARCH_ACTS = ("search", "sightings", "fuzzy", "cotravel", "companions", "picture", "hits")
_NAMESPACE = UUID("5d4f8f0e-0f5e-4e7b-9f0a-6a3f3cf0b7d2")

logger = logging.getLogger(__name__)


# A documented search permits to read its view, in whose query a column may be named like a table.
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
      AND asked.at > log.query_start_time_microseconds - INTERVAL 10 MINUTE
      AND (hasAny(log.tables, {{views:Array(String)}}) OR asked.kind IN ('backup', 'restore')))
ORDER BY event_time_microseconds, query_id
"""  # noqa: S608 - our own name


_DEFINING = ", ".join(
    f"'{OTHER}{verb}'"
    for verb in ("CREATE", "ALTER", "DROP", "RENAME", "EXCHANGE", "TRUNCATE", "OPTIMIZE", "SYSTEM")
)
_ENGINES_NEWEST = "SELECT max(at) FROM platestream.statements"
# The log of the built-in engine has the tables of a statement. Roles other than the owner's see neither
# plates nor pictures there, so their reads are no findings unless they were denied. Reads of what a backup
# contains, and a restore's writes, were allowed by an act of the hours before. A migration may fill a table
# of its own from others, or change records: it is recorded in the minutes after its statements. Afterwards
# the rules of before are completed, which the check `ruled` compares. What is defined with the owner's rights
# is the release's own, or a finding.
_ENGINE = f"""
WITH (
    SELECT groupArray((act.at, act.kind)) FROM platestream.inquiry_log AS act
    WHERE act.kind IN ('backup', 'restore') AND act.outcome = 'allowed'
      AND act.at > {{after:DateTime64(6, 'UTC')}} - INTERVAL 1 DAY
) AS copied, (
    SELECT groupArray(applied_at) FROM platestream.schema_migrations
    WHERE applied_at > {{after:DateTime64(6, 'UTC')}}
) AS applied
SELECT query_id, at, account, code = {ACCESS_DENIED} AS denied, read_rows,
       arrayFilter(one -> defines OR has({{protected:Array(String)}}, one)
           AND (statement != 'SELECT' OR has({{held:Array(String)}}, one)
               AND (denied OR has(roles, '{SHOWS_ALL}')))
           OR has({{records:Array(String)}}, one) AND statement != 'SELECT'
               AND NOT (one = 'schema_migrations' AND statement = 'INSERT'), tables) AS named,
       statement, toString(number) AS which
FROM (
    SELECT * REPLACE (replaceOne(logged.statement, '{OTHER}', '') AS statement),
        startsWith(logged.statement, '{OTHER}') AS other,
        other AND logged.statement IN ({_DEFINING}) AS defines
    FROM platestream.statements AS logged) AS statements
WHERE at > {{after:DateTime64(6, 'UTC')}} AND account NOT IN {{ours:Array(String)}} AND notEmpty(named)
  AND (defines
    OR statement IN ('SELECT', 'INSERT', 'DELETE', 'UPDATE', 'TRUNCATE', 'DROP', 'RENAME', 'EXCHANGE')
    OR (statement = 'CREATE' AND account != 'platestream_migrate') OR startsWith(statement, 'ALTER '))
  AND NOT (statement IN ('SELECT', 'INSERT', 'TRUNCATE') AND NOT hasAny(tables, {{cameras:Array(String)}})
    AND arrayExists(one -> statements.at BETWEEN one.1 AND one.1 + INTERVAL 6 HOUR
        AND (statement = 'SELECT' OR one.2 = 'restore'), copied))
  AND NOT (account = 'platestream_migrate' AND statement = 'INSERT' AND NOT other
    AND notEmpty(arrayFilter(one -> NOT has({{protected:Array(String)}}, one), tables))
    AND arrayExists(one -> one BETWEEN statements.at AND statements.at + INTERVAL 5 MINUTE, applied))
  AND NOT (account = 'platestream_migrate' AND NOT hasAny(tables, {{protected:Array(String)}})
    AND NOT has(tables, 'schema_migrations') AND NOT other
    AND arrayExists(one -> one BETWEEN statements.at AND statements.at + INTERVAL 5 MINUTE, applied))
  AND NOT (account = 'platestream_migrate' AND statement = 'ALTER UPDATE' AND named = ['gate_rules']
    AND arrayExists(one -> statements.at BETWEEN one AND one + INTERVAL 5 MINUTE, applied))
  AND NOT (state = 'started' AND statements.at > now64(6) - INTERVAL 30 SECOND)
  AND NOT (state = 'started' AND (account, query_id, tables) IN (
    SELECT account, query_id, tables FROM platestream.statements
    WHERE state != 'started' AND at > {{after:DateTime64(6, 'UTC')}}))
ORDER BY at, query_id
"""  # noqa: S608 - our own names


class QueryLogSource(FixedPartitionedSource[Finding, str]):
    """Source of findings about queries, from the time where the flow stopped.

    `client` needs the sealer's role. With `follow` it polls once a minute, else it ends after one poll.
    """

    def __init__(self, client: Callable[[], Client], *, follow: bool = True, log: str = LOG) -> None:
        self._client, self._follow, self._log = client, follow, log

    def list_parts(self) -> list[str]:
        return ["log"]

    def build_part(self, step_id: str, for_part: str, resume_state: str | None) -> "QueryLogPart":
        after = datetime.fromisoformat(resume_state) if resume_state else datetime(1970, 1, 1, tzinfo=UTC)
        return QueryLogPart(self._client, after, self._follow, self._log)


class QueryLogPart(StatefulSourcePartition[Finding, str]):
    """The partition of the source.

    Its state is the time of the newest query that it has seen, as ISO 8601.
    """

    def __init__(self, client: Callable[[], Client], after: datetime, follow: bool, log: str) -> None:
        self._client, self._after, self._follow, self._log = client, after, follow, log
        self._sql: str | None = None
        self._newest = ""
        self._done = False
        self._awake: datetime | None = None
        self._looks = PollSchedule()

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
        self._awake = self._looks.for_long(POLL)
        self._done = not self._follow  # if a source ends, Bytewax busy-waits while the others continue
        return found

    def next_awake(self) -> datetime | None:
        due = self._looks.next(idle=self._awake is not None)
        return due if due is None or self._awake is None else min(due, self._awake)

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
        parameters = {
            "after": self._after,
            "ours": list(SERVICE_ACCOUNTS),
            "held": list(SENSITIVE_TABLES),
            "cameras": list(CAMERA_TABLES),
            "protected": list(PROTECTED_TABLES),
            "records": list(RECORD_TABLES),
            "views": [f"platestream.{view}" for view in SEARCH_ACTS],
        }
        rows = client.query(self._sql, parameters=parameters).result_rows
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
    text = f"denied: {tables}" if denied else f"{tables} {done}"
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
        detail=f"{text}; query {query_id}",
    )


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
