"""Ages of rows, and the deletion of those that are past their time.

What is read follows what is due: the engine stores the first and the last time of each partition, and only
partitions with a row that may be due are read. A row is of the partition of its capture and ages from its
arrival where that is earlier, so a capture is searched for up to `AHEAD` after the time in question. Cameras'
clocks are not ahead by more, but for a fault: the run that compares all rows, once a day, deletes those, too.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import read_rows, run
from platestream.retention.tally import LAST
from platestream.schemas.expiring_tables import HOUR, ExpiringTable

AHEAD = timedelta(hours=1)
WAIT = {"mutations_sync": 2}
OLD_PARTS_LIFETIME = 1.2  # seconds, a little more than the tables' old_parts_lifetime
CLEARINGS = 8
_REWRITTEN = """
SELECT table, name FROM system.parts
WHERE database = 'platestream' AND has({names:Array(String)}, table) AND NOT active
"""


class _Partition(NamedTuple):
    id: str
    first: datetime
    last: datetime
    rows: int


def oldest(client: Client, table: ExpiringTable, ahead: timedelta | None = None) -> datetime | None:
    """Return the time of the oldest row, by the column that counts, in UTC; None of an empty table.

    With `ahead` captures that are later than the first one by more than this are not read.
    """
    times = [one.first for one in _partitions(client, table)]
    if not times:
        return None
    last = LAST if ahead is None else min(times) + ahead
    ((at,),) = _read(client, table, f"min({table.age})", last=last)
    first: datetime = at.astimezone(UTC)
    return first


def expire(
    client: Client, table: ExpiringTable, cutoff: datetime, last: datetime, *, whole: bool
) -> tuple[list[str], int]:
    """Delete expired rows of a table; return the dropped partitions, and the number of all rows deleted.

    Captures after `last` are not read. With `whole`, pictures of the boundary hour wait for its end.
    """
    dropped, rows = [], 0
    for one in _partitions(client, table):
        if table.grain is not None and _end(one.last, table.grain) <= cutoff:
            sql = f"ALTER TABLE platestream.{table.name} DROP PARTITION ID {{id:String}}"
            run("dropping a partition", partial(client.command, sql, parameters={"id": one.id}))
            dropped.append(one.id)
            rows += one.rows
        elif one.first <= last and not (table.grain == HOUR and whole):
            rows += _delete(client, table, one, cutoff, last)
    return dropped, rows


def clear(client: Client, names: Sequence[str]) -> None:
    """Remove from the disk the old parts from which rows were deleted by time.

    The engine itself looks for such parts only every half minute when it is idle, and not at all once its
    process has ended. Dropping a partition clears them at once; the partition of 1970 is always empty. A part
    that is still being read remains until a later try; after the last one the next run clears it, as it does
    after a run that was killed.
    """
    rewritten = _rewritten(client, names)
    for _ in range(CLEARINGS):
        if not rewritten:
            return
        time.sleep(OLD_PARTS_LIFETIME)
        for name in sorted({table for table, _ in rewritten}):
            sql = f"ALTER TABLE platestream.{name} DROP PARTITION ID '19700101'"
            run("clearing old parts", partial(client.command, sql))
        rewritten &= _rewritten(client, names)
    if rewritten:
        left = ", ".join(f"{name} of {table}" for table, name in sorted(rewritten))
        logging.getLogger(__name__).warning("still read, and off the disk only after that: parts %s", left)


def _partitions(client: Client, table: ExpiringTable) -> Iterator[_Partition]:
    """Yield the partitions, the oldest first, as the engine stores their times: no row is read for them."""
    sql = (
        f"SELECT {table.partition} AS id, min({table.placed}), max({table.placed}), count() "  # noqa: S608
        f"FROM platestream.{table.name} GROUP BY id ORDER BY id"
    )
    for name, first, last, rows in read_rows(client, "reading ages", sql):
        yield _Partition(name, first.astimezone(UTC), last.astimezone(UTC), rows)


def _delete(client: Client, table: ExpiringTable, one: _Partition, cutoff: datetime, last: datetime) -> int:
    """Delete the expired rows of a partition by time; return their number."""
    due = f"{table.partition} = {{id:String}} AND {table.age} < {{cutoff:DateTime64(3, 'UTC')}}"
    ((rows,),) = _read(client, table, "count()", due, id=one.id, cutoff=cutoff, last=last)
    if rows:
        sql = (
            f"ALTER TABLE platestream.{table.name} DELETE IN PARTITION ID {{id:String}} "
            f"WHERE {table.age} < {{cutoff:DateTime64(3, 'UTC')}}"
        )
        parameters: dict[str, Any] = {"id": one.id, "cutoff": cutoff}
        run("deleting by time", partial(client.command, sql, parameters=parameters, settings=WAIT))
    return int(rows)


def _read(client: Client, table: ExpiringTable, what: str, where: str = "1", **parameters: Any) -> Any:
    sql = (
        f"SELECT {what} FROM platestream.{table.name} "  # noqa: S608 - our own names
        f"WHERE {table.placed} <= {{last:DateTime64(3, 'UTC')}} AND {where}"
    )
    return read_rows(client, "reading ages", sql, **parameters)


def _end(at: datetime, grain: timedelta) -> datetime:
    """Return the end of the partition of `at`."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return start + ((at - start) // grain + 1) * grain


def _rewritten(client: Client, names: Sequence[str]) -> set[tuple[str, str]]:
    """Return table and name of the inactive parts that are still on the disk."""
    found = read_rows(client, "reading old parts", _REWRITTEN, names=list(names))
    return {(table, name) for table, name in found}
