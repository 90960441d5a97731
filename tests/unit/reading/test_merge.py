from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.operators.merge_reads import Merged
from platestream.schemas.reading import PlateRead, Reading


def read(plate: str, confidence: float, *others: tuple[str, float]) -> PlateRead:
    alternatives = tuple(Reading(text, share) for text, share in others)
    return PlateRead(plate, confidence, None, 0.0, (0, 0, 1, 1), alternatives, ())


def combined(reads: Sequence[PlateRead]) -> list[Reading]:
    merged = Merged()
    for one in reads:
        merged.add(one)
    return merged.ranked()


def top(reads: Sequence[PlateRead]) -> Reading:
    return combined(reads)[0]


plates = st.text("ABC123", min_size=3, max_size=8)
spreads = st.lists(st.tuples(plates, st.floats(0.01, 1.0)), min_size=1, max_size=4, unique_by=lambda p: p[0])


@st.composite
def reads(draw: st.DrawFn) -> PlateRead:
    spread, none = draw(spreads), draw(st.floats(0.01, 1.0))
    total = sum(share for _, share in spread) + none
    ordered = sorted(((text, share / total) for text, share in spread), key=lambda pair: -pair[1])
    return read(*ordered[0], *ordered[1:])


def test_one_frame_is_told_as_it_was_read() -> None:
    said = combined([read("ABC1234", 0.6, ("A8C1234", 0.3))])
    assert [one.plate for one in said[:2]] == ["ABC1234", "A8C1234"]
    assert said[0].confidence == pytest.approx(0.6, abs=0.02)
    assert said[1].confidence == pytest.approx(0.3, abs=0.02)


def test_frames_that_agree_are_surer_than_one() -> None:
    assert top([read("ABC1234", 0.6)] * 5).confidence > 0.8


def test_mistakes_in_other_places_are_outvoted_place_by_place() -> None:
    frames = [read("A8C1234", 0.5), read("ABC1Z34", 0.5), read("ABC12E4", 0.5)]
    assert top(frames).plate == "ABC1234"


def test_one_bad_frame_does_not_outvote_good_ones() -> None:
    frames = [read("ABC1234", 0.8), read("XBC1234", 0.95), read("ABC1234", 0.8)]
    assert top(frames).plate == "ABC1234"


def test_nothing_read_is_nothing_said() -> None:
    assert Merged().ranked() == []


@given(st.lists(reads(), min_size=1, max_size=5), st.randoms())
def test_the_order_of_frames_does_not_matter(frames: list[PlateRead], random: object) -> None:
    shuffled = sorted(frames, key=lambda _: random.random())  # type: ignore[attr-defined]
    one, other = combined(frames), combined(shuffled)
    assert one[0].confidence == pytest.approx(other[0].confidence)


@given(st.lists(reads(), min_size=1, max_size=5))
def test_confidences_are_shares_of_one_best_first(frames: list[PlateRead]) -> None:
    said = [one.confidence for one in combined(frames)]
    assert all(0.0 <= share <= 1.0 for share in said)
    assert sum(said) <= 1.0 + 1e-9
    assert said == sorted(said, reverse=True)


@given(st.lists(reads(), min_size=1, max_size=4))
def test_a_frame_that_says_the_same_never_changes_the_answer(frames: list[PlateRead]) -> None:
    before = combined(frames)[:2]
    if len(before) == 2 and before[0].confidence - before[1].confidence < 1e-6:
        return
    assert top([*frames, read(before[0].plate, 0.9)]).plate == before[0].plate


@given(st.lists(reads(), min_size=1, max_size=4))
def test_the_sum_survives_the_recovery_store(frames: list[PlateRead]) -> None:
    merged = Merged()
    for frame in frames:
        merged.add(frame)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(merged), type=Merged)
    assert again.ranked() == merged.ranked()
