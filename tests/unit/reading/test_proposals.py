from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from platestream.reading.detection_plan import Plan
from platestream.reading.geometry import Image
from platestream.reading.infrared import green_alone, sees_infrared
from platestream.reading.plate_reader import TwoPassReader
from platestream.reading.proposals import GUTTER, place_back, propose_bars, propose_lit, sheet
from tests.unit.reading.readings import Floats, ScriptedEngine

SERIAL = (300, 300, 96, 22)
"""Left, top, width and height of what `car` bears."""


def car(text: str = "4KYR003") -> Image:
    """The back of a car with lamps, a bumper and a plate, 480 x 640."""
    image = np.full((480, 640, 3), 140, np.uint8)
    cv2.rectangle(image, (120, 180), (560, 420), (90, 110, 70), -1)
    for x in (130, 480):
        cv2.rectangle(image, (x, 220), (x + 70, 290), (30, 30, 170), -1)
    cv2.rectangle(image, (110, 350), (570, 372), (60, 60, 60), -1)
    left, top, width, height = SERIAL
    cv2.rectangle(image, (left - 8, top - 14), (left + width + 8, top + height + 12), (225, 225, 225), -1)
    cv2.putText(image, text, (left, top + height - 2), cv2.FONT_HERSHEY_SIMPLEX, 0.72, (110, 60, 40), 2)
    return image


def test_the_likeliest_place_of_a_plate_is_its_serial() -> None:
    first, *_ = propose_bars(car(), 4)
    left, top, width, height = SERIAL
    assert abs(first.x - left - width / 2) < 0.25 * width
    assert abs(first.y - top - height / 2) < 0.5 * height


def test_proposals_are_no_more_than_asked_for_and_in_order() -> None:
    found = propose_bars(car(), 3)
    assert len(found) <= 3
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)


def night(plate: int = 225) -> Image:
    """The back of a car in the dark, 720 x 1280: round lamps, and a plate washed out by its own."""
    image = np.full((720, 1280, 3), (60, 20, 30), np.uint8)
    for x in (400, 700):
        cv2.circle(image, (x, 380), 26, (255, 210, 255), -1)
    cv2.rectangle(image, (520, 390), (590, 410), (plate, plate, plate), -1)
    return image


def test_a_plate_without_strokes_is_proposed_where_it_is_lit_in_the_dark() -> None:
    (bar,) = propose_lit(night(), 6)
    assert (bar.x, bar.y) == pytest.approx((555, 400), abs=2)
    assert (bar.width, bar.height) == pytest.approx((71, 17), abs=2)


def test_nothing_lit_is_proposed_by_day_or_where_all_is_dark() -> None:
    assert propose_lit(car(), 6) == []
    assert propose_lit(night(plate=30), 6) == []
    assert propose_lit(np.zeros((3, 900, 3), np.uint8), 6) == []


def test_a_cast_of_infrared_is_seen_and_no_cast_of_paint() -> None:
    purple = np.full((90, 160, 3), (140, 60, 150), np.uint8)
    assert sees_infrared(purple)
    assert sees_infrared(night())
    assert not sees_infrared(car())
    assert green_alone(purple).tolist() == np.full((90, 160, 3), 60).tolist()


@pytest.mark.parametrize("size", [(480, 640), (12, 20), (3, 900)])
def test_where_nothing_has_strokes_nothing_is_proposed(size: tuple[int, int]) -> None:
    assert propose_bars(np.full((*size, 3), 90, np.uint8), 6) == []


def test_a_line_on_a_sheet_is_put_back_where_it_was() -> None:
    found = propose_bars(car(), 3)
    _, tiles = sheet(car(), found, 22.0)
    for proposal, tile in zip(found, tiles, strict=True):
        middle = np.array((proposal.x - tile.left, proposal.y - tile.top)) * tile.scale + (tile.x, tile.y)
        box = np.array([[-20, -8], [20, -8], [20, 8], [-20, 8]]) + middle
        (line,) = place_back([box.astype(np.float32)], tiles)
        assert line.centre == pytest.approx((proposal.x, proposal.y), abs=0.01)
        assert line.width == pytest.approx(40 / tile.scale, abs=0.01)


@pytest.mark.parametrize("cut", ["left", "right", "over the gutter"])
def test_a_line_that_its_tile_cuts_is_none(cut: str) -> None:
    _, tiles = sheet(car(), propose_bars(car(), 2), 22.0)
    tile = tiles[0]
    beyond = tile.width + 2 * GUTTER
    ends = {"left": (0, 60), "right": (tile.width - 60, tile.width), "over the gutter": (60, beyond)}
    left, right = ends[cut]
    box = np.array([[left, 40], [right, 40], [right, 60], [left, 60]], np.float32)
    assert place_back([box], tiles) == []


def test_a_plate_whose_line_is_only_found_from_near_is_read() -> None:
    engine = ScriptedEngine([], ["4KYR003"], 0.99)

    def near(
        image: Image, longest: int, threshold: float = 0.6, careful: bool = False, serials: bool = False
    ) -> list[Floats]:
        engine.detected += 1
        if image.shape[:2] == (480, 640):
            return []
        first, tiles = propose_bars(car(), 1)[0], sheet(car(), propose_bars(car(), 1), 22.0)[1]
        x, y = (first.x - tiles[0].left) * tiles[0].scale, (first.y - tiles[0].top) * tiles[0].scale
        return [
            np.array([[x - 50, y - 11], [x + 50, y - 11], [x + 50, y + 11], [x - 50, y + 11]], np.float32)
        ]

    engine.detect = near  # type: ignore[method-assign]
    assert TwoPassReader(engine, "br").read(car())[0].plate == "4KYR003"
    assert engine.detected > 1


@pytest.mark.parametrize(
    ("longest", "looks"),
    [(120, ["tiny"]), (224, ["cut"]), (640, ["near"]), (896, ["near", "full"]), (1280, ["full"])],
)
def test_how_a_picture_is_looked_at_again_depends_on_its_size_and_shape(
    longest: int, looks: Sequence[str]
) -> None:
    image, plan = np.zeros((100, longest, 3), np.uint8), Plan()
    assert [name for name in ("tiny", "cut", "near", "full") if getattr(plan, name).is_for(image)] == looks
