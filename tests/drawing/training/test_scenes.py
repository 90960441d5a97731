from pathlib import Path

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.training import locate
from models.training.dice import Dice
from models.training.photographs import photographs
from models.training.scenes import SIDE, Scene, draw_scene
from models.training.signs import SAID, printed, sign_text
from models.training.targets import ACROSS, ALONG, EITHER, SERIAL, inner, target
from platestream.reading.geometry import Line
from platestream.reading.ocr import UNCLIP

seeds = st.integers(0, 2**32)


def test_the_same_seed_draws_the_same_scene() -> None:
    one, again, other = (draw_scene(Dice(seed), []) for seed in (11, 11, 12))
    assert np.array_equal(one.image, again.image)
    assert not np.array_equal(one.image, other.image)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_a_scene_knows_its_serials_and_their_middles_lie_in_it(seed: int) -> None:
    scene = draw_scene(Dice(seed), [])
    assert scene.image.shape == (SIDE, SIDE, 3)
    for corners in scene.serials:
        line = Line(corners)
        assert line.width > line.height
        assert all(-1 < middle < SIDE + 1 for middle in line.centre)


def test_two_of_three_scenes_hold_a_plate() -> None:
    dice = Dice(3)
    with_one = sum(bool(draw_scene(dice, []).serials) for _ in range(60))
    assert 28 < with_one < 54


@settings(max_examples=40, deadline=None)
@given(st.floats(20, 300), st.floats(6, 90))
def test_the_inner_part_grown_as_the_reader_grows_it_is_the_serial_with_its_margins(
    width: float, height: float
) -> None:
    if width < height:
        width, height = height, width
    serial = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    part, whole = Line(inner(serial)), Line(serial).grown(ACROSS, ALONG)
    grown = UNCLIP * part.width * part.height / (2 * (part.width + part.height))
    assert abs(part.height + 2 * grown - whole.height) < 0.02 * height + 0.01
    assert abs(part.width + 2 * grown - whole.width) < 0.02 * height + 0.01


def test_a_target_marks_the_serials_and_leaves_emblems_open() -> None:
    corners = np.array([(100, 100), (200, 100), (200, 120), (100, 120)], np.float32)
    emblem = corners - np.array([120, 0], np.float32)
    marked = target(Scene(np.zeros((SIDE, SIDE, 3), np.uint8), (corners,), (emblem,)))
    assert marked[110, 150] == SERIAL
    assert marked[110, 40] == EITHER
    assert marked[101, 150] == marked[300, 300] == 0


def test_what_signs_say_is_of_every_kind_and_is_ink() -> None:
    dice = Dice(5)
    for kind in SAID:
        assert printed("", kind(dice), 20).max() > 128
    assert len({sign_text(dice) for _ in range(50)}) > 30


def test_plates_and_manuals_are_left_out_and_a_wallpaper_comes_once(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (300, 2400, 3), dtype=np.uint8)
    for name in (
        "licenseplate_motion.jpg", "html/manual.jpg", "Path/contents/images/1x1.jpg",
        "Path/contents/images/2x2.jpg", "street.jpg",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / name), picture)
    cv2.imwrite(str(tmp_path / "icon.png"), picture[:100, :100])
    assert [image.shape for image in photographs(tmp_path)] == [(150, 1200, 3)] * 2


def test_a_sheet_of_scenes_is_written(tmp_path: Path) -> None:
    assert locate.main(["--look", str(tmp_path / "sheet.png")]) == 0
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    assert sheet.shape == (4 * SIDE, 6 * SIDE, 3)
