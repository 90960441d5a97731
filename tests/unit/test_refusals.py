"""However many sign-ins are refused, the rows are few, and the counts in them are complete."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from platestream.access.refusals import MOST, OTHERS, SEVERAL, WINDOW, Refusals
from platestream.schemas.sign_in_event import SignInEvent, read

START = datetime(2026, 11, 28, 12, tzinfo=UTC)


def refused(after: float = 0, who: str = "vale", **fields: Any) -> SignInEvent:
    at = START + timedelta(seconds=after)
    return SignInEvent(kind="refused", at=at, who=who, way="password", why="wrong", **fields)


tries = st.lists(
    st.tuples(
        st.floats(0, 90),
        st.integers(0, MOST + 15).map(lambda number: f"person-{number}"),
        st.sampled_from(["", "1a2b", "3c4d"]),
    ),
    max_size=300,
)


@given(tries)
def test_each_refusal_is_counted_once_and_a_minute_has_few_rows(some: list[tuple[float, str, str]]) -> None:
    counts, rows, after = Refusals(), [], 0.0
    for wait, who, browser in some:
        after += wait if wait > 60 else wait / 30
        rows += [(after, one) for one in counts.add(refused(after, who, browser=browser))]
    after += 60
    rows += [(after, one) for one in counts.due(START + timedelta(seconds=after))]
    assert sum(one.times for _at, one in rows) == len(some)
    for begin, _one in rows:
        within = [one for at, one in rows if begin <= at < begin + WINDOW.total_seconds()]
        assert len(within) <= 2 * (2 * MOST + 1)
    named = Counter(who for _wait, who, _browser in some)
    written = Counter[str]()
    for _at, one in rows:
        written[one.who] += one.times
    assert all(written[who] <= named[who] for who in written if who), "nobody gets those of another"


@given(tries)
def test_what_follows_a_minute_of_silence_is_a_row_at_once(some: list[tuple[float, str, str]]) -> None:
    counts = Refusals()
    for _wait, who, browser in some:
        counts.add(refused(0, who, browser=browser))
    counts.due(START + WINDOW)
    counts.due(START + 2 * WINDOW)
    later = refused(180)
    assert counts.add(later) == [later]


def test_the_first_is_a_row_and_the_others_of_a_minute_are_one() -> None:
    counts = Refusals()
    assert counts.add(refused()) == [refused()]
    assert [counts.add(refused(1, address="10.0.0.1")), counts.add(refused(2, address="10.0.0.2"))] == [
        [],
        [],
    ]
    (row,) = counts.due(START + WINDOW)
    assert (row.who, row.times, row.why, row.address) == ("vale", 2, "wrong", "")
    assert counts.due(START + 2 * WINDOW) == []


def test_different_reasons_are_several_and_too_many_people_are_others() -> None:
    counts = Refusals()
    counts.add(refused())
    counts.add(refused(1))
    counts.add(SignInEvent(kind="refused", at=START, who="vale", way="link", why="used"))
    for number in range(MOST + 4):
        counts.add(refused(2, f"person-{number}"))
    rows = {one.why: one for one in counts.due(START + 2 * WINDOW)}
    assert (rows[SEVERAL].who, rows[SEVERAL].times, rows[SEVERAL].way) == ("vale", 2, "")
    assert (rows[OTHERS].who, rows[OTHERS].times) == ("", 5)


@given(
    st.builds(
        SignInEvent,
        kind=st.sampled_from(["signed_in", "refused", "ended", "forgotten", "started"]),
        at=st.datetimes(timezones=st.just(UTC), min_value=datetime(2026, 1, 1)),  # noqa: DTZ001 - naive bound
        who=st.text(max_size=64),
        why=st.text(max_size=64),
        times=st.integers(1, 10_000),
    )
)
def test_an_event_is_read_as_it_was_written(event: SignInEvent) -> None:
    assert read(event.text) == event
    assert len(event.about) <= 64


def test_any_other_text_is_no_event() -> None:
    assert read("") is None
    assert read('{"kind": "else"}') is None
