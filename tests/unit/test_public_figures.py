"""The protection of small counts on the public page."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from platestream.reports.public_figures import (
    LEAST_COMPARED,
    SMALL,
    MonthCount,
    merge_small,
    protect_months,
    share,
)

MONTHS = st.lists(st.one_of(st.integers(0, 7), st.integers(0, 500)), min_size=12, max_size=12)


@given(MONTHS)
def test_no_month_shows_a_small_count_and_the_others_are_right(counts: list[int]) -> None:
    shown, whole = protect_months(counts)
    for one, count in zip(shown, counts, strict=True):
        assert one.count in (None, count)
        assert one.count is None or one.count == 0 or one.count >= SMALL
        assert one.few == (0 < count < SMALL)
    assert whole.count in (None, sum(counts))


@given(MONTHS)
def test_no_small_month_follows_from_the_sum(counts: list[int]) -> None:
    """Two different years, both possible by what is shown, differ in each month that is marked few."""
    shown, whole = protect_months(counts)
    few = [place for place, one in enumerate(shown) if one.few]
    if not few or whole.count is None:
        return
    free = [place for place, one in enumerate(shown) if one.count is None and not one.few]
    if free:  # a month of 5 or more is not shown, which takes up each difference
        return
    rest = whole.count - sum(one.count or 0 for one in shown)
    assert len(few) < rest < len(few) * (SMALL - 1), "neither all of one, nor all of four"


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.one_of(st.integers(0, 6), st.integers(0, 300))))
def test_no_row_of_a_table_is_small_and_the_sum_is_right(counts: dict[str, int]) -> None:
    shown = merge_small(counts)
    assert all(count >= SMALL for count in shown.values())
    assert sum(shown.values()) in (sum(counts.values()), 0)
    assert shown or sum(counts.values()) < SMALL
    assert {name for name in shown if name != "other"} <= {name for name, count in counts.items() if count}


def test_a_share_publishes_no_small_count_and_its_interval_holds_the_exact_one() -> None:
    for of, part in product((10, 23, 100, 271), range(272)):
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


def test_a_single_small_month_takes_another_with_it() -> None:
    shown, whole = protect_months([3, 40, 9, 0])
    assert shown == [MonthCount(few=True), MonthCount(40), MonthCount(), MonthCount(0)]
    assert whole == MonthCount(52)
    assert protect_months([3, 0])[1] == MonthCount(few=True)
    assert protect_months([4, 4])[1] == MonthCount()
