"""Spans of time in an agency's rules: `30 days`, `6 months`, `10 years`.

Months and years are those of the calendar in the agency's time zone. Minutes, hours and days have a fixed
length. The inquiry gate calculates the same in SQL (`lapse` in `clickhouse/views/gate.sql`).
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_SPAN = re.compile(r"(\d+) (minute|hour|day|month|year)s?")
_FIXED = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
_MONTHS = {"month": 1, "year": 12}


@dataclass(frozen=True)
class Span:
    """A number of minutes, hours, days, months or years."""

    count: int
    unit: str

    def after(self, at: datetime, zone: tzinfo) -> datetime:
        """Return the end, in UTC, of the span that begins at `at`.

        Months and years end at the same time of the same day in `zone`, or on a shorter month's last day. A
        time that a change of the clock skips is taken by the offset after the change, as ClickHouse does.
        """
        return self._shift(at, zone, 1)

    def before(self, at: datetime, zone: tzinfo) -> datetime:
        """Return the begin, in UTC, of the span that ends at `at`, by the same rules as `after`."""
        return self._shift(at, zone, -1)

    @property
    def fixed(self) -> timedelta:
        """The span with months of 30 days and years of 365, as the retention of data counts, and as earlier
        releases did.
        """
        return self.count * _FIXED[self.unit]

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"

    def _shift(self, at: datetime, zone: tzinfo, sign: int) -> datetime:
        if self.unit not in _MONTHS:
            return at.astimezone(UTC) + sign * self.fixed
        local = at.astimezone(zone)
        months = 12 * local.year + local.month - 1 + sign * self.count * _MONTHS[self.unit]
        year, month = months // 12, months % 12 + 1
        day = min(local.day, monthrange(year, month)[1])
        end = local.replace(year=year, month=month, day=day, fold=0)
        skipped = end.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != end.replace(tzinfo=None)
        return end.replace(fold=int(skipped)).astimezone(UTC)


def instant_of(local: datetime, zone: tzinfo, *, last: bool = False) -> datetime:
    """Return the instant of a local time, in its zone; the first or `last` of one that a change of the clock
    repeats or skips.
    """
    either = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return (max(either) if last else min(either)).astimezone(zone)


def parse_span(text: str) -> Span:
    """Return the span that `text` names, such as `30 days`. Raises ValueError."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError("expected a number and minutes, hours, days, months or years, such as '30 days'")
    return Span(int(match[1]), match[2])
