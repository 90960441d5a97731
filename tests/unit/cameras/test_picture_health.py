"""Faults of a camera's picture that are found, and weather, light and traffic that are no fault."""

import numpy as np
import pytest

from benchmarks.camera_scenes import Light, capped, drawn_street, lit, scenario, turned, with_truck
from benchmarks.picture_health import CASES, DAY, HOUR, Trial, is_right
from platestream.cameras.picture_health import (
    Memory,
    PictureWatch,
    Reference,
    take_sample,
)
from platestream.cameras.picture_states import FAULTS, PictureState


@pytest.fixture(scope="module")
def trial() -> Trial:
    return Trial(drawn_street(), step=60.0)


@pytest.mark.parametrize("name", CASES)
def test_faults_are_found_and_nothing_else_is_a_fault(trial: Trial, name: str) -> None:
    assert is_right(CASES[name], trial.run(CASES[name])), trial.run(CASES[name])


def good() -> PictureWatch:
    watch = PictureWatch()
    for at, picture in scenario(drawn_street(), DAY, 0.1):
        watch.take(take_sample(picture), at)
    assert watch.state == "good"
    return watch


def states(watch: PictureWatch, *pictures: object, at: float = DAY + HOUR) -> list[PictureState]:
    found = []
    for number, picture in enumerate(pictures):
        assert isinstance(picture, np.ndarray)
        watch.take(take_sample(picture), at + 20 * number)
        found.append(watch.state)
    return found


def test_one_odd_picture_and_a_minute_of_them_are_no_fault() -> None:
    black, street = np.zeros((360, 640, 3), np.uint8), drawn_street()
    watch = good()
    assert set(states(watch, *[black] * 3, *[street] * 9, black, *[street] * 9)) == {"good"}


def test_a_bus_that_stops_in_front_of_the_camera_for_three_minutes_is_no_fault() -> None:
    street, watch = drawn_street(), good()
    bus = with_truck(street, -40, 1.1)
    assert set(states(watch, *[bus] * 9, *[street] * 12)) == {"good"}


def test_a_camera_that_turns_slowly_is_found_by_its_first_picture() -> None:
    street, watch = drawn_street(), good()
    found = states(watch, *[turned(street, 0.03 * step) for step in range(200)])
    assert found[-1] == "moved"


def test_a_fault_ends_with_good_pictures_only() -> None:
    street, watch = drawn_street(), good()
    found = states(watch, *[turned(street, 5)] * 17, *[street] * 3, *[turned(street, 5)] * 6)
    assert found[-1] == "moved"
    assert found.count("good") < 17
    assert states(watch, *[street] * 9, at=DAY + 2 * HOUR)[-1] == "good"


def test_what_is_masked_is_not_judged() -> None:
    street, visible = drawn_street(), np.full((360, 640), 255, np.uint8)
    visible[:, :320] = 0
    watch = PictureWatch()
    other = street.copy()
    other[:, :320] = np.random.default_rng(1).integers(0, 255, (360, 320, 3))
    for number, picture in enumerate([street] * 20 + [other] * 20):
        watch.take(take_sample(picture, visible), DAY + 20 * number)
    assert watch.state == "good"


def test_a_night_without_light_is_no_fault_but_one_that_is_usually_lit_is() -> None:
    chance = np.random.default_rng(1)
    black = capped(drawn_street(), chance)
    dim = lit(drawn_street(), Light(0.02, lamps=False), chance)
    night = 23 * HOUR
    for hours, expected in (({}, "good"), (dict.fromkeys(range(24), (90.0, 5, 4)), "dark")):
        memory = Memory(height=180, state="good", hours=hours)
        memory.references["c3"] = Reference(take_sample(drawn_street()).gray.tobytes(), b"", (0.5, 0.5), 20)
        memory.references["c3"].first = memory.references["c3"].current
        watch = PictureWatch(memory)
        fading = [np.asarray(dim * (1 - step / 30), np.uint8) for step in range(30)]
        states(watch, *fading, at=night)
        assert states(watch, *[black] * 20, at=night + 1200)[-1] == expected


def test_another_size_of_the_picture_is_learned_again() -> None:
    watch, square = good(), np.asarray(drawn_street()[:, :360])
    assert states(watch, square)[-1] == "learning"
    assert states(watch, *[square] * 12)[-1] == "good"


@pytest.mark.parametrize("state", FAULTS)
def test_every_fault_has_words(state: PictureState) -> None:
    from platestream.cameras.health import PICTURES

    assert PICTURES[state]
