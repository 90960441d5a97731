from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.cameras.sender import BATCH
from platestream.operators.frame_outcomes import REMEMBERED_FRAMES, FrameOutcomes, Outcome
from platestream.operators.frame_reads import FrameReads
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.fields import Vehicle
from platestream.schemas.frame import frame_id
from tests.support.clock import NOW


def outcome(number: int) -> Outcome:
    """Frame `number` of a camera: every fourth is refused."""
    name = UUID(int=number)
    if number % 4:
        return FrameReads("cam", NOW, 34.5, -109.4, Vehicle(), (), name)
    headers = {"camera-id": "cam", "frame-id": str(name)}
    return DeadLetter(topic="frames", partition=0, offset=0, reason="engine", detail="", headers=headers)


def without_id(number: int) -> Outcome:
    return DeadLetter(topic="frames", partition=0, offset=number, reason="empty", detail="")


@given(
    st.lists(st.tuples(st.integers(1, BATCH), st.sampled_from(["sent", "killed", "flow restarted"]))),
)
def test_of_a_gateway_that_is_killed_anywhere_each_frame_has_one_outcome(
    rounds: list[tuple[int, str]],
) -> None:
    """A batch is sent; a gateway that was killed starts again with the very batch, or less of it."""
    step, sent = FrameOutcomes(None), 0
    found: list[Outcome] = []
    for size, what in rounds:
        batch = [outcome(number) for number in range(sent, sent + size)]
        found += step.on_batch(batch)[0]
        if what != "sent":
            step = FrameOutcomes(step.snapshot()) if what == "flow restarted" else step
            found += step.on_batch(batch[: size // 2 + 1])[0]
        sent += size
    assert found == [outcome(number) for number in range(sent)]


def test_what_came_twice_is_told() -> None:
    doubled: list[Outcome] = []
    FrameOutcomes(None, doubled.append).on_batch([outcome(1), outcome(4), outcome(1), outcome(4)])
    assert doubled == [outcome(1), outcome(4)]


def test_what_is_remembered_is_bounded_and_more_than_a_gateway_sends_again() -> None:
    step = FrameOutcomes(None)
    step.on_batch([outcome(number) for number in range(10 * REMEMBERED_FRAMES)])
    assert len(step.snapshot()) < 19 * REMEMBERED_FRAMES
    assert REMEMBERED_FRAMES > 4 * BATCH
    assert (
        step.on_batch([outcome(number) for number in range(9 * REMEMBERED_FRAMES, 10 * REMEMBERED_FRAMES)])[0]
        == []
    )


def test_frames_without_an_id_are_frames_of_their_own() -> None:
    letters = [without_id(number) for number in range(3)]
    found, forget = FrameOutcomes(None).on_batch([*letters, *letters])
    assert found == [*letters, *letters]
    assert forget, "whoever names a new camera in each frame fills no memory"


@pytest.mark.parametrize("other", [("yard", 0, b"a"), ("cam", 1, b"a"), ("cam", 0, b"b")])
def test_an_id_is_of_camera_time_and_picture(other: tuple[str, int, bytes]) -> None:
    camera, second, image = other
    assert frame_id("cam", NOW, b"a") == frame_id("cam", NOW, b"a")
    assert frame_id(camera, NOW.replace(microsecond=second), image) != frame_id(
        "cam", NOW.replace(microsecond=0), b"a"
    )
