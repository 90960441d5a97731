"""Scenarios for the picture's health of a camera, on a drawn street or on photographs, and what was reported.

`python -m benchmarks.picture_health [PHOTOGRAPH…]` prints a line for each scenario.
"""

import copy
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.camera_scenes import (
    SIZE,
    Chance,
    Light,
    capped,
    clothed,
    defocused,
    drawn_street,
    rolled,
    scenario,
    sun_at,
    turned,
    with_headlights,
    with_rain,
    with_truck,
    with_web,
)
from platestream.cameras.capture import Pixels
from platestream.cameras.picture_health import PictureWatch, take_sample
from platestream.cameras.picture_states import FAULTS, PictureState

HOUR = 3600.0
DAY, NIGHT = 11 * HOUR, 23 * HOUR
LEARNED_HOURS, TRIED_HOURS = 0.3, 0.35
Change = Callable[[Pixels, float, Chance], Pixels]


@dataclass(frozen=True)
class Case:
    """A scenario: what changes the picture, and the faults of which one is expected; none: no fault."""

    faults: tuple[PictureState, ...]
    after: Change = lambda picture, _at, _chance: picture
    before: Callable[[Pixels, float], Pixels] = lambda picture, _at: picture
    begin: float = DAY
    infrared: bool = False
    hours: float = TRIED_HOURS


CASES = {
    "traffic by day": Case(()),
    "headlights at night": Case((), begin=NIGHT),
    "rain by day": Case((), lambda picture, _at, chance: with_rain(picture, chance)),
    "rain at night": Case((), lambda picture, _at, chance: with_rain(picture, chance), begin=NIGHT),
    "a parked truck": Case((), lambda picture, _at, _chance: with_truck(picture, 130, 0.5)),
    "a few threads of a web": Case((), lambda picture, _at, _chance: with_web(picture, 5, 6)),
    "a dense web": Case((), lambda picture, _at, _chance: with_web(picture, 5, 60)),
    "dusk, street lamps": Case((), begin=18.4 * HOUR, hours=1.4),
    "dusk, infrared": Case((), begin=18.4 * HOUR, hours=1.4, infrared=True),
    "dawn": Case((), begin=5.4 * HOUR, hours=1.4),
    "turned by 5 degrees": Case(("moved",), before=lambda picture, _at: turned(picture, 5)),
    "turned by 2 degrees": Case(("moved",), before=lambda picture, _at: turned(picture, 2)),
    "turned by 18 degrees": Case(("moved",), before=lambda picture, _at: turned(picture, 18)),
    "turned by 5 degrees at night": Case(
        ("moved",), before=lambda picture, _at: turned(picture, 5), begin=NIGHT
    ),
    "turned by 5 degrees, infrared": Case(
        ("moved",), before=lambda picture, _at: turned(picture, 5), begin=NIGHT, infrared=True
    ),
    "rolled by 5 degrees": Case(("moved",), before=lambda picture, _at: rolled(picture, 5)),
    "a lens cap by day": Case(("covered",), lambda picture, _at, chance: capped(picture, chance)),
    "a lens cap at night": Case(
        ("covered", "dark"), lambda picture, _at, chance: capped(picture, chance), begin=NIGHT
    ),
    "a cloth by day": Case(("covered",), lambda picture, _at, chance: clothed(picture, chance)),
    "a cloth at night": Case(
        ("covered", "dark"), lambda picture, _at, chance: clothed(picture, chance), begin=NIGHT
    ),
    "out of focus a little": Case(("blurred",), before=lambda picture, _at: defocused(picture, 2)),
    "out of focus": Case(("blurred",), before=lambda picture, _at: defocused(picture, 4)),
    "out of focus by far": Case(("blurred", "covered"), before=lambda picture, _at: defocused(picture, 12)),
}


def passing(picture: Pixels, at: float, chance: Chance) -> Pixels:
    """Return the picture with traffic: trucks in 4 of 10 pictures by day, headlights in 6 of 10 at night."""
    if sun_at(at) < 0.3:
        x = int(chance.integers(0, SIZE[0]))
        return with_headlights(picture, x) if chance.random() < 0.6 else picture
    if chance.random() < 0.4:
        return with_truck(picture, int(chance.integers(-150, SIZE[0])), float(chance.uniform(0.15, 0.5)))
    return picture


class Trial:
    """Trials on one street; the picture before the change is learned once for each light."""

    def __init__(self, street: Pixels, step: float = 20.0) -> None:
        self._street, self._step = street, step
        self._learned: dict[tuple[float, bool], PictureWatch] = {}

    def run(self, case: Case) -> list[tuple[float, PictureState]]:
        """Return the states of the picture, with the seconds after the change at which they were reported."""

        def light(at: float) -> Light:
            return Light(sun_at(at), infrared=case.infrared)

        key = (case.begin, case.infrared)
        if key not in self._learned:
            watch, begin = PictureWatch(), case.begin - LEARNED_HOURS * HOUR
            pictures = scenario(self._street, begin, LEARNED_HOURS, passing, light=light, step=self._step)
            list(_states(watch, pictures))
            self._learned[key] = watch
        pictures = scenario(
            self._street,
            case.begin,
            case.hours,
            lambda picture, at, chance: case.after(passing(picture, at, chance), at, chance),
            case.before,
            light,
            seed=2,
            step=self._step,
        )
        found = _states(copy.deepcopy(self._learned[key]), pictures)
        return [(at - case.begin, state) for at, state in found]


def _states(
    watch: PictureWatch, pictures: Iterator[tuple[float, Pixels]]
) -> Iterator[tuple[float, PictureState]]:
    for at, picture in pictures:
        if watch.take(take_sample(picture), at):
            yield at, watch.state


def is_right(case: Case, found: list[tuple[float, PictureState]]) -> bool:
    """Return whether an expected fault was reported and lasts, or none where none is expected."""
    faults = [state for _at, state in found if state in FAULTS]
    return bool(found) and found[-1][1] in case.faults if case.faults else not faults


def main() -> None:
    """Print for each scenario on how many streets it was right, what was reported, and after how long."""
    files = sys.argv[1:]
    streets = [np.asarray(cv2.resize(np.asarray(cv2.imread(file)), SIZE), np.uint8) for file in files]
    trials = [Trial(street) for street in streets or [drawn_street(seed) for seed in range(3)]]
    for name, case in CASES.items():
        results = [trial.run(case) for trial in trials]
        right = sum(is_right(case, found) for found in results)
        states = Counter(found[-1][1] if found else "no change" for found in results)
        seconds = sorted(found[0][0] for found in results if found and case.faults)
        after = f", after {seconds[0]:.0f} to {seconds[-1]:.0f} s" if seconds else ""
        said = ", ".join(f"{count} {state}" for state, count in states.most_common())
        sys.stdout.write(f"{name:32} {right} of {len(trials)} right: {said}{after}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
