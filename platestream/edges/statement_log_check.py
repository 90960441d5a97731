"""Comparison of the built-in engine's statement log with its digests in the inquiry log."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import read_rows
from platestream.schemas.statement import ACT, EngineStatement, digest

LATE = timedelta(hours=2)  # digests are hourly
_COLUMNS = ", ".join(EngineStatement._fields)
_DIGESTS = f"""
SELECT about, effect FROM platestream.inquiry_log
WHERE kind = '{ACT}' AND account = 'platestream_engine' AND outcome = 'allowed'
  AND at > greatest({{since:DateTime64(6, 'UTC')}}, (
    SELECT max(at) FROM platestream.inquiry_log WHERE kind = 'restore' AND outcome = 'allowed'))
ORDER BY at
"""  # noqa: S608 - our own names
_ROWS = f"""
SELECT {_COLUMNS} FROM platestream.statements
WHERE number BETWEEN {{first:UInt64}} AND {{last:UInt64}} ORDER BY number
"""  # noqa: S608 - our own names
_COUNT = "SELECT count(), max(number) FROM platestream.statements"
_UNCOVERED = "SELECT count(), min(at) FROM platestream.statements WHERE number > {last:UInt64}"


def count(client: Client) -> int:
    """Return the number of logged statements; 0 with a server, or in process. Raises DatabaseError."""
    return int(read_rows(client, "reading statements", _COUNT)[0][0])


def faults(client: Client, since: datetime, now: datetime) -> Iterator[str]:
    """Yield the faults of the log from `since`, one sentence each.

    Digests from before a restore belong to another engine, whose statements are in no backup. `client` needs
    the auditor's role. Raises DatabaseError.
    """
    parameters = {"since": since}
    last: int | None = None
    for about, effect in read_rows(client, "reading digests", _DIGESTS, **parameters):
        first, _dash, end = str(about).partition("-")
        if last is not None and int(first) != last + 1:
            yield f"statements {last + 1} to {int(first) - 1}: no digest of them is in the inquiry log"
        last = int(end)
        if digest(_rows(client, int(first), last)) != effect:
            yield f"statements {about}: not what the engine logged"
    ((waiting, oldest),) = read_rows(client, "reading statements", _UNCOVERED, last=last or 0)
    if waiting and now - oldest > LATE:
        yield f"{waiting} statements since {oldest:%Y-%m-%d %H:%M} are in no digest yet"


def _rows(client: Client, first: int, last: int) -> Iterator[EngineStatement]:
    bounds = {"first": first, "last": last}
    for row in read_rows(client, "reading statements", _ROWS, **bounds):
        one = EngineStatement(*row)
        ids = [UUID(str(id_)) for id_ in one.inquiries]
        yield one._replace(roles=list(one.roles), tables=list(one.tables), inquiries=ids)
