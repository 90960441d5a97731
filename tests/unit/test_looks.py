"""When sources that wait look again: soon, and so that they end their epochs at one moment."""

import time
from datetime import UTC, datetime, timedelta

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.testing import TestingSink, run_main
from hypothesis import given
from hypothesis import strategies as st

from platestream.runtime.clock import EPOCH, LATE, POLL_INTERVAL, SHARED_INTERVAL, PollSchedule, ProcessPolls

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001


class Source:
    """A source as Bytewax drives it: the first look an epoch's length after its beginning ends the epoch."""

    def __init__(self, began: datetime) -> None:
        self.now = self.began = began
        self.process = ProcessPolls()
        self._looks = PollSchedule(lambda: self.now, self.process)

    def look(self) -> timedelta:
        """How long it slept before."""
        before, self.now = self.now, self._looks.next() or self.now
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
def test_no_source_sleeps_longer_than_an_epoch_and_a_look(began: datetime) -> None:
    source = Source(began)
    for _ in range(20):
        assert timedelta(0) < source.look() <= SHARED_INTERVAL
        if source.now - source.began >= EPOCH:
            source.end_epoch()


class Part:
    """A part of a source with so many batches, each of which takes the worker `takes`."""

    def __init__(self, worker: "Worker", batches: int, takes: timedelta) -> None:
        self.batches, self.takes, self._worker = batches, takes, worker
        self.began = self.due = worker.now
        self.epoch = 0
        self._looks = PollSchedule(lambda: worker.now, worker.process)

    def poll(self) -> timedelta:
        """Poll as Bytewax does: the batch, the next time, then the end of the epoch."""
        busy, now = self.batches > 0, self._worker.now
        self.batches -= busy
        self.due = self._looks.next(idle=not busy) or now
        if now - self.began >= EPOCH:
            self._looks.epoch_ended()
            self.began, self.epoch = now, self.epoch + 1
        return self.takes * busy


class Worker:
    """The worker of a flow: a part that has ended its epoch is polled again when all parts have."""

    def __init__(self, start: datetime, late: list[timedelta], batches: int, takes: timedelta) -> None:
        self.process = ProcessPolls()
        self.now, self.parts, self.polls = start, list[Part](), 0
        self.waited = self.spun = timedelta(0)
        for one in late:
            self.now = start + one
            self.parts.append(Part(self, 0, takes))
        self.parts[0].batches = batches
        self.now = start + max(late)
        for part in self.parts:
            part.due = self.now

    def work_off(self, stop: timedelta) -> None:
        """Run until all batches are read; the machine stands still for `stop` in the middle."""
        half, began = self.parts[0].batches / 2, self.now
        while self.parts[0].batches and self.now - began < timedelta(minutes=10):
            if self.parts[0].batches < half:
                self.now, half = self.now + stop, 0
            self.turn()

    def turn_until(self, end: datetime) -> None:
        """Run until `end`, and count from now."""
        self.spun, self.polls = timedelta(0), 0
        while self.now < end:
            self.turn()

    def turn(self) -> None:
        """Poll the parts that may be, or go on to the time of the next one."""
        oldest = min(one.epoch for one in self.parts)
        ready = [one for one in self.parts if one.epoch == oldest and one.due <= self.now]
        spent = sum((one.poll() for one in ready), timedelta(0))
        if not ready:
            following = min(one.due for one in self.parts if one.epoch == oldest)
            ahead = min((one.due for one in self.parts if one.epoch > oldest), default=following)
            self.spun += max(following - max(ahead, self.now), timedelta(0))
            self.waited += following - self.now
            self.now = following
        self.polls += len(ready)
        self.now += spent + timedelta(microseconds=100)


@given(MOMENTS, st.lists(st.timedeltas(timedelta(0), timedelta(seconds=3)), min_size=2, max_size=12))
def test_idle_sources_are_polled_once_an_epoch_and_none_spins_until_another_is(
    start: datetime, late: list[timedelta]
) -> None:
    worker = Worker(start, late, 0, timedelta(0))
    worker.turn_until(start + timedelta(seconds=6))
    worker.turn_until(worker.now + timedelta(minutes=1))
    assert worker.spun == timedelta(0)
    assert worker.polls <= len(late) * (timedelta(minutes=1) // SHARED_INTERVAL + 1)


class LogPart(Part):
    """A part that asks a database, which takes long, between the polls that all parts share."""

    def __init__(self, worker: "Worker", takes: timedelta) -> None:
        super().__init__(worker, 0, takes)
        self._asks = worker.now

    def poll(self) -> timedelta:
        """Poll as the inquiry log does: of its own times and the schedule's, the earlier one is next."""
        asks = self._asks <= self._worker.now
        self._worker.now += self.takes * asks
        if asks:
            self._asks = self._looks.for_long()
        spent = super().poll()
        self.due = min(self.due, self._asks)
        return spent


@given(
    MOMENTS,
    st.lists(st.timedeltas(timedelta(0), timedelta(seconds=3)), min_size=2, max_size=12),
    st.timedeltas(timedelta(milliseconds=5), timedelta(milliseconds=250)),
)
def test_a_source_that_asks_a_database_leaves_the_others_at_rest(
    start: datetime, late: list[timedelta], takes: timedelta
) -> None:
    worker = Worker(start, late, 0, timedelta(0))
    worker.parts.append(LogPart(worker, takes))
    worker.turn_until(start + timedelta(seconds=10))
    worker.turn_until(worker.now + timedelta(minutes=1))
    assert worker.spun == timedelta(0)
    assert worker.polls <= len(worker.parts) * (timedelta(minutes=1) // POLL_INTERVAL)


@given(
    MOMENTS,
    st.lists(st.timedeltas(timedelta(0), timedelta(seconds=3)), min_size=2, max_size=12),
    st.sampled_from([timedelta(milliseconds=1), timedelta(milliseconds=20), timedelta(milliseconds=150)]),
    st.timedeltas(timedelta(0), timedelta(seconds=5)),
)
def test_a_source_with_more_data_works_it_off_beside_idle_sources(
    start: datetime, late: list[timedelta], takes: timedelta, stop: timedelta
) -> None:
    batches = timedelta(seconds=30) // takes
    worker = Worker(start, late, batches, takes)
    worker.work_off(stop)
    assert worker.parts[0].batches == 0
    assert worker.waited < timedelta(seconds=15), "thirty seconds of work; one batch a second took hours"


@given(MOMENTS, st.timedeltas(2 * LATE, timedelta(hours=1)))
def test_the_poll_after_one_that_took_long_is_at_once(start: datetime, stop: timedelta) -> None:
    now = start
    schedule = PollSchedule(lambda: now, ProcessPolls())
    now = (schedule.next() or now) + stop
    assert schedule.next() is None
    assert now < (schedule.next() or now) <= now + SHARED_INTERVAL


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(minutes=2)))
def test_a_poll_that_may_take_long_is_far_from_those_that_end_epochs(now: datetime, after: timedelta) -> None:
    long = PollSchedule(lambda: now, ProcessPolls()).for_long(after)
    assert after <= long - now <= after + 1.5 * SHARED_INTERVAL
    other = Source(long)
    assert other.end_epoch() - long == 1.5 * SHARED_INTERVAL


class SlowOnce(StatefulSourcePartition[int, None]):
    """A part whose third poll takes four seconds; the times between its polls."""

    def __init__(self, pauses: list[float]) -> None:
        self._pauses, self._schedule = pauses, PollSchedule(process=ProcessPolls())
        self._ended = time.monotonic()

    def next_batch(self) -> list[int]:
        self._pauses.append(time.monotonic() - self._ended)
        if len(self._pauses) == 3:
            time.sleep(4)
        if len(self._pauses) == 5:
            raise StopIteration
        self._ended = time.monotonic()
        return []

    def next_awake(self) -> datetime | None:
        return self._schedule.next()

    def snapshot(self) -> None:
        self._schedule.epoch_ended()


class SlowOnceSource(FixedPartitionedSource[int, None]):
    def __init__(self) -> None:
        self.pauses = list[float]()

    def list_parts(self) -> list[str]:
        return ["one"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> SlowOnce:
        return SlowOnce(self.pauses)


def test_bytewax_does_not_sleep_as_long_again_after_a_poll_that_took_long() -> None:
    source, flow = SlowOnceSource(), Dataflow("slow")
    op.output("out", op.input("in", flow, source), TestingSink([]))
    run_main(flow)
    assert max(source.pauses) < 3, source.pauses
