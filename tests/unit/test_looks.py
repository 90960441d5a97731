"""When sources that wait look again: soon, and so that they end their epochs at one moment."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from platestream.runtime.clock import EPOCH, POLL_INTERVAL, SHARED_INTERVAL, PollSchedule

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001


class Source:
    """A source as Bytewax drives it: the first look an epoch's length after its beginning ends the epoch."""

    def __init__(self, began: datetime) -> None:
        self.now = self.began = began
        self._looks = PollSchedule(lambda: self.now)

    def look(self) -> timedelta:
        """How long it slept before."""
        before, self.now = self.now, self._looks.next()
        return self.now - before

    def end_epoch(self) -> datetime:
        """When its epoch ended."""
        while self.now - self.began < EPOCH:
            self.look()
        self.began = self.now
        self._looks.epoch_ended()
        return self.now


@given(MOMENTS, st.lists(st.timedeltas(timedelta(0), timedelta(seconds=3)), min_size=2, max_size=8))
def test_sources_that_began_at_any_moment_end_their_second_epoch_together(
    start: datetime, late: list[timedelta]
) -> None:
    sources = [Source(start + one) for one in late]
    first = max(one.end_epoch() for one in sources)
    ends = set()
    for one in sources:
        while one.now < first:
            one.end_epoch()
        ends.add(one.now)
    assert ends == {first}


@given(MOMENTS)
def test_a_source_that_is_in_step_looks_at_each_moment_of_the_grid(began: datetime) -> None:
    source = Source(began)
    in_step = source.end_epoch()
    looks = [source.look() for _ in range(SHARED_INTERVAL // POLL_INTERVAL)]
    assert looks == [POLL_INTERVAL] * 7
    assert source.now - in_step == SHARED_INTERVAL


@given(MOMENTS)
def test_no_source_sleeps_longer_than_an_epoch_and_a_look(began: datetime) -> None:
    source = Source(began)
    for _ in range(20):
        assert timedelta(0) < source.look() <= SHARED_INTERVAL
        if source.now - source.began >= EPOCH:
            source.end_epoch()
