"""Frames of a drawn street, and a reader that counts what it is shown and finds the white plates in it."""

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from platestream.reading.change_detector import ChangeDetector, WatchRules, gray_blocks
from platestream.reading.geometry import Image
from platestream.schemas.reading import PlateRead

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
FRAME = timedelta(milliseconds=200)


class Counting:
    """Finds white rectangles; remembers the size of each picture it was given."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def __call__(self, image: Image) -> list[PlateRead]:
        self.sizes.append((image.shape[1], image.shape[0]))
        white = (image.min(axis=2) > 230).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(white)
        boxes = [tuple(int(v) for v in row[:4]) for row in stats[1:] if row[4] > 200]
        return [
            PlateRead("ABC123", 0.9, None, 0.0, (x, y, w, h), (), (0.9,) * 6) for x, y, w, h in sorted(boxes)
        ]


def street(*cars: tuple[int, int], noise: int = 0, light: int = 0) -> Image:
    """1920 x 1080, grey, with a dark car and its white plate at each place (top left of the car)."""
    image = np.full((1080, 1920, 3), 110 + light, np.int16)
    image[600:] = 70 + light
    for x, y in cars:
        image[y : y + 200, x : x + 300] = 30
        image[y + 120 : y + 160, x + 110 : x + 190] = 250
    if noise:
        image += np.random.default_rng(noise).normal(0, 6, image.shape).astype(np.int16)
    return np.asarray(np.clip(image, 0, 255), np.uint8)


def boxes(reads: list[PlateRead]) -> list[tuple[int, int, int, int]]:
    return sorted(read.box for read in reads)


@pytest.fixture
def reader() -> Counting:
    return Counting()


@pytest.fixture
def detector(reader: Counting) -> ChangeDetector:
    return ChangeDetector(reader)


def test_a_frame_that_only_differs_in_noise_is_not_read_again(
    detector: ChangeDetector, reader: Counting
) -> None:
    first = detector("a", START, street((400, 500), noise=1))
    second = detector("a", START + FRAME, street((400, 500), noise=2))
    assert len(reader.sizes) == 1
    assert boxes(second) == boxes(first)
    assert len(first) == 1


def test_a_cloud_over_all_of_it_is_no_change(detector: ChangeDetector, reader: Counting) -> None:
    detector("a", START, street())
    detector("a", START + FRAME, street(light=4))
    assert len(reader.sizes) == 1


def test_what_came_is_read_in_its_part_and_what_stood_still_stands(
    detector: ChangeDetector, reader: Counting
) -> None:
    detector("a", START, street((100, 500), noise=1))
    seen = detector("a", START + FRAME, street((100, 500), (1200, 600), noise=2))
    assert boxes(seen) == [(210, 620, 80, 40), (1310, 720, 80, 40)]
    assert reader.sizes[0] == (1920, 1080)
    width, height = reader.sizes[1]
    assert width * height < 0.2 * 1920 * 1080


def test_what_left_is_forgotten(detector: ChangeDetector) -> None:
    assert len(detector("a", START, street((100, 500), (1200, 600)))) == 2
    assert boxes(detector("a", START + FRAME, street((100, 500)))) == [(210, 620, 80, 40)]


def test_a_car_that_creeps_is_seen_once_it_has_moved_enough(detector: ChangeDetector) -> None:
    rules = WatchRules(check=timedelta(hours=1), whole=timedelta(hours=1))
    detector = ChangeDetector(Counting(), rules)
    for step in range(41):
        seen = detector("a", START + step * FRAME, street((400 + step, 500), noise=step + 1))
    (left, *_), *_ = boxes(seen)
    assert abs(left - 550) <= 16


def test_a_known_plate_at_the_edge_of_a_change_is_not_cut(detector: ChangeDetector) -> None:
    detector("a", START, street((100, 500), (1000, 500)))
    changed = street((100, 500), (1000, 500))
    changed[640:700, 310:360] = 160
    assert boxes(detector("a", START + FRAME, changed)) == [(210, 620, 80, 40), (1110, 620, 80, 40)]


def test_cameras_do_not_share_a_memory(detector: ChangeDetector, reader: Counting) -> None:
    detector("a", START, street((400, 500)))
    assert detector("b", START + FRAME, street()) == []
    assert len(reader.sizes) == 2


@pytest.mark.parametrize("after", [timedelta(seconds=-1), WatchRules().whole])
def test_after_a_pause_and_out_of_order_the_frame_is_read_whole(
    detector: ChangeDetector, reader: Counting, after: timedelta
) -> None:
    detector("a", START, street((400, 500)))
    detector("a", START + after, street((400, 500)))
    assert reader.sizes == [(1920, 1080)] * 2


def test_another_size_of_picture_is_read_whole(detector: ChangeDetector, reader: Counting) -> None:
    detector("a", START, street())
    detector("a", START + FRAME, street()[:700, :900])
    assert reader.sizes == [(1920, 1080), (900, 700)]


def test_a_silent_cameras_reads_do_not_stay_in_memory(detector: ChangeDetector) -> None:
    detector("a", START, street((400, 500)))
    detector("b", START + timedelta(seconds=11), street())
    assert detector._cameras["a"].tracks == []
    detector("b", START + timedelta(seconds=61), street())
    assert list(detector._cameras) == ["b"]


def test_a_street_without_plates_is_read_whole_once_a_minute(
    detector: ChangeDetector, reader: Counting
) -> None:
    for seconds in range(0, 121, 5):
        assert detector("a", START + timedelta(seconds=seconds), street(noise=seconds + 1)) == []
    assert reader.sizes == [(1920, 1080)] * 3


def test_a_vehicle_that_is_parked_is_read_every_ten_seconds_and_after_a_silence_and_the_street_is_not(
    detector: ChangeDetector, reader: Counting
) -> None:
    detector("a", START, street())
    for seconds in (1, 11, 21, 51):
        seen = detector("a", START + timedelta(seconds=seconds), street((400, 500)))
        assert boxes(seen) == [(510, 620, 80, 40)]
    assert len(reader.sizes) == 1 + 4
    assert all(width * height < 0.1 * 1920 * 1080 for width, height in reader.sizes[1:])


def test_a_failed_read_leaves_no_memory() -> None:
    def broken(image: Image) -> list[PlateRead]:
        raise ValueError("engine")

    detector = ChangeDetector(broken)
    for _ in range(2):
        with pytest.raises(ValueError, match="engine"):
            detector("a", START, street())


@pytest.mark.parametrize("size", [(1080, 1920), (720, 1280), (481, 641)])
def test_the_gray_value_of_a_block_is_the_mean_of_its_pixels(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).normal(0, 8, (*size, 3))
    image = np.clip(np.linspace(40, 220, size[1])[None, :, None] + noise, 0, 255).astype(np.uint8)
    direct = cv2.resize(
        cv2.cvtColor(image, cv2.COLOR_BGR2GRAY),
        (size[1] // 16, size[0] // 16),
        interpolation=cv2.INTER_AREA,
    )
    assert np.abs(gray_blocks(image, 16) - direct).max() < WatchRules().difference / 2
