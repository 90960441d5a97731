"""What somebody could find out of a search log that was published, with all that was published beside it."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.access import profiles
from platestream.access.profiles import load
from platestream.reports import law_reports, search_log
from platestream.reports.search_log import SEVERAL, Minimum, PersonSearches
from platestream.schemas.profile import ProfileError, parse

LEAST = Minimum(5, 3)
MONTHS = [date(2026, month, 1) for month in (7, 8, 9)]
CRIME = "vehicle used in a crime"
searched = st.builds(
    PersonSearches,
    month=st.sampled_from(MONTHS),
    agency=st.sampled_from(["this agency", "county", "city"]),
    purpose=st.sampled_from([CRIME, "parking facility", "none named"]),
    violation=st.sampled_from(["burglary", "homicide", "robbery", "none named"]),
    person=st.sampled_from(["smith", "jones", "brown", "green"]),
    searches=st.integers(1, 6),
)
logs = st.lists(searched, max_size=30)
few_months = st.lists(searched.map(lambda one: one._replace(month=MONTHS[0])), max_size=30)


@given(few_months)
def test_no_row_is_of_few_searches_or_few_people_and_none_can_be_had_from_the_total(
    asked: list[PersonSearches],
) -> None:
    result = search_log.rows(asked, LEAST)
    assert sum(row.searches for row in result) == sum(one.searches for one in asked)
    if len(result) > 1:  # a single row says what the total says
        assert min(row.searches for row in result) >= LEAST.searches
    for row in result:
        people = {one.person for one in asked if _may_be(one, row)}
        assert len(result) == 1 or len(people) >= LEAST.people


@given(logs)
def test_a_quarter_says_nothing_that_its_months_do_not_say(asked: list[PersonSearches]) -> None:
    """Else whoever takes the months from the quarter has what they left out."""
    months: Counter[tuple[str, str, str]] = Counter()
    for month in MONTHS:
        for row in search_log.rows([one for one in asked if one.month == month], LEAST):
            months[row.agency, row.purpose, row.violation] += row.searches
    quarter = search_log.rows(asked, LEAST)
    assert {(row.agency, row.purpose, row.violation): row.searches for row in quarter} == dict(months)


@given(logs)
def test_counts_by_one_column_say_no_more_than_the_rows(asked: list[PersonSearches]) -> None:
    """Else a row that was left out is the difference."""
    result = search_log.rows(asked, LEAST)
    for kind in ("agency", "purpose", "violation"):
        counts = search_log.by(kind, result)
        assert sum(counts.values()) == sum(row.searches for row in result)
        assert set(counts) <= {getattr(row, kind) for row in result}


@given(few_months, st.integers(1, 4))
def test_whose_the_single_searches_are_cannot_be_told(asked: list[PersonSearches], count: int) -> None:
    """One officer's only search of a kind: the log is the same, whatever of the rare kinds it was for."""
    lone = [one for one in asked if one.violation not in ("homicide", "robbery")]
    result = [
        search_log.rows(
            [*lone, PersonSearches(MONTHS[0], "this agency", CRIME, violation, "green", count)], LEAST
        )
        for violation in ("homicide", "robbery")
    ]
    assert result[0] == result[1]


@given(st.lists(st.tuples(*[st.text(max_size=8)] * 4, st.integers(1, 9)), max_size=12))
def test_nothing_that_a_person_wrote_gets_into_what_is_published(rows: list[tuple[Any, ...]]) -> None:
    profile = load("oregon")
    agencies = {"county": False, "own": True}
    asked = [(MONTHS[0], *(f"CANARY{text}" for text in row[:4]), row[4]) for row in rows]
    for least in (LEAST, None):
        result = search_log.rows(law_reports.named(asked, profile, agencies), least)
        assert b"CANARY" not in msgspec.json.encode(result)
        names = {name for row in result for name in (row.agency, row.purpose, row.violation)}
        assert names <= {law_reports.OTHER, SEVERAL}


def test_of_a_month_that_is_not_over_nothing_is_told_apart() -> None:
    asked = [PersonSearches(MONTHS[0], "county", CRIME, "burglary", who, 9) for who in ("a", "b", "c")]
    (row,) = search_log.rows(asked, search_log.NOTHING_APART)
    assert (row.agency, row.purpose, row.violation, row.searches) == (SEVERAL, SEVERAL, SEVERAL, 27)
    (row,) = search_log.rows(asked, LEAST)
    assert (row.agency, row.violation, row.searches) == ("county", "burglary", 27)


def test_reports_with_a_search_log_are_of_the_calendar() -> None:
    text = (Path(profiles.__file__).parent / "oregon.toml").read_text()
    with pytest.raises(ProfileError, match=r"rhythms\.monthly\.every: .* are of the calendar"):
        parse(text.replace('every = "month"', 'every = "30 days"'), "own.toml")


def _may_be(one: PersonSearches, row: search_log.SearchRow) -> bool:
    said = (row.agency, row.purpose, row.violation)
    return all(name in (SEVERAL, own) for name, own in zip(said, one[1:4], strict=True))
