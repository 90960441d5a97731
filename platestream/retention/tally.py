"""Completeness of written rows: counted as they are written, sealed each hour, compared each day.

The database counts each detection, alert hit and picture in the table `tallied` (clickhouse/views/tally.sql).
Once an hour an entry of the ledger holds the new counts: by day of capture the number of rows, their cameras,
the first and the last time, and a hash. It also holds counts of frames and detections by camera
(`hourly_counts`). The counts cannot be changed without a trace, and the rows can be compared with them until
they expire. Digests include random numbers that are stored with the rows, so the ledger reveals no plate.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.access.door import Door
from platestream.edges.clickhouse_client import RETENTION, read_rows
from platestream.ledger import records
from platestream.ledger import store as ledger
from platestream.retention import hourly_counts
from platestream.runtime.faults import Faults
from platestream.schemas.fields import Instant
from platestream.schemas.tally import Day, Tally
from platestream.schemas.unreadable import unreadable

EVERY = timedelta(hours=1)
SETTLED = timedelta(minutes=5)
"""More than the longest insert: it is counted when it begins, and visible when it has ended."""
LATE = timedelta(hours=3)
DAILY = timedelta(days=1)
MARGIN = timedelta(minutes=1)
"""Rows that expire within this time may be deleted during the comparison."""
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2299, 12, 31, 23, 59, 59, 999_000, UTC)
"""The first and last time that a capture can have in the database."""
LAST_DAY = date(2149, 6, 6)
"""The database's day of each later time, too."""
AT_ONCE = 2_000_000
"""Rows that are compared at once, each in some 650 bytes of memory. A day of capture is not divided."""
NOT_COMPARED = "the rows were not compared with their counts"
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
WHERE day BETWEEN {first:Date} AND {last:Date}
"""
_COMPARED = """
SELECT source, day, camera_id, missing, altered, rewritten, uncounted
FROM platestream.completeness_of(since = {since:DateTime64(6, 'UTC')},
    first = {first:DateTime64(3, 'UTC')}, last = {last:DateTime64(3, 'UTC')})
"""
_SINCE = "SELECT now64(6, 'UTC'), since FROM platestream.retained_since"
_UNSEALED = """
SELECT count() FROM platestream.tallied
WHERE tallied_at > {since:DateTime64(6, 'UTC')} AND tallied_at < {before:DateTime64(6, 'UTC')}
"""


class CompletenessReport(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison of the stored rows with the counts; a sentence for each fault."""

    at: Instant
    faults: list[str]


def seal(door: Door, now: datetime) -> None:
    """Put the counts since the last entry into the ledger, if an hour has passed.

    `door` is the job's. Raises RefusedInquiry and DatabaseError.
    """
    client = door.client(RETENTION)
    last = ledger.last(client, "retention", "tally", Tally)
    before = None if last is None else last[1]
    since = FIRST if before is None else before.until
    until = now - SETTLED
    if until - since < EVERY:
        return
    days = [day for _until, day in _groups(client, since, [until])]
    retained = door.rules.profile.retention.span
    counts = hourly_counts.count(client, since, until, before, retained)
    records.put(door, "tally", Tally(since=since, until=until, days=days, counts=counts), reason=REASON)


def compare(client: Client) -> CompletenessReport:
    """Compare the unexpired rows with the counts, and the counts with the sealed ones, by days of capture: a
    month at once may take more memory than a machine has. The oldest come first, because their rows expire.

    `client` has the role of the retention job or the auditor. Raises DatabaseError.
    """
    ((now, retained_since),) = read_rows(client, "comparing", _SINCE)
    since = retained_since + MARGIN
    with unreadable() as unread:
        read = ledger.read_records(client, "retention", "tally", Tally, after=since)
    sealed = [one for _entry, one in read]
    spans = list(_spans(since, now, sealed))
    differing = [fault for first, last in spans for fault in _differing(client, since, first, last)]
    broken = [fault for first, last in spans for fault in _broken(client, sealed, since, first, last)]
    gaps, unsealed = _gaps(sealed), _unsealed(client, sealed, now)
    return CompletenessReport(at=now, faults=[*unread, *gaps, *broken, *unsealed, *differing])


def daily(client: Client, before: CompletenessReport | None, now: datetime) -> CompletenessReport:
    """Return the comparison `before` where it is less than a day old, else make a new one.

    A comparison that cannot be made is a fault and stops no deletion: data must not outlive its period. It is
    made again by the next run.
    """
    if before is not None and timedelta(0) <= now - before.at < DAILY and not _failed(before):
        return before
    faults = Faults()
    found = faults.attempt(NOT_COMPARED, partial(compare, client))
    return found or CompletenessReport(at=now, faults=faults)


def _failed(report: CompletenessReport) -> bool:
    return any(fault.startswith(NOT_COMPARED) for fault in report.faults)


def _spans(since: datetime, now: datetime, sealed: Sequence[Tally]) -> Iterator[tuple[datetime, datetime]]:
    """Yield the first and the last time of days that together have at most AT_ONCE rows; the last have all
    that is to come.
    """
    rows = Counter[date]()
    for day in (day for one in sealed for day in one.days):
        rows[day.day] += sum(day.cameras.values())
    first = since.replace(hour=0, minute=0, second=0, microsecond=0)
    begin, taken = first, 0
    for midnight in (first + n * DAILY for n in range((now - first) // DAILY + 1)):
        if taken and taken + rows[midnight.date()] > AT_ONCE:
            yield begin, midnight - timedelta(milliseconds=1)
            begin, taken = midnight, 0
        taken += rows[midnight.date()]
    yield begin, LAST


def _gaps(sealed: Sequence[Tally]) -> Iterator[str]:
    for one, following in pairwise(sealed):
        if one.until != following.since:
            yield f"counts sealed at {_at(following.until)} do not follow those of {_at(one.until)}"


def _broken(
    client: Client, sealed: Sequence[Tally], since: datetime, first: datetime, last: datetime
) -> Iterator[str]:
    """Yield counts that differ from the sealed ones."""
    if first < since:  # some rows of the first day have expired
        first += DAILY
    if not sealed or first > last:
        return
    untils = [one.until for one in sealed]
    found = {
        (until, day.source, day.day): day
        for until, day in _groups(client, sealed[0].since, untils, first, last)
    }
    for one in sealed:
        if one.until < since or (one.since != FIRST and one.since < since):
            continue
        days = (day for day in one.days if first.date() <= day.day <= last.date())
        sealed_days = {(one.until, day.source, day.day): day for day in days}
        for key in sorted({*sealed_days, *(key for key in found if key[0] == one.until)}):
            if sealed_days.get(key) != found.get(key):
                yield f"{key[1]} of {key[2]}: counts sealed at {_at(one.until)} were changed"


def _unsealed(client: Client, sealed: Sequence[Tally], now: datetime) -> Iterator[str]:
    since = sealed[-1].until if sealed else FIRST
    ((count,),) = read_rows(client, "comparing", _UNSEALED, since=since, before=now - LATE)
    if count:
        yield f"{count} rows written more than {LATE / EVERY:.0f} hours ago are in no sealed count"


def _differing(client: Client, since: datetime, first: datetime, last: datetime) -> Iterator[str]:
    found = read_rows(client, "comparing", _COMPARED, since=since, first=first, last=last)
    for source, day, camera, *counts in found:
        for (_name, text), count in zip(FAULTS, counts, strict=True):
            if count:
                yield f"{source} of {day}, {camera}: {count} {text}"


def _groups(
    client: Client,
    since: datetime,
    untils: Sequence[datetime],
    first: datetime = FIRST,
    last: datetime = LAST,
) -> list[tuple[datetime, Day]]:
    parameters: dict[str, Any] = {"since": since, "untils": list(untils)}
    parameters |= {"first": first.date(), "last": min(last.date(), LAST_DAY)}
    rows = read_rows(client, "counting", _GROUPS, **parameters)
    names = Day.__struct_fields__
    return [(until, Day(**dict(zip(names, day, strict=True)))) for until, *day in rows]


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
