"""When an audit that comes round is due, and what late means."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.schemas.rhythm import Demand, Done, check, list_demands, open_period, period_at, period_named

ZONE = ZoneInfo("America/Los_Angeles")
DAY = timedelta(days=1)
MONTHLY = Demand("month", within="10 days", publish="2 days")
ROLLING = Demand("30 days")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def late(
    demand: Demand, began: str, now: str, filed: Sequence[Done] = (), published: Sequence[Done] = ()
) -> list[str]:
    found = list_demands(demand, ZONE, at(began), filed, published, at(now))
    return [f"{one.period.name}: {said}" for one in found for said in one.late(at(now))]


def done(period: str, when: str, until: str = "") -> Done:
    return Done(period, at(when), at(until or when))


def test_a_month_is_due_at_the_end_of_its_day_by_the_agencys_clock() -> None:
    assert late(MONTHLY, "2026-10-20", "2026-11-10T23:59") == []
    assert late(MONTHLY, "2026-10-20", "2026-11-11T00:01") == ["2026-10: not filed; it was due on 2026-11-10"]


def test_filed_on_the_last_day_is_in_time_and_a_day_later_is_late_for_good() -> None:
    result = done("2026-10", "2026-11-12T23:00")
    assert late(MONTHLY, "2026-10-01", "2026-12-01", [done("2026-10", "2026-11-10T23:59")], [result]) == []
    late_one = [done("2026-10", "2026-11-11T00:01")]
    assert late(MONTHLY, "2026-10-01", "2026-12-01", late_one, [result]) == [
        "2026-10: filed late, on 2026-11-11; it was due on 2026-11-10"
    ]


def test_publication_counts_from_the_filing_and_not_from_what_was_published_of_another_month() -> None:
    filed = [done("2026-10", "2026-11-05T12:00")]
    assert late(MONTHLY, "2026-10-01", "2026-11-07T23:59", filed) == []
    other = [done("2026-09", "2026-11-05T12:00")]
    assert late(MONTHLY, "2026-10-01", "2026-11-08T00:01", filed, other) == [
        "2026-10: not published; it was due on 2026-11-07"
    ]


def test_a_report_without_an_audit_is_due_on_its_day_of_the_year_after() -> None:
    yearly = Demand("year", audit=False, publish="04-01")
    assert late(yearly, "2026-03-01", "2027-04-01T23:59") == []
    assert late(yearly, "2026-03-01", "2027-04-02T00:01") == ["2026: not published; it was due on 2027-04-01"]
    assert late(yearly, "2026-03-01", "2027-05-01", [], [done("2026", "2027-03-31T10:00")]) == []


def test_thirty_days_run_on_from_the_last_audit() -> None:
    assert late(ROLLING, "2026-01-01", "2026-01-31T23:59") == []
    assert len(late(ROLLING, "2026-01-01", "2026-02-01T00:01")) == 1
    audits = [done("2026-01-20", "2026-01-20T10:00"), done("2026-02-19", "2026-02-19T10:00")]
    assert late(ROLLING, "2026-01-01", "2026-03-21T23:00", audits) == []
    assert late(ROLLING, "2026-01-01", "2026-03-22T00:01", audits) == [
        "2026-03-22: not filed; it was due on 2026-03-21"
    ]


def test_an_audit_that_says_it_covers_what_is_to_come_covers_no_more_than_there_was() -> None:
    forged = [done("2026-01-20", "2026-01-20T10:00", until="2030-01-01")]
    assert len(late(ROLLING, "2026-01-01", "2026-03-01", forged)) == 1
    assert open_period(ROLLING, ZONE, at("2026-01-01"), forged, at("2026-03-01")).since == at(
        "2026-01-20T10:00"
    )


def test_what_was_filed_before_the_period_was_over_does_not_count() -> None:
    early = [done("2026-10", "2026-10-31T23:59")]
    assert late(MONTHLY, "2026-10-01", "2026-11-11T00:01", early) == [
        "2026-10: not filed; it was due on 2026-11-10"
    ]
    yearly = Demand("year", audit=False, publish="04-01")
    result = [done("2026", "2026-12-31T23:59")]
    assert len(late(yearly, "2026-03-01", "2027-05-01", [], result)) == 1


def test_nothing_is_owed_of_before_the_record_or_the_law_began() -> None:
    assert late(MONTHLY, "2026-11-01", "2026-11-20") == []
    law = Demand("month", begins=date(2026, 10, 1), within="10 days")
    assert late(law, "2020-01-01", "2026-11-12") == ["2026-10: not filed; it was due on 2026-11-10"]


@pytest.mark.parametrize(
    ("every", "name", "first", "after"),
    [
        ("month", "2026-12", "2026-12-01", "2027-01-01"),
        ("quarter", "2026-Q4", "2026-10-01", "2027-01-01"),
        ("half", "2026-H1", "2026-01-01", "2026-07-01"),
        ("year", "2026", "2026-01-01", "2027-01-01"),
    ],
)
def test_a_period_has_a_name_that_names_it(every: str, name: str, first: str, after: str) -> None:
    period = period_named(Demand(every), name, ZONE)
    assert (period.since, period.until) == (at(first), at(after))
    assert period_at(Demand(every), period.since, ZONE) == period
    assert period_at(Demand(every), period.until - timedelta(seconds=1), ZONE) == period


@given(
    st.sampled_from(["month", "quarter", "half", "year"]),
    st.integers(978_307_200, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)
def test_every_moment_is_in_one_period_and_periods_follow_on_each_other(every: str, moment: datetime) -> None:
    period = period_at(Demand(every), moment, ZONE)
    assert period.since <= moment < period.until
    assert period_at(Demand(every), period.until, ZONE).since == period.until
    assert period_named(Demand(every), period.name, ZONE) == period


@pytest.mark.parametrize("name", ["2026-13", "2026-Q1", "26-01", "2026", "", "9999-12"])
def test_what_names_no_month_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no month"):
        period_named(MONTHLY, name, ZONE)


@pytest.mark.parametrize(
    "demand",
    [
        Demand("week"),
        Demand("0 days"),
        Demand("month", within="04-01"),
        Demand("year", within="02-30"),
        Demand("month", publish="soon"),
        Demand("month", audit=False),
    ],
)
def test_what_is_no_rhythm_is_refused(demand: Demand) -> None:
    with pytest.raises(ValueError, match=r"every|within|publish|neither|day"):
        check(demand)
