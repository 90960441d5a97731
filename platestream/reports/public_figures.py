"""The figures of the public page: twelve months beside the twelve before, without plates, people and small
counts.

They are counted once a day and stored in a file, which is all that the public page reads. Only months that
are over are counted, so that nobody can see a figure change after an event. A count of events below `SMALL`
could be recognized as a certain person's, so none is stored: in a series of months it becomes `few`, and in a
table it is part of the row `OTHER`. Days are UTC days.

The twelve months move on with each month, and anybody can store the page: two of its states could be
subtracted, and a month or a category of one event would be left. Hence a sum is that of the months that are
shown, tables are rounded to tens, and shares of few comparisons to five percent.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import msgspec

from platestream.access.door import Door
from platestream.edges.clickhouse_client import AUDITOR
from platestream.reports.transparency import (
    OF_HITS,
    OF_SCANS,
    TABLES,
    Counts,
    Period,
    Transparency,
    figures,
    precision,
)
from platestream.runtime.private_file import write_file
from platestream.schemas.acts import BROWSING
from platestream.schemas.spans import Span
from platestream.settings import Settings

FILE = "public_figures.json"
SMALL = 5
"""Counts of events from 1 to below this one are not published."""
LEAST_COMPARED = 20
"""Comparisons at least for a share."""
MANY_COMPARED = 100
"""Comparisons from which on a share is published to the percent; of fewer it could give them away."""
OTHER = "other"
MONTHS = 12
_SEARCHES = """
SELECT toStartOfMonth(at) AS month, count() FROM platestream.inquiry_log
WHERE at >= {since:Date} AND at < {until:Date} AND NOT automatic AND kind IN {looks:Array(String)}
GROUP BY month
"""
_SERIES = {
    "Plates scanned (vehicle passes)": "SELECT toStartOfMonth(day) AS month, sum(most)"
    f"{OF_SCANS} GROUP BY month",
    "Alert hits": f"SELECT toStartOfMonth(captured_at) AS month, count() {OF_HITS} GROUP BY month",
    "Searches of stored data by people": _SEARCHES,
}
OUTCOMES = {
    "plate_and_state_confirmed": "plate and state of issue confirmed",
    "misread": "misread",
    "wrong_state": "another state of issue",
    "not_verified": "never compared with the vehicle",
}


class MonthCount(msgspec.Struct, frozen=True, omit_defaults=True):
    """A published count; None where it is not published, with `few` because it is from 1 to below `SMALL`.

    `at_least`: it is a sum without the months that are not published.
    """

    count: int | None = None
    few: bool = False
    at_least: bool = False


class MonthSeries(msgspec.Struct, frozen=True):
    """Counts of `MONTHS` months and of the same months a year before, with their sums."""

    title: str
    now: list[MonthCount]
    before: list[MonthCount]
    sum_now: MonthCount
    sum_before: MonthCount


class PublicTable(msgspec.Struct, frozen=True):
    """Counts by name of the twelve months and of those before, to tens. None of them is small."""

    title: str
    now: dict[str, int]
    before: dict[str, int]


class Share(msgspec.Struct, frozen=True):
    """A share of `of` comparisons with its 95 % interval. `bound` is "at least" or "at most" where the exact
    share would publish a small count. `of` is rounded to tens for the same reason.
    """

    share: float
    low: float
    high: float
    of: int
    bound: str = ""


class Estimate(msgspec.Struct, frozen=True):
    """A share that is estimated from the comparisons that people made; None where there were too few."""

    title: str
    compared: str
    now: Share | None
    before: Share | None


class PublicFigures(msgspec.Struct, tag_field="schema", tag="public_figures/1", frozen=True, kw_only=True):
    """The figures of the months from `since` to before `until`, beside those of a year before.

    `begun`: there was anything to count.
    """

    agency: str
    counted_at: datetime
    since: date
    until: date
    data_kept_days: float
    cameras_used: int
    begun: bool
    series: list[MonthSeries]
    estimates: list[Estimate]
    tables: list[PublicTable]


def month_starts(now: datetime) -> list[date]:
    """Return the first days of the last `2 * MONTHS` months that were over at `now`, and of this one."""
    current = datetime.combine(now.astimezone(UTC).date().replace(day=1), time(), UTC)
    return [Span(back, "month").before(current, UTC).date() for back in range(2 * MONTHS, -1, -1)]


def count(door: Door, now: datetime) -> PublicFigures:
    """Count the figures at `now`. The account needs the auditor's role. No act is needed: they have no plate
    and no person.

    Raises ProfileError and DatabaseError.
    """
    starts = month_starts(now)
    before, since, until = starts[0], starts[MONTHS], starts[-1]
    asked: dict[str, Any] = {"since": before, "until": until, "looks": list(BROWSING)}
    counts = Counts(door.client(AUDITOR), asked)
    monthly = {title: {row[0]: int(row[1]) for row in counts.rows(sql)} for title, sql in _SERIES.items()}
    of_year = figures(door, Period(since, until), now), figures(door, Period(before, since), now)
    series = [_series(title, [found.get(one, 0) for one in starts[:-1]]) for title, found in monthly.items()]
    _scans, alerts, searches = series
    profile = door.rules.profile
    return PublicFigures(
        agency=profile.agency.name,
        counted_at=now.replace(microsecond=0),
        since=since,
        until=until,
        data_kept_days=of_year[0].data_kept_days,
        cameras_used=of_year[0].cameras_used,
        begun=any(found for found in monthly.values()),
        series=series,
        estimates=list(_estimates(*of_year)),
        tables=list(_tables(*of_year, alerts, searches)),
    )


def store(settings: Settings, found: PublicFigures) -> Path:
    """Replace the stored figures. Raises OSError."""
    path = settings.data / FILE
    write_file(path, msgspec.json.format(msgspec.json.encode(found)))
    return path


def stored(settings: Settings) -> PublicFigures | None:
    """Return the stored figures; None before they were counted.

    Raises OSError, and msgspec.MsgspecError where the file is damaged.
    """
    try:
        return msgspec.json.decode((settings.data / FILE).read_bytes(), type=PublicFigures)
    except FileNotFoundError:
        return None


def _series(title: str, found: Sequence[int]) -> MonthSeries:
    before, sum_before = protect_months(found[:MONTHS])
    now, sum_now = protect_months(found[MONTHS:])
    return MonthSeries(title, now, before, sum_now, sum_before)


def protect_months(found: Sequence[int]) -> tuple[list[MonthCount], MonthCount]:
    """Return the counts without small ones, and the sum of those that are left: none where no other is left.

    >>> [one.count for one in protect_months([3, 40, 9, 0])[0]]
    [None, 40, 9, 0]
    >>> protect_months([3, 40, 9, 0])[1]
    MonthCount(count=49, few=False, at_least=True)
    """
    shown = [MonthCount(few=True) if 0 < one < SMALL else MonthCount(one) for one in found]
    whole = sum(one.count or 0 for one in shown)
    few = any(one.few for one in shown)
    return shown, MonthCount() if few and not whole else MonthCount(whole, at_least=few)


def merge_small(found: dict[str, int]) -> dict[str, int]:
    """Return the counts with small ones added up as `OTHER`, with the next ones until it is not small. Where
    all together are small, nothing is left.

    >>> merge_small({"stolen": 40, "warrant": 3, "missing": 4, "none": 0})
    {'stolen': 40, 'other': 7}
    """
    ranked = sorted((one for one in found.items() if one[1]), key=lambda one: one[1])
    other = taken = 0
    while taken < len(ranked) and (ranked[taken][1] < SMALL or 0 < other < SMALL):
        other += ranked[taken][1]
        taken += 1
    merged = {name for name, _count in ranked[:taken]}
    shown = {name: one for name, one in found.items() if one and name not in merged}
    if other >= SMALL:
        shown[OTHER] = shown.get(OTHER, 0) + other
    return shown


def _tables(
    now: Transparency, before: Transparency, alerts: MonthSeries, searches: MonthSeries
) -> Iterator[PublicTable]:
    yield _table("What came of the hits", _outcomes(now), _outcomes(before), alerts)
    for name, title in TABLES.items():
        if name != "registry_now":
            here, there = (_words(getattr(one, name)) for one in (now, before))
            made = _table(title, here, there, searches if name == "inquiries" else alerts)
            if made.now or made.before:
                yield made


def _table(title: str, now: dict[str, int], before: dict[str, int], of: MonthSeries) -> PublicTable:
    """Return a table that is empty in years in which the sum of `of` is not published: it would follow."""
    return PublicTable(
        title,
        round_table(merge_small(now)) if of.sum_now.count is not None else {},
        round_table(merge_small(before)) if of.sum_before.count is not None else {},
    )


def round_table(found: dict[str, int]) -> dict[str, int]:
    """Return the counts to tens.

    >>> round_table({"stolen": 44, "other": 5})
    {'stolen': 40, 'other': 10}
    """
    return {name: (one + 5) // 10 * 10 for name, one in found.items()}


def _outcomes(report: Transparency) -> dict[str, int]:
    return {text: report.hits[name] for name, text in OUTCOMES.items()}


def _words(found: dict[str, int]) -> dict[str, int]:
    return {name.replace("_", " "): one for name, one in found.items()}


def _estimates(now: Transparency, before: Transparency) -> Iterator[Estimate]:
    for title, compared, part, of in (
        ("Hits that were right", "hits compared with the vehicle", "plate_and_state_confirmed", "verified"),
        ("Hits that were misread", "hits compared with the vehicle", "misread", "verified"),
        ("Entries that were current", "entries checked with their source", "confirmed_current", ""),
    ):
        years = [
            share(one.hits[part], one.hits[of] if of else one.hits[part] + one.hits["not_current"])
            for one in (now, before)
        ]
        yield Estimate(title, compared, *years)


def share(part: int, of: int) -> Share | None:
    """Return a share that publishes no small count; None of fewer than `LEAST_COMPARED`. Its interval is that
    of the published share, of so many tens.

    >>> share(97, 100)
    Share(share=0.96, low=0.9, high=1.0, of=100, bound='at least')
    >>> share(14, 22)
    Share(share=0.65, low=0.4, high=0.85, of=20, bound='')
    """
    if of < LEAST_COMPARED:
        return None
    shown, bound = part / of, ""
    if 0 < part < SMALL:
        shown, bound = (SMALL - 1) / of, "at most"
    elif 0 < of - part < SMALL:
        shown, bound = (of - SMALL + 1) / of, "at least"
    to = {"at most": math.ceil, "at least": math.floor}.get(bound, round)
    tens, steps = round(of, -1), 100 if of >= MANY_COMPARED else 20
    shown = to(round(shown * steps, 6)) / steps
    likely = precision(round(shown * tens), tens)
    assert likely is not None
    low = 0.0 if bound == "at most" else math.floor(likely["low"] * steps) / steps
    high = 1.0 if bound == "at least" else math.ceil(likely["high"] * steps) / steps
    return Share(shown, low, high, tens, bound)
