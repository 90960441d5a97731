"""The delay of a stream's frames: right where its clock is right, and none by any other clock."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.cameras.sources.stream_clock import DRIFT, STEADY_SECONDS, TRIAL_SECONDS, StreamClock

FPS = 15
QUIET = round(1.5 * TRIAL_SECONDS * FPS)
pauses = st.lists(st.floats(0, 2), min_size=1, max_size=200)
"""Seconds that the machine takes for each frame beyond what it takes to come."""


def delays(taken: Sequence[tuple[float, float]]) -> list[float]:
    """Return the delay of each frame by its position and the time at which it was taken."""
    clock = StreamClock()
    return [clock.delay(position, at) for position, at in taken]


def late(busy: Sequence[float], start: float = 1000.0, rate: float = 1.0) -> Iterator[tuple[float, float]]:
    """Frames that are taken at once in a quiet time, and then by a machine that is so busy with each.

    `rate` is the stream's seconds in a second.
    """
    free = start
    for number, one in enumerate([*[0.0] * QUIET, *busy]):
        free = max(free, start + number / FPS) + one
        yield rate * number / FPS, free


@given(pauses, st.floats(0, 1e9))
def test_a_late_machine_knows_when_frames_came(busy: list[float], start: float) -> None:
    taken = list(late(busy, start))
    for number, ((_position, at), waited) in enumerate(zip(taken, delays(taken), strict=True)):
        true = at - (start + number / FPS)
        forgotten = DRIFT * (at - start - (QUIET - 1) / FPS) + 1e-3
        assert waited <= true + 1e-3
        assert number < QUIET or waited >= true - forgotten


@given(st.floats(0.1, 1.5))
def test_a_clock_that_runs_wrong_delays_no_more_than_it_may_be_wrong_by(rate: float) -> None:
    taken = list(late([0.0] * 5 * QUIET, rate=rate))
    assert max(delays(taken)) <= STEADY_SECONDS


@given(st.lists(st.floats(0, 1e5), max_size=50), st.lists(st.floats(0, 1), min_size=50, max_size=50))
def test_by_a_clock_that_jumps_or_stands_frames_come_in_order_and_none_in_the_future(
    positions: list[float], steps: list[float]
) -> None:
    taken = list(zip(positions, accumulate(steps), strict=False))
    came = [at - waited for (_position, at), waited in zip(taken, delays(taken), strict=True)]
    assert came == sorted(came)
    assert all(one <= at for one, (_position, at) in zip(came, taken, strict=True))


@pytest.mark.parametrize("after", [0.0, -3600.0])
def test_a_clock_that_begins_again_is_tried_again(after: float) -> None:
    taken = list(late([1.0] * 20))
    _position, at = taken[-1]
    again = [(after, at + 1), (after + 1 / FPS, at + 20)]
    assert delays([*taken, *again])[-2:] == [0.0, 0.0]
    assert delays(taken)[-1] > 1


def test_a_late_machine_wants_no_more_frames_of_a_vehicle() -> None:
    """By the wall's clock it would want each frame once it takes a fifth of a second for one."""
    taken = list(late([0.2] * 300))
    shown = [at - waited for (_position, at), waited in zip(taken, delays(taken), strict=True)][QUIET:]
    assert all(0 <= after - before <= 1.5 / FPS for before, after in pairwise(shown))
    assert all(after - before > 0.19 for (_p, before), (_q, after) in pairwise(taken[QUIET:]))
