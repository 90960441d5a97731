"""Completeness of what was written: counted as it is written, sealed each hour, compared each day.

The database counts each detection, alert hit and picture in the table `tallied` (clickhouse/views/tally.sql).
Once an hour an entry of the ledger holds what was counted since: by day of capture how many rows, of which
cameras, the first and the last, and a hash. So the counts cannot be changed without a trace, and what is
there can be compared with them until it is due. Digests have random numbers in them that go with the rows:
what stays in the ledger tells no plate.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from connectors import ledger
from connectors.clickhouse_client import RETENTION, run
from services import records
from services.door import Door

EVERY = timedelta(hours=1)
SETTLED = timedelta(minutes=5)
"""An insert is counted when it begins and seen when it has ended, which takes less than this."""
LATE = timedelta(hours=3)
DAILY = timedelta(days=1)
MARGIN = timedelta(minutes=1)
"""What is due within this time may be deleted while it is compared."""
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
REASON = "What was written is counted and sealed each hour"
FAULTS = (
    ("missing", "missing"),
    ("altered", "not what was counted"),
    ("rewritten", "written again with something else, by the same models"),
    ("uncounted", "never counted"),
)
_GROUPS = """
SELECT until, source, day, cameras, first, last, sha256 FROM platestream.tally_groups(
    since = {since:DateTime64(6, 'UTC')}, untils = {untils:Array(DateTime64(6, 'UTC'))})
"""
_COMPARED = """
SELECT source, day, camera_id, missing, altered, rewritten, uncounted
FROM platestream.completeness(since = {since:DateTime64(6, 'UTC')})
"""
_SINCE = "SELECT now64(6, 'UTC'), since FROM platestream.retained_since"
_UNSEALED = """
SELECT count() FROM platestream.tallied
WHERE tallied_at > {since:DateTime64(6, 'UTC')} AND tallied_at < {before:DateTime64(6, 'UTC')}
"""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What was written of one day of capture: rows by camera, first and last, and a hash of all of them."""

    source: str
    day: date
    cameras: dict[str, int]
    first: datetime
    last: datetime
    sha256: str


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What was written after `since` and until `until`, by the database's clock."""

    since: datetime
    until: datetime
    days: list[Day]


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison of what is there with what was counted; a sentence for each fault."""

    at: datetime
    faults: list[str]


def seal(door: Door, now: datetime) -> None:
    """Put what was counted since the last hour's entry into the ledger, where an hour has passed.

    `door` is the job's. Raises RefusedInquiry and DatabaseError.
    """
    client = door.client(RETENTION)
    last = ledger.last(client, "retention", "tally")
    since = FIRST if last is None else _of(last.record).until
    until = now - SETTLED
    if until - since < EVERY:
        return
    days = [day for _until, day in _groups(client, since, [until])]
    records.put(door, "tally", Tally(since=since, until=until, days=days), reason=REASON)


def compare(client: Client) -> Compared:
    """Compare what is there with what was counted, and that with what was sealed, until it is due.

    `client` has the role of the retention job or the auditor. Raises DatabaseError.
    """
    ((now, kept),) = run("comparing", partial(client.query, _SINCE)).result_rows
    since = kept + MARGIN
    sealed = [_of(one.record) for one, _hash in ledger.read(client, "retention", "tally", after=since)]
    return Compared(
        at=now,
        faults=[
            *_broken(client, sealed, since),
            *_unsealed(client, sealed, now),
            *_differing(client, since),
        ],
    )


def daily(client: Client, before: Compared | None, now: datetime) -> Compared:
    """Return the comparison `before` where it is less than a day old, else another. Raises DatabaseError."""
    if before is not None and timedelta(0) <= now - before.at < DAILY:
        return before
    return compare(client)


def _broken(client: Client, sealed: Sequence[Tally], since: datetime) -> Iterator[str]:
    """Hours that do not follow each other, and counts that are not what was sealed."""
    for one, following in pairwise(sealed):
        if one.until != following.since:
            yield f"counts sealed at {_at(following.until)} do not follow those of {_at(one.until)}"
    if not sealed:
        return
    found = {
        (until, day.source, day.day): day
        for until, day in _groups(client, sealed[0].since, [one.until for one in sealed])
    }
    for one in sealed:
        if one.until < since or (one.since != FIRST and one.since < since):
            continue
        told = {(one.until, day.source, day.day): day for day in one.days}
        for key in sorted({*told, *(key for key in found if key[0] == one.until)}):
            if datetime.combine(key[2], time(), UTC) >= since and told.get(key) != found.get(key):
                yield f"{key[1]} of {key[2]}: counts sealed at {_at(one.until)} were changed"


def _unsealed(client: Client, sealed: Sequence[Tally], now: datetime) -> Iterator[str]:
    asked = {"since": sealed[-1].until if sealed else FIRST, "before": now - LATE}
    ((count,),) = run("comparing", partial(client.query, _UNSEALED, parameters=asked)).result_rows
    if count:
        yield f"{count} rows written more than {LATE / EVERY:.0f} hours ago are in no sealed count"


def _differing(client: Client, since: datetime) -> Iterator[str]:
    asked = {"since": since}
    for source, day, camera, *counts in run(
        "comparing", partial(client.query, _COMPARED, parameters=asked)
    ).result_rows:
        for (_name, said), count in zip(FAULTS, counts, strict=True):
            if count:
                yield f"{source} of {day}, {camera}: {count} {said}"


def _groups(client: Client, since: datetime, untils: Sequence[datetime]) -> list[tuple[datetime, Day]]:
    asked: dict[str, Any] = {"since": since, "untils": list(untils)}
    rows = run("counting", partial(client.query, _GROUPS, parameters=asked)).result_rows
    names = Day.__struct_fields__
    return [(until, Day(**dict(zip(names, day, strict=True)))) for until, *day in rows]


def _of(record: str) -> Tally:
    return msgspec.json.decode(record, type=Tally)


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
