from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import frames, plateless, read
from benchmarks.read import Photo
from platestream.schemas.reading import PlateRead, Reading


def photo(plate: str, stem: str = "a", state: str | None = None) -> Photo:
    return Photo(Path(f"{stem}.jpg"), "us", plate, state, None)


def said(plate: str, *others: str, state: str | None = None) -> list[PlateRead]:
    return [PlateRead(plate, 0.9, state, 0.9, (0, 0, 1, 1), tuple(Reading(o, 0.1) for o in others), ())]


def test_labels_of_whole_photographs_and_of_crops_are_both_read(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,region,x,y,width,height,plate\nu/1.jpg,br,1,2,3.6,4,ABC1234\n")
    (found,) = read.labelled(tmp_path)
    assert (found.region, found.plate, found.box) == ("br", "ABC1234", (1, 2, 4, 4))
    (tmp_path / "labels.csv").write_text("file,state,plate\nu/2.png,AZ,AST3087\n")
    (found,) = read.labelled(tmp_path)
    assert (found.region, found.state, found.box) == ("us", "AZ", None)


def test_exact_folded_corrected_and_top_five_are_told_apart() -> None:
    results = [
        (photo("AB0123"), said("ABO123"), "AB0123"),
        (photo("59E21P1", "wts-lg-000159"), said("59321P1"), ""),
        (photo("XYZ999"), said("XYZ998", "XYZ999"), ""),
        (photo("NONE12"), [], ""),
    ]
    figures = read.figures(results)
    assert figures["exact"] == 0.0
    assert figures["folded"] == 0.25
    assert figures["folded_corrected"] == 0.5
    assert figures["top5_folded_corrected"] == 0.75
    assert figures["paddleocr_exact"] == 0.25


def test_a_serial_without_its_small_letters_is_counted_apart() -> None:
    whole = PlateRead("CL34230", 0.9, None, 0.0, (0, 0, 1, 1), (), (), ("CL", ""))
    figures = read.figures([(photo("34230"), [whole], ""), (photo("CL34230"), [whole], "")])
    assert (figures["exact"], figures["folded"], figures["serial_folded"]) == (0.5, 0.5, 1.0)
    assert read.figures([(photo("CL34230"), said("34230"), "")])["serial_folded"] == 0.0


def test_states_count_only_where_they_are_labelled() -> None:
    figures = read.figures([(photo("AST3087", state="AZ"), said("AST3087", state="AZ"), "")])
    assert (figures["state_given"], figures["state_right_when_given"], figures["arizona_exact"]) == (1, 1, 1)
    assert "state_given" not in read.figures([(photo("AST3087"), said("AST3087"), "")])


def test_calibration_holds_what_was_said_against_what_was_right() -> None:
    (band,) = read.calibration([(0.92, True), (0.94, False)])
    assert (band["reads"], band["said"], band["right"]) == (2, 0.93, 0.5)


def test_plateless_pictures_are_the_same_each_time() -> None:
    one, other = (next(plateless.drawn(1)) for _ in range(2))
    assert one.shape == (720, 1280, 3)
    assert np.array_equal(one, other)


@pytest.mark.parametrize("plate", [(10, 10, 60, 30), (500, 300, 60, 30), (0, 380, 640, 100)])
def test_a_background_part_does_not_touch_the_plate(plate: tuple[int, int, int, int]) -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    x, y, w, h = plate
    image[y : y + h, x : x + w] = 255
    assert not plateless.background(image, plate).any()


def test_paddleocrs_plate_is_its_largest_line_with_a_digit() -> None:
    square = [[0, 0], [10, 0], [10, 5], [0, 5]]
    big = [[0, 0], [100, 0], [100, 5], [0, 5]]
    page = {"rec_texts": ["AB-123", "TOYOTA"], "rec_polys": [square, big]}
    assert read.largest_line([page]) == "AB123"


def test_the_calibration_is_drawn_without_scripts() -> None:
    svg = read.drawn_calibration(read.calibration([(0.95, True), (0.92, False), (0.4, False)]))
    assert svg.startswith("<svg")
    assert "measured" in svg
    assert "<script" not in svg


def test_a_sheet_of_the_misses_is_written(tmp_path: Path) -> None:
    picture = np.full((90, 160, 3), 120, np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    photo = Photo(tmp_path / "a.png", "us", "ABC123", None, (40, 30, 60, 20))
    tile = read._miss(photo, [])
    assert tile.picture.shape == (60, 120, 3)
    assert tile.lines == ["ABC123 read as nothing", "a.png"]


def test_a_disturbed_picture_keeps_its_size_and_differs_every_time() -> None:
    image = np.random.default_rng(1).integers(0, 255, (120, 200, 3)).astype(np.uint8)
    first, second = frames.disturbed(image, 2, seed=3)
    again, _ = frames.disturbed(image, 2, seed=3)
    assert first.shape == image.shape
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("truth", "result", "kind"),
    [
        ("ABC123", "", "nothing read"),
        ("ABC123", "PENSKE9", "another text"),
        ("ABC123", "A8C123", "look-alike"),
        ("ABC123", "4ABC123", "too many in front"),
        ("ABC123", "ABC1237", "too many behind"),
        ("ABC123", "ABC4123", "too many inside"),
        ("ABC123", "BC123", "too few in front"),
        ("ABC123", "ABC12", "too few behind"),
        ("ABC123", "AB123", "too few inside"),
    ],
)
def test_a_miss_is_named_by_what_went_wrong(truth: str, result: str, kind: str) -> None:
    assert read.failure(truth, result) == kind
