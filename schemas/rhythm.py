"""Audits and reports that come round: each month or quarter, every 30 days, each year.

A rhythm of the calendar (`month`, `quarter`, `half`, `year`) has periods that begin on the first of a month
in the agency's time zone. A rhythm of days (`30 days`) runs on from the last audit: the next one is due so
many days after the end of the period that the last one covered. What is due is due at the end of a day.

When something was done comes from the inquiry log, whose times the database stamps; what a record says of
itself is not asked.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated

from msgspec import Meta

from schemas.fields import Record

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
    """That something was published: of which rhythm and period, where, and the bytes by their hash."""

    rhythm: str
    period: str
    where: Annotated[str, Meta(min_length=1, max_length=500)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Period:
    """From `since` up to, and not with, `until`; `name` is how people write it."""

    name: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Done:
    """Something that was done about a period at a moment; `until` is where that ended, by its record."""

    period: str
    at: datetime
    until: datetime

    @property
    def covers(self) -> datetime:
        """Up to when it can have looked: never beyond the moment at which it was done."""
        return min(self.until, self.at)


@dataclass(frozen=True)
class Demand:
    """What a rhythm asks: how often, from which day on, whether an audit is filed and until when, and until
    when it is published.

    `within`: days after the period's end (`10 days`), or a day of the year after it (`04-01`). `publish`: the
    same, after an audit was filed, or after the period's end where none is asked for.
    """

    every: str
    begins: date | None = None
    audit: bool = True
    within: str = "0 days"
    publish: str = ""

    @property
    def months(self) -> int:
        """How many months a period has; 0: it has days."""
        return MONTHS.get(self.every, 0)

    @property
    def days(self) -> int:
        """How many days a period has; 0: it has months."""
        match = _DAYS.fullmatch(self.every)
        return int(match[1]) if match else 0


@dataclass(frozen=True)
class Due:
    """What one period asks. `file_by` and `publish_by` are moments, None where nothing is asked; `filed_at`
    and `published_at` when it was done. While an audit that is to be published is not filed `publish_by` is
    not known.
    """

    period: Period
    file_by: datetime | None
    filed_at: datetime | None
    publish_by: datetime | None
    published_at: datetime | None

    def late(self, now: datetime) -> Iterator[str]:
        """What was done late, or is missing by now: a part of a sentence each."""
        yield from _late("filed", self.file_by, self.filed_at, now)
        yield from _late("published", self.publish_by, self.published_at, now)

    @property
    def next(self) -> datetime | None:
        """By when the next step is to be done; None where nothing is left to do."""
        if self.file_by is not None and self.filed_at is None:
            return self.file_by
        if self.publish_by is not None and self.published_at is None:
            return self.publish_by
        return None


def check(demand: Demand) -> None:
    """Raises ValueError for a rhythm that is none."""
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
    """A period of the calendar by its name: `2026-11`, `2026-Q4`, `2026-H2`, `2026`. Raises ValueError."""
    if not demand.months:
        raise ValueError(f"periods of {demand.every} have no names: they run on from the last audit")
    match = _PERIODS[demand.months].fullmatch(name)
    if match is None or not 2000 <= int(match[1]) <= 9000:
        raise ValueError(f"{name} is no {demand.every}: it is written {_example(demand.months)}")
    number = int(match[2]) - 1 if match.lastindex == 2 else 0
    return _calendar(demand.months, int(match[1]) * 12 + number * demand.months, zone)


def period_at(demand: Demand, at: datetime, zone: tzinfo) -> Period:
    """The period of the calendar that a moment lies in."""
    local = at.astimezone(zone)
    months = local.year * 12 + local.month - 1
    return _calendar(demand.months, months - months % demand.months, zone)


def standing(
    demand: Demand,
    zone: tzinfo,
    began: datetime,
    filed: Sequence[Done],
    published: Sequence[Done],
    now: datetime,
) -> list[Due]:
    """What was due since `began`, in order, and last what is open now.

    Of several things done about a period the first counts, and nothing that was done before the period was
    over: what happened in it could not be known.
    """
    if demand.begins is not None:
        began = max(began, _start(demand.begins, zone))
    if demand.months:
        return list(_of_calendar(demand, zone, began, filed, published, now))
    return list(_of_days(demand, zone, began, filed, published, now))


def running(demand: Demand, zone: tzinfo, began: datetime, filed: Sequence[Done], now: datetime) -> Period:
    """The period of a rhythm of days that an audit made now would cover: since the end of the last one."""
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
    told = _first(published, period) if demand.publish else None
    publish_by = None
    if demand.publish and not demand.audit:
        publish_by = _after(period.until, demand.publish, zone)
    elif demand.publish and at is not None:
        publish_by = _end_of_day(at, demand.publish, zone)
    return Due(period, by, at, publish_by, told)


def _late(done: str, by: datetime | None, at: datetime | None, now: datetime) -> Iterator[str]:
    if by is None:
        return
    if at is None and now > by:
        yield f"not {done}; it was due on {_day(by)}"
    elif at is not None and at > by:
        yield f"{done} late, on {at.astimezone(by.tzinfo):%Y-%m-%d}; it was due on {_day(by)}"


def _day(by: datetime) -> str:
    """The day at whose end something is due."""
    return f"{by - timedelta(microseconds=1):%Y-%m-%d}"


def _first(done: Sequence[Done], period: Period) -> datetime | None:
    """When it was first done about a period that was over by then."""
    told = (one.at for one in done if one.period == period.name and one.at >= period.until)
    return min(told, default=None)


def _after(until: datetime, text: str, zone: tzinfo) -> datetime:
    """The end of the day that is due: so many days after the period's last day, or that day of the year."""
    if match := _BY.fullmatch(text):
        return _start(date(until.astimezone(zone).year, int(match[1]), int(match[2])) + DAY, zone)
    return _end_of_day(until - timedelta(microseconds=1), text, zone)


def _end_of_day(at: datetime, text: str, zone: tzinfo) -> datetime:
    days = int(text.split()[0])
    return _start(at.astimezone(zone).date() + (days + 1) * DAY, zone)


def _start(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _calendar(months: int, first: int, zone: tzinfo) -> Period:
    """The period that begins with month `first`, counted from year 0."""
    year, month = divmod(first, 12)
    names = {1: f"{year}-{month + 1:02}", 3: f"{year}-Q{month // 3 + 1}", 6: f"{year}-H{month // 6 + 1}"}
    after = first + months
    since, until = date(year, month + 1, 1), date(after // 12, after % 12 + 1, 1)
    return Period(names.get(months, f"{year}"), _start(since, zone), _start(until, zone))


def _example(months: int) -> str:
    return {1: "2026-11", 3: "2026-Q4", 6: "2026-H2", 12: "2026"}[months]
