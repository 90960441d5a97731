import cv2
import numpy as np
import pytest

from platestream.operators.vehicle import (
    VIEW_PIXELS,
    Attribute,
    Look,
    cut_square,
    describe,
    direction,
    unexamined,
    vehicle_view,
)
from platestream.schemas.fields import Vehicle, from_picture, is_source

PLATE = (600, 400, 120, 60)
SEEN = Look(Attribute("sedan", 0.912), Attribute("white", 0.9), front=0.02)


def test_the_view_is_a_square_around_the_plate_with_most_of_it_above() -> None:
    image = np.zeros((690, 1280, 3), np.uint8)
    image[:430, :660] = 255
    view = cut_square(image, PLATE)
    assert view.shape == (816, 816, 3)
    assert view[300, 10].tolist() == [255] * 3  # left of the plate, above it
    assert view[300, 800].tolist() == [0] * 3
    assert view[-1, 0].tolist() == [127] * 3  # below the picture


@pytest.mark.parametrize("plate", [(0, 0, 1, 1), (1270, 710, 9, 9), (-500, -500, 20, 10), (0, 0, 1280, 720)])
def test_any_plate_has_a_view_of_one_size(plate: tuple[int, int, int, int]) -> None:
    jpeg = vehicle_view(np.zeros((720, 1280, 3), np.uint8), plate)
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (VIEW_PIXELS, VIEW_PIXELS, 3)


def test_what_the_camera_reported_is_not_replaced() -> None:
    reported = Vehicle(make="FORD", colour="tan", body="SUV", other={"direction": "86°"})
    assert describe(reported, SEEN) == reported


def test_the_picture_fills_what_the_camera_left_open_with_source_and_confidence() -> None:
    filled = describe(Vehicle(make="FORD", colour="tan"), SEEN)
    assert (filled.make, filled.colour, filled.body) == ("FORD", "tan", "sedan")
    assert filled.other == {
        "body_from": "picture",
        "body_confidence": "0.91",
        "direction": "leaving",
        "direction_from": "picture",
        "direction_confidence": "0.98",
    }
    assert from_picture(filled.other) == "type 91 %, direction 98 %"
    assert [name for name in filled.other if not is_source(name)] == ["direction"]


def test_nothing_is_said_where_nothing_is_clear() -> None:
    assert describe(Vehicle(), unexamined([b"view"])) == Vehicle()
    assert from_picture({}) == ""


@pytest.mark.parametrize(
    ("front", "growth", "word"),
    [
        (0.5, 1.0, None), (0.9, 1.0, None), (0.98, 1.0, "approaching"), (0.02, 1.0, "leaving"),
        (0.5, 1.6, "approaching"), (0.5, 1 / 1.6, "leaving"), (0.5, 1.1, None),
        (0.85, 1.2, "approaching"), (0.99, 1 / 1.6, None), (0.01, 2.0, None), (0.5, 0.0, None),
    ],
)  # fmt: skip
def test_the_direction_is_by_the_end_that_is_seen_and_by_the_plates_growth(
    front: float, growth: float, word: str | None
) -> None:
    found = direction(front, growth)
    assert (found and found.word) == word
    assert found is None or 0.95 <= found.confidence < 1
