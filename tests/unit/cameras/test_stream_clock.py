"""The delay of a stream's frames: right where its clock is right, and none by any other clock."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.cameras.sources.stream_clock import (
    DRIFT,
    MOST_SECONDS,
    STEADY_SECONDS,
    TRIAL_SECONDS,
    WAIT_SECONDS,
    StreamClock,
)

FPS = 15
QUIET = round(1.5 * TRIAL_SECONDS * FPS)
pauses = st.lists(st.floats(0, 2), min_size=1, max_size=200)
"""Seconds for which the machine is busy with each frame."""


class Taken(NamedTuple):
    """A frame: its time by the stream, and when it was asked for and taken."""

    position: float
    asked_at: float
    at: float


def delays(taken: Sequence[Taken]) -> list[float]:
    clock = StreamClock()
    return [clock.delay(*one) for one in taken]


def late(busy: Sequence[float], start: float = 1000.0, rate: float = 1.0) -> Iterator[Taken]:
    """Frames that are taken at once in a quiet time, and then by a machine that is so busy with each.

    `rate` is the stream's seconds in a second.
    """
    free = start
    for number, one in enumerate([*[0.0] * QUIET, *busy]):
        asked, at = free, max(free, start + number / FPS)
        yield Taken(rate * number / FPS, asked, at)
        free = at + one


@given(pauses, st.floats(0, 1e9))
def test_a_late_machine_knows_when_frames_came(busy: list[float], start: float) -> None:
    taken = list(late(busy, start))
    for number, (one, waited) in enumerate(zip(taken, delays(taken), strict=True)):
        true = one.at - (start + number / FPS)
        if true > MOST_SECONDS:  # then the time at which a frame was taken counts
            return
        forgotten = DRIFT * (one.at - start - (QUIET - 1) / FPS) + 1e-3
        assert waited <= true + 1e-3
        assert number < QUIET or waited >= true - forgotten


@given(st.floats(0.1, 1.5))
def test_a_clock_that_runs_wrong_delays_no_more_than_it_may_be_wrong_by(rate: float) -> None:
    taken = list(late([0.0] * 5 * QUIET, rate=rate))
    assert max(delays(taken)) <= STEADY_SECONDS + 1e-6  # sums of floats


@given(st.floats(0.01, 0.9))
def test_a_camera_that_slows_its_clock_down_once_it_is_believed_moves_times_by_a_minute_at_most(
    rate: float,
) -> None:
    quiet = list(late([]))
    position, _asked, at = quiet[-1]
    slow = [Taken(position + rate * n / 5, at + (n - 1) / 5, at + n / 5) for n in range(1, 5000)]
    found = delays([*quiet, *slow])
    assert max(found) <= MOST_SECONDS + 1e-6
    assert found[-1] == 0.0


def test_a_camera_that_stood_still_with_its_clock_is_not_late_when_it_goes_on() -> None:
    """Some number their frames, and leave out those that they did not make."""
    quiet = list(late([]))
    position, _asked, at = quiet[-1]
    after = [
        Taken(position + n / FPS, at + (10 if n > 1 else 0) + (n - 1) / FPS, at + 10 + n / FPS)
        for n in range(1, 50)
    ]
    assert after[0].at - after[0].asked_at > WAIT_SECONDS
    assert max(delays([*quiet, *after])) < 1e-3


@given(st.lists(st.floats(0, 1e5), max_size=50), st.lists(st.floats(0, 1), min_size=50, max_size=50))
def test_by_a_clock_that_jumps_or_stands_frames_come_in_order_and_none_in_the_future(
    positions: list[float], steps: list[float]
) -> None:
    ends = list(accumulate(steps))
    taken = [
        Taken(position, at - step, at) for position, at, step in zip(positions, ends, steps, strict=False)
    ]
    came = [one.at - waited for one, waited in zip(taken, delays(taken), strict=True)]
    assert came == sorted(came)
    assert all(one <= frame.at for one, frame in zip(came, taken, strict=True))


@pytest.mark.parametrize("after", [0.0, -3600.0])
def test_a_clock_that_begins_again_is_tried_again(after: float) -> None:
    taken = list(late([1.0] * 20))
    at = taken[-1].at
    again = [Taken(after, at + 0.9, at + 1), Taken(after + 1 / FPS, at + 19.9, at + 20)]
    assert delays([*taken, *again])[-2:] == [0.0, 0.0]
    assert delays(taken)[-1] > 1


def test_a_late_machine_wants_no_more_frames_of_a_vehicle() -> None:
    """It takes a fifth of a second for each: five a second, of which two thirds are not due by the stream."""
    taken = list(late([0.2] * 300))
    shown = [one.at - waited for one, waited in zip(taken, delays(taken), strict=True)][QUIET:]
    assert all(0 <= after - before <= 1.5 / FPS for before, after in pairwise(shown))
    assert all(after.at - before.at > 0.19 for before, after in pairwise(taken[QUIET:]))
