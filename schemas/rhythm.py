"""Recurring audits and reports: each month or quarter, every 30 days, each year.

A calendar rhythm (`month`, `quarter`, `half`, `year`) has periods that begin on the first of a month in the
agency's time zone. A rhythm of days (`30 days`) continues from the last audit: the next one is due that many
days after the end of the period that the last one covered. A deadline is the end of a day.

The time of an act comes from the inquiry log, which the database stamps. The times in a record itself are not
used.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated

from msgspec import Meta

from platestream.schemas.fields import Record

DAY = timedelta(days=1)
MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}
_DAYS = re.compile(r"([1-9]\d{0,2}) days?")
_BY = re.compile(r"(0[1-9]|1[0-2])-([0-2]\d|3[01])")
_PERIODS = {
    1: re.compile(r"(\d{4})-(0[1-9]|1[0-2])"),
    3: re.compile(r"(\d{4})-Q([1-4])"),
    6: re.compile(r"(\d{4})-H([12])"),
    12: re.compile(r"(\d{4})"),
}

RhythmName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class Published(Record, tag="publication/1", frozen=True, kw_only=True):
    """A publication: its rhythm and period, its place, and the hash of its bytes."""

    rhythm: str
    period: str
    where: Annotated[str, Meta(min_length=1, max_length=500)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Period:
    """The time from `since` to `until`, exclusive; `name` is its written form."""

    name: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Done:
    """An act about a period, and its time; `until` is the end of the period by its record."""

    period: str
    at: datetime
    until: datetime

    @property
    def covers(self) -> datetime:
        """The end of the time that the act can have covered: never later than the act itself."""
        return min(self.until, self.at)


@dataclass(frozen=True)
class Demand:
    """The demand of a rhythm: its interval, its first day, and the deadlines of audit and publication.

    `within`: days after the period's end (`10 days`), or a day of the year after it (`04-01`). `publish`: the
    same, counted from the filing of the audit, or from the period's end if no audit is required.
    """

    every: str
    begins: date | None = None
    audit: bool = True
    within: str = "0 days"
    publish: str = ""

    @property
    def months(self) -> int:
        """The months of a period; 0 if it has days."""
        return MONTHS.get(self.every, 0)

    @property
    def days(self) -> int:
        """The days of a period; 0 if it has months."""
        match = _DAYS.fullmatch(self.every)
        return int(match[1]) if match else 0


@dataclass(frozen=True)
class Due:
    """The demands of one period.

    `file_by` and `publish_by` are deadlines, None if there is no demand. `filed_at` and `published_at` are
    the times when they were met. `publish_by` is unknown until an audit that is to be published has been
    filed.
    """

    period: Period
    file_by: datetime | None
    filed_at: datetime | None
    publish_by: datetime | None
    published_at: datetime | None

    def late(self, now: datetime) -> Iterator[str]:
        """Yield a part of a sentence for each step that was done late or is missing by now."""
        yield from _late("filed", self.file_by, self.filed_at, now)
        yield from _late("published", self.publish_by, self.published_at, now)

    @property
    def next(self) -> datetime | None:
        """The deadline of the next step, or None if nothing is left to do."""
        if self.file_by is not None and self.filed_at is None:
            return self.file_by
        if self.publish_by is not None and self.published_at is None:
            return self.publish_by
        return None


def check(demand: Demand) -> None:
    """Raise ValueError if the demand is not valid."""
    if not (demand.months or demand.days):
        raise ValueError("`every` is month, quarter, half, year, or a number of days such as '30 days'")
    for name, text in (("within", demand.within), ("publish", demand.publish)):
        if text and not _DAYS.fullmatch(text) and text != "0 days" and not _BY.fullmatch(text):
            raise ValueError(f"`{name}` is a number of days such as '10 days', or a day of the year (MM-DD)")
        if _BY.fullmatch(text):
            date.fromisoformat(f"2023-{text}")
            if demand.every != "year":
                raise ValueError(f"`{name}` is a day of the year only where `every` is year")
    if not (demand.audit or demand.publish):
        raise ValueError("asks neither for an audit nor for a publication")


def period_named(demand: Demand, name: str, zone: tzinfo) -> Period:
    """Return a calendar period by its name: `2026-11`, `2026-Q4`, `2026-H2`, `2026`. Raises ValueError."""
    if not demand.months:
        raise ValueError(f"periods of {demand.every} have no names: they run on from the last audit")
    match = _PERIODS[demand.months].fullmatch(name)
    if match is None or not 2000 <= int(match[1]) <= 9000:
        raise ValueError(f"{name} is no {demand.every}: it is written {_example(demand.months)}")
    number = int(match[2]) - 1 if match.lastindex == 2 else 0
    return _calendar(demand.months, int(match[1]) * 12 + number * demand.months, zone)


def period_at(demand: Demand, at: datetime, zone: tzinfo) -> Period:
    """Return the calendar period that contains a timestamp."""
    local = at.astimezone(zone)
    months = local.year * 12 + local.month - 1
    return _calendar(demand.months, months - months % demand.months, zone)


def list_demands(
    demand: Demand,
    zone: tzinfo,
    began: datetime,
    filed: Sequence[Done],
    published: Sequence[Done],
    now: datetime,
) -> list[Due]:
    """Return the demands of all periods since `began`, in order; the last one is the open one.

    Only the first of several acts about a period counts, and only if it was made after the period's end:
    before that, the period's content could not be known.
    """
    if demand.begins is not None:
        began = max(began, _start(demand.begins, zone))
    if demand.months:
        return list(_of_calendar(demand, zone, began, filed, published, now))
    return list(_of_days(demand, zone, began, filed, published, now))


def open_period(
    demand: Demand, zone: tzinfo, began: datetime, filed: Sequence[Done], now: datetime
) -> Period:
    """Return the period since the last audit, which an audit made now would cover (rhythm of days)."""
    if demand.begins is not None:
        began = max(began, _start(demand.begins, zone))
    since = max([began, *(one.covers for one in filed)])
    return Period(f"{now.astimezone(zone):%Y-%m-%d}", since, now)


def _of_calendar(
    demand: Demand,
    zone: tzinfo,
    began: datetime,
    filed: Sequence[Done],
    published: Sequence[Done],
    now: datetime,
) -> Iterator[Due]:
    period = period_at(demand, began, zone)
    while period.since <= now:
        by = _after(period.until, demand.within, zone) if demand.audit else None
        at = _first(filed, period) if demand.audit else None
        yield _due(demand, zone, period, by, at, published)
        period = period_at(demand, period.until, zone)


def _of_days(
    demand: Demand,
    zone: tzinfo,
    began: datetime,
    filed: Sequence[Done],
    published: Sequence[Done],
    now: datetime,
) -> Iterator[Due]:
    since = began
    for one in sorted(filed, key=lambda one: one.at):
        by = _end_of_day(since + demand.days * DAY, demand.within, zone)
        yield _due(demand, zone, Period(one.period, since, one.covers), by, one.at, published)
        since = max(since, one.covers)
    by = _end_of_day(since + demand.days * DAY, demand.within, zone)
    name = f"{now.astimezone(zone):%Y-%m-%d}"
    yield _due(demand, zone, Period(name, since, max(now, since)), by, None, published)


def _due(
    demand: Demand,
    zone: tzinfo,
    period: Period,
    by: datetime | None,
    at: datetime | None,
    published: Sequence[Done],
) -> Due:
    published_at = _first(published, period) if demand.publish else None
    publish_by = None
    if demand.publish and not demand.audit:
        publish_by = _after(period.until, demand.publish, zone)
    elif demand.publish and at is not None:
        publish_by = _end_of_day(at, demand.publish, zone)
    return Due(period, by, at, publish_by, published_at)


def _late(done: str, by: datetime | None, at: datetime | None, now: datetime) -> Iterator[str]:
    if by is None:
        return
    if at is None and now > by:
        yield f"not {done}; it was due on {_day(by)}"
    elif at is not None and at > by:
        yield f"{done} late, on {at.astimezone(by.tzinfo):%Y-%m-%d}; it was due on {_day(by)}"


def _day(by: datetime) -> str:
    """Return the date of a deadline, which is the end of that day."""
    return f"{by - timedelta(microseconds=1):%Y-%m-%d}"


def _first(done: Sequence[Done], period: Period) -> datetime | None:
    """Return the time of the first act about a period that was over by then, or None."""
    times = (one.at for one in done if one.period == period.name and one.at >= period.until)
    return min(times, default=None)


def _after(until: datetime, text: str, zone: tzinfo) -> datetime:
    """Return the end of the due day: some days after the period's last day, or that day of the year."""
    if match := _BY.fullmatch(text):
        return _start(date(until.astimezone(zone).year, int(match[1]), int(match[2])) + DAY, zone)
    return _end_of_day(until - timedelta(microseconds=1), text, zone)


def _end_of_day(at: datetime, text: str, zone: tzinfo) -> datetime:
    days = int(text.split()[0])
    return _start(at.astimezone(zone).date() + (days + 1) * DAY, zone)


def _start(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _calendar(months: int, first: int, zone: tzinfo) -> Period:
    """Return the period that begins with month `first`, counted from year 0."""
    year, month = divmod(first, 12)
    names = {1: f"{year}-{month + 1:02}", 3: f"{year}-Q{month // 3 + 1}", 6: f"{year}-H{month // 6 + 1}"}
    after = first + months
    since, until = date(year, month + 1, 1), date(after // 12, after % 12 + 1, 1)
    return Period(names.get(months, f"{year}"), _start(since, zone), _start(until, zone))


def _example(months: int) -> str:
    return {1: "2026-11", 3: "2026-Q4", 6: "2026-H2", 12: "2026"}[months]
