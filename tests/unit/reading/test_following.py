"""Vehicles that drive through drawn frames: which pictures are read, and what each frame reports."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platestream.operators.consensus import LEAST_FRAMES, PassRules
from platestream.reading.change_detector import ChangeDetector, WatchRules
from platestream.reading.geometry import Box, Image
from platestream.schemas.reading import PlateRead

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
FRAME = timedelta(milliseconds=200)
WIDE, HIGH = 1280, 720
RULES = WatchRules(check=timedelta(hours=1), whole=timedelta(hours=1))


class Car(NamedTuple):
    """A dark car by its top left corner and size; the plate has this gray value, by which it is read."""

    x: int
    y: int
    plate: int = 250
    scale: float = 1.0

    @property
    def box(self) -> Box:
        scale = self.scale
        return self.x + int(75 * scale), self.y + int(90 * scale), int(60 * scale), int(24 * scale)


def street(*cars: Car) -> Image:
    image = np.full((HIGH, WIDE, 3), 110, np.uint8)
    image[400:] = 80
    for car in cars:
        image[car.y : car.y + int(140 * car.scale), car.x : car.x + int(210 * car.scale)] = 30
        x, y, width, height = car.box
        image[y : y + height, x : x + width] = car.plate
    return image


def find(image: Image) -> list[tuple[Box, int]]:
    """Return the plates in a picture with their gray values."""
    bright = (image[..., 0] > 180).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(bright)
    found = []
    for x, y, width, height, area in stats[1:].tolist():
        if area > 500:
            found.append(((x, y, width, height), int(image[y + height // 2, x + width // 2, 0])))
    return sorted(found)


class Reader:
    """Reads a plate's gray value as its text; counts the pixels of what it was given."""

    def __init__(self, confidence: float = 0.95) -> None:
        self.confidence, self.read_sizes = confidence, list[int]()
        self.located = 0

    def read(self, image: Image) -> list[PlateRead]:
        self.read_sizes.append(image.shape[0] * image.shape[1])
        return [
            PlateRead(f"GRAY{gray}", self.confidence, None, 0.0, box, (), ()) for box, gray in find(image)
        ]

    def locate(self, image: Image, longest: int) -> list[Box]:
        assert longest > 0
        self.located += 1
        return [box for box, _gray in find(image)]


class Watch:
    """A camera and its change detector; each frame is taken a fifth of a second after the one before."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.at = reader, START
        self.detector = ChangeDetector(reader.read, RULES, reader.locate)

    def see(self, *cars: Car, after: timedelta = FRAME) -> list[PlateRead]:
        self.at += after
        return self.detector("a", self.at, street(*cars))

    def reads(self) -> int:
        return len(self.reader.read_sizes)


@pytest.fixture
def watch() -> Watch:
    watch = Watch(Reader())
    assert watch.see() == []
    return watch


def boxes(reads: list[PlateRead]) -> list[Box]:
    return sorted(read.box for read in reads)


def drive(watch: Watch, frames: int, x: int = 100, step: int = 30) -> list[list[PlateRead]]:
    return [watch.see(Car(x + step * number, 450)) for number in range(frames)]


def test_a_plate_that_two_frames_read_alike_is_followed_and_not_read(watch: Watch) -> None:
    seen = drive(watch, 5)
    assert watch.reads() == 1 + 2
    assert [one.followed for (one,) in seen] == [False, False, True, True, True]
    assert [one.plate for (one,) in seen] == ["GRAY250"] * 5
    assert [boxes(one) for one in seen] == [[Car(100 + 30 * number, 450).box] for number in range(5)]


def test_the_second_read_is_of_the_surroundings_of_the_plate_alone(watch: Watch) -> None:
    drive(watch, 2)
    whole, first, second = watch.reader.read_sizes
    assert second < first < whole


@pytest.mark.parametrize(("x", "then"), [(100, 180), (1130, 1050)], ids=["fast", "in at the edge"])
def test_a_vehicle_is_read_in_the_surroundings_of_its_plate_however_it_comes(
    watch: Watch, x: int, then: int
) -> None:
    watch.see(Car(x, 450))
    watch.see(Car(then, 450))
    _, first, second = watch.reader.read_sizes
    assert second < first


def test_a_change_with_a_known_plate_is_searched_at_the_size_that_this_one_needs() -> None:
    reader, searched = Reader(), list[tuple[int, int]]()

    def closely(image: Image, longest: int, _known: PlateRead | None) -> list[PlateRead]:
        searched.append((image.shape[1], longest))
        return reader.read(image)

    detector = ChangeDetector(reader.read, RULES, reader.locate, closely)
    empty, entering, inside = street(), street(Car(-100, 250, scale=2.5)), street(Car(10, 250, scale=2.5))
    for number, image in enumerate((empty, entering, inside)):
        seen = detector("a", START + number * FRAME, image)
    assert [one.followed for one in seen] == [False]
    (_, first), (wide, second) = searched
    plate = seen[0].box[2]
    assert wide > 3.6 * plate  # more than the surroundings of the plate
    assert first == 0
    assert second / wide * plate == pytest.approx(80, abs=1)


def test_a_followed_plate_is_read_again_after_two_seconds(watch: Watch) -> None:
    seen = drive(watch, 14, step=20)
    assert [number for number, (one,) in enumerate(seen) if not one.followed] == [0, 1, 11]


def test_a_vehicle_that_stays_is_read_three_times_before_its_detection_is_due(watch: Watch) -> None:
    seen = drive(watch, 15, step=20)
    settled = [one for number, (one,) in enumerate(seen) if number * FRAME < PassRules().settled]
    assert sum(not one.followed for one in settled) >= LEAST_FRAMES


def test_a_vehicle_whose_plate_has_left_the_picture_is_not_read(watch: Watch) -> None:
    for x in (700, 800, 900, 1000, 1100):
        watch.see(Car(x, 450))
    reads = watch.reads()
    assert watch.see(Car(1200, 450)) == []
    assert watch.see() == []
    assert watch.reads() == reads


def test_the_rest_of_a_plate_that_leaves_faster_than_before_is_no_plate(watch: Watch) -> None:
    for x in (135, 70, 5):
        watch.see(Car(x, 450))
    assert watch.see(Car(-110, 450)) == []


def test_a_vehicle_behind_one_whose_plate_has_left_the_picture_is_read(watch: Watch) -> None:
    for x in (700, 800, 900, 1000, 1100):
        watch.see(Car(x, 450))
    (seen,) = watch.see(Car(1200, 450), Car(800, 450, plate=220))
    assert (seen.plate, seen.followed) == ("GRAY220", False)


def test_a_followed_plate_is_read_again_when_it_has_grown(watch: Watch) -> None:
    scales = (1.0, 1.1, 1.25, 1.45, 1.7)
    seen = [watch.see(Car(200, 300, scale=scale)) for scale in scales]
    assert [one.followed for (one,) in seen] == [False, False, True, True, False]


def test_a_plate_without_enough_confidence_is_read_in_each_frame() -> None:
    watch = Watch(Reader(confidence=0.8))
    watch.see()
    assert not any(one.followed for (one,) in drive(watch, 6))


def test_a_plate_that_frames_read_differently_is_read_in_each_frame(watch: Watch) -> None:
    seen = [watch.see(Car(100 + 20 * number, 450, plate=200 + 10 * (number % 2))) for number in range(6)]
    assert not any(one.followed for (one,) in seen)


def test_frames_far_apart_are_read(watch: Watch) -> None:
    seen = [watch.see(Car(100 + 30 * number, 450), after=timedelta(seconds=1)) for number in range(5)]
    assert not any(one.followed for (one,) in seen)


def test_a_vehicle_that_comes_elsewhere_is_read_at_once(watch: Watch) -> None:
    drive(watch, 3)
    seen = watch.see(Car(190, 450), Car(900, 200, plate=220))
    assert sorted((one.plate, one.followed) for one in seen) == [("GRAY220", False), ("GRAY250", True)]


def test_a_vehicle_that_comes_close_to_a_followed_one_is_read_at_once(watch: Watch) -> None:
    drive(watch, 3)
    seen = watch.see(Car(190, 450), Car(410, 430, plate=220))
    assert {one.plate for one in seen} == {"GRAY220", "GRAY250"}
    assert next(one for one in seen if one.plate == "GRAY220").followed is False


def test_a_plate_that_was_covered_beside_a_followed_one_is_read_within_a_second(watch: Watch) -> None:
    """Both vehicles are one change from the start, of which one plate was read."""
    for number in range(3):
        watch.see(Car(100 + 30 * number, 450), Car(320 + 30 * number, 430, plate=30))
    seen = [watch.see(Car(190 + 30 * n, 450), Car(410 + 30 * n, 430, plate=220)) for n in range(5)]
    assert any(one.plate == "GRAY220" for reads in seen for one in reads)


def test_another_vehicle_in_the_place_of_a_followed_one_is_another_plate(watch: Watch) -> None:
    """After a pause, as when a camera was away: nothing is known of what stands there then."""
    drive(watch, 3)
    (seen,) = watch.see(Car(190, 450, plate=200), after=timedelta(seconds=2))
    assert (seen.plate, seen.followed) == ("GRAY200", False)


def test_the_street_behind_a_vehicle_that_left_is_not_read(watch: Watch) -> None:
    drive(watch, 3)
    reads = watch.reads()
    assert watch.see() == []
    assert watch.reads() == reads


def test_a_vehicle_without_a_plate_leaves_a_street_that_is_not_read(watch: Watch) -> None:
    for number in range(4):
        assert watch.see(Car(100 + 60 * number, 450, plate=30)) == []
    reads = watch.reads()
    assert reads == 1 + 4
    assert watch.see() == []
    assert watch.reads() == reads


def test_a_followed_vehicle_that_stops_is_read_again_after_two_seconds(watch: Watch) -> None:
    drive(watch, 3)
    seen = [watch.see(Car(160, 450)) for _ in range(12)]
    assert sum(not one.followed for (one,) in seen) >= 1
    assert [boxes(one) for one in seen] == [[Car(160, 450).box]] * 12


STEPS = st.lists(st.tuples(st.integers(-35, 35), st.integers(-20, 20)), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(STEPS, STEPS, st.integers(0, 8))
def test_each_frame_reports_every_plate_where_it_is_however_vehicles_move(
    one: list[tuple[int, int]], other: list[tuple[int, int]], enters: int
) -> None:
    watch = Watch(Reader())
    watch.see()
    first, second = Car(300, 380), Car(850, 150, plate=220)
    for number in range(max(len(one), len(other))):
        cars = [first] if number < enters else [first, second]
        seen = watch.see(*cars)
        assert sorted((read.plate, read.box) for read in seen) == sorted(
            (f"GRAY{car.plate}", car.box) for car in cars
        )
        right, down = one[number % len(one)]
        first = first._replace(x=min(max(first.x + right, 0), 560), y=min(max(first.y + down, 330), 560))
        right, down = other[number % len(other)]
        second = second._replace(x=min(max(second.x + right, 800), 1060), y=min(max(second.y + down, 0), 170))
