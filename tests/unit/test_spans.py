from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.schemas.spans import Span, instant_of, parse_span
from platestream.schemas.topics import SEVEN_YEARS

PHOENIX, NEW_YORK = ZoneInfo("America/Phoenix"), ZoneInfo("America/New_York")
BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
TIMES = st.integers(0, 100 * 366 * 24 * 60).map(lambda minutes: BEGIN + timedelta(minutes=minutes))
SPANS = st.builds(Span, st.integers(0, 60), st.sampled_from(["minute", "hour", "day", "month", "year"]))


def test_ten_years_end_on_the_same_day_of_the_calendar() -> None:
    held = datetime(2026, 11, 28, 9, 30, tzinfo=PHOENIX)
    ends = parse_span("10 years").after(held, PHOENIX)
    assert ends == datetime(2036, 11, 28, 9, 30, tzinfo=PHOENIX)
    assert ends - held == timedelta(days=3653)


@pytest.mark.parametrize(
    ("span", "begin", "end"),
    [
        ("1 year", "2024-02-29T12:00", "2025-02-28T12:00"),
        ("4 years", "2024-02-29T12:00", "2028-02-29T12:00"),
        ("6 months", "2026-08-31T00:00", "2027-02-28T00:00"),
        ("1 year", "2024-03-10T00:00", "2025-03-10T00:00"),
        ("30 days", "2026-03-01T00:00", "2026-03-31T01:00"),
    ],
)
def test_months_and_years_are_of_the_calendar_and_days_have_24_hours(span: str, begin: str, end: str) -> None:
    began, ends = (datetime.fromisoformat(text).replace(tzinfo=NEW_YORK) for text in (begin, end))
    assert parse_span(span).after(began, NEW_YORK) == ends


@given(TIMES, SPANS, st.sampled_from([PHOENIX, NEW_YORK]))
def test_a_span_back_from_its_end_is_at_most_a_short_months_days_off(
    at: datetime, span: Span, zone: ZoneInfo
) -> None:
    back = span.before(span.after(at, zone), zone)
    most = timedelta(days=3, hours=1) if span.unit in ("month", "year") else timedelta(0)
    assert abs(back - at) <= most
    assert span.after(at, zone) >= at


@pytest.mark.parametrize("text", ["", "30", "days", "30 weeks", "-1 days", "1.5 years"])
def test_other_texts_are_no_span(text: str) -> None:
    with pytest.raises(ValueError, match="such as '30 days'"):
        parse_span(text)


@given(TIMES)
def test_a_topic_of_seven_years_keeps_any_seven_years_of_the_calendar(at: datetime) -> None:
    assert parse_span("7 years").after(at, PHOENIX) <= at + SEVEN_YEARS


@given(TIMES, st.sampled_from([PHOENIX, NEW_YORK, ZoneInfo("Australia/Lord_Howe")]))
def test_a_time_read_from_the_clock_lies_within_the_search_from_it_until_it(
    at: datetime, zone: ZoneInfo
) -> None:
    typed = at.astimezone(zone).replace(tzinfo=None, fold=0)
    assert instant_of(typed, zone) <= at <= instant_of(typed, zone, last=True)


def test_the_hour_that_comes_twice_is_searched_whole() -> None:
    half_past_one = datetime(2026, 11, 1, 1, 30)  # noqa: DTZ001 - as typed
    # In UTC, as a time that comes twice equals none in another zone (PEP 495).
    assert instant_of(half_past_one, NEW_YORK).astimezone(UTC) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert instant_of(half_past_one, NEW_YORK, last=True).astimezone(UTC) == datetime(
        2026, 11, 1, 6, 30, tzinfo=UTC
    )
