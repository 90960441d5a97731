"""The protection of small counts on the public page."""

from collections import Counter
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from platestream.reports.public_figures import (
    LEAST_COMPARED,
    SMALL,
    MonthCount,
    merge_small,
    protect_months,
    round_table,
    share,
)

MONTHS = st.lists(st.one_of(st.integers(0, 7), st.integers(0, 500)), min_size=12, max_size=12)


@given(MONTHS)
def test_no_month_shows_a_small_count_and_the_others_are_right(counts: list[int]) -> None:
    shown, whole = protect_months(counts)
    for one, count in zip(shown, counts, strict=True):
        assert one.count == (None if 0 < count < SMALL else count)
        assert one.few == (0 < count < SMALL)
    assert whole.at_least == (whole.count is not None and whole.count != sum(counts))


@given(MONTHS, MONTHS)
def test_no_publication_tells_more_than_the_months_that_it_shows(counts: list[int], small: list[int]) -> None:
    """Whatever the counts of the months marked few were, every publication over them is the same."""
    pairs = zip(counts, small, strict=True)
    other = [1 + hidden % (SMALL - 1) if 0 < one < SMALL else one for one, hidden in pairs]
    for first in range(12):
        assert protect_months(counts[first:]) == protect_months(other[first:])


@given(st.integers(SMALL, 500), st.integers(1, 9))
def test_a_table_of_the_month_after_gives_no_count_away(count: int, more: int) -> None:
    before, after = (round_table({"stolen": one})["stolen"] for one in (count, count + more))
    assert before > 0
    assert after - before in (0, 10)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.one_of(st.integers(0, 6), st.integers(0, 300))))
def test_no_row_of_a_table_is_small_and_the_sum_is_right(counts: dict[str, int]) -> None:
    shown = merge_small(counts)
    assert all(count >= SMALL for count in shown.values())
    assert sum(shown.values()) in (sum(counts.values()), 0)
    assert shown or sum(counts.values()) < SMALL
    assert {name for name in shown if name != "other"} <= {name for name, count in counts.items() if count}


def test_a_share_publishes_no_small_count_and_its_interval_holds_the_exact_one() -> None:
    for of, part in product((20, 23, 100, 271), range(272)):
        if part > of:
            continue
        found = share(part, of)
        assert found is not None
        assert found.low <= round(part / of, 2) <= found.high
        assert bool(found.bound) == (0 < part < SMALL or 0 < of - part < SMALL)
        if found.bound:
            around = range(1, SMALL) if found.bound == "at most" else range(of - SMALL + 1, of)
            assert len({str(share(one, of)) for one in around if bool(share(one, of))}) == 1


def test_a_share_of_few_comparisons_is_not_published() -> None:
    assert share(LEAST_COMPARED - 1, LEAST_COMPARED - 1) is None
    assert share(0, LEAST_COMPARED) is not None


def test_a_sum_is_of_the_months_that_are_shown() -> None:
    shown, whole = protect_months([3, 40, 9, 0])
    assert shown == [MonthCount(few=True), MonthCount(40), MonthCount(9), MonthCount(0)]
    assert whole == MonthCount(49, at_least=True)
    assert protect_months([7, 40])[1] == MonthCount(47)
    assert protect_months([3, 0])[1] == MonthCount()
    assert protect_months([0, 0])[1] == MonthCount(0)


def test_a_share_could_be_of_several_counts_so_that_two_states_cannot_be_subtracted() -> None:
    could_be = Counter(share(part, of) for of in range(LEAST_COMPARED, 200) for part in range(of + 1))
    assert min(could_be.values()) > 1
