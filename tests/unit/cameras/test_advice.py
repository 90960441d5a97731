import cv2
import numpy as np
import pytest

from platestream.cameras.advice import Pixels, advise, draw_boxes
from platestream.schemas.fields import Box


def scene(height: int, light: int = 128) -> tuple[Pixels, Box]:
    """A gray picture with a serial of this height in pixels."""
    picture = np.full((720, 1280, 3), light, np.uint8)
    box = Box(500, 400, round(height * 2.9), height)
    cv2.rectangle(picture, (490, 390), (510 + box.width, 410 + height), (240, 240, 240), -1)
    cv2.putText(
        picture, "CKR4572", (500, 400 + height), cv2.FONT_HERSHEY_SIMPLEX, height / 22, (20, 20, 20), 2
    )
    return picture, box


def said(picture: Pixels, *boxes: Box) -> str:
    return " ".join(one.text for one in advise(picture, boxes))


def test_a_large_sharp_plate_in_daylight_needs_nothing() -> None:
    picture, box = scene(40)
    assert all(one.good for one in advise(picture, [box]))


@pytest.mark.parametrize(
    ("height", "words"), [(18, "reading needs 73"), (30, "its state is read from 109 on")]
)
def test_small_plates_are_told_by_their_width(height: int, words: str) -> None:
    picture, box = scene(height)
    assert words in said(picture, box)


@pytest.mark.parametrize(("light", "words"), [(10, "is dark"), (250, "is overexposed")])
def test_exposure(light: int, words: str) -> None:
    assert words in said(scene(40, light)[0])


def test_focus_and_motion_are_told_apart() -> None:
    picture, box = scene(40)
    assert "out of focus" in said(np.asarray(cv2.GaussianBlur(picture, (0, 0), 9), np.uint8), box)
    moved = cv2.filter2D(picture, -1, np.full((1, 45), 1 / 45))
    assert "blurred by motion" in said(np.asarray(moved, np.uint8), box)


def test_without_a_plate_the_needed_width_is_named() -> None:
    assert "109 pixels wide" in said(scene(40)[0])


def test_the_box_is_drawn() -> None:
    picture, box = scene(40)
    drawn = cv2.imdecode(np.frombuffer(draw_boxes(picture, [box]), np.uint8), cv2.IMREAD_COLOR)
    assert drawn is not None
    assert np.abs(drawn.astype(int) - picture).sum() > 0
