"""Angle of a plate by its letters, on drawn plates that are seen at known angles."""

import cv2
import numpy as np
import pytest

from models.samples.plates import HEIGHT, WIDTH, PlateLook, draw_plate
from platestream.cameras.advice import Pixels, advise
from platestream.cameras.plate_angle import measure_angle
from platestream.schemas.fields import Box

PLATES = (("CKR4572", "AZ"), ("ABC123", "AZ"), ("8XYZ123", "CA"), ("KLM7H21", "TX"))
SERIAL = (0.06, 0.27, 0.94, 0.73)
"""Left, top, right and bottom of the serial as shares of the plate."""


def posed(text: str, state: str, roll: float = 0, yaw: float = 0, wide: int = 160) -> tuple[Pixels, Box]:
    """A plate seen at degrees of roll (clockwise) and from the side, and the box of its serial."""
    turn, side = np.radians([roll, yaw])
    about = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])

    def place(x: float, y: float) -> tuple[float, float]:
        flat = np.array([(x - 0.5) * np.cos(side), (y - 0.5) / 2])
        far = 1 + (x - 0.5) * np.sin(side) / 20
        right, down = about @ flat / far * wide
        return float(right + 320), float(down + 180)

    ends = np.array([place(*one) for one in ((0, 0), (1, 0), (1, 1), (0, 1))], np.float32)
    flat = np.array([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)], np.float32)
    plate = draw_plate(PlateLook(text, state), np.random.default_rng(1))
    seen = cv2.warpPerspective(
        plate, cv2.getPerspectiveTransform(flat, ends), (640, 360), flags=cv2.INTER_AREA
    )
    share = seen[:, :, 3:] / 255
    picture = np.asarray(90 * (1 - share) + seen[:, :, :3] * share, np.uint8)
    left, top, right, bottom = SERIAL
    corners = [place(*one) for one in ((left, top), (right, top), (right, bottom), (left, bottom))]
    x, y, wide_box, high = cv2.boundingRect(np.array(corners, np.float32))
    return picture, Box(x, y, wide_box, high)


@pytest.mark.parametrize(("text", "state"), PLATES)
@pytest.mark.parametrize("roll", [-15, -8, 0, 4, 12])
def test_the_tilt_is_measured_within_four_degrees(text: str, state: str, roll: float) -> None:
    found = measure_angle(*posed(text, state, roll))
    assert found is not None
    assert found.tilt == pytest.approx(roll, abs=4)


@pytest.mark.parametrize(("text", "state"), PLATES)
def test_the_view_from_the_side_is_an_estimate(text: str, state: str) -> None:
    sides = []
    for yaw in (0, 50):
        found = measure_angle(*posed(text, state, yaw=yaw))
        assert found is not None
        sides.append(found.side)
    assert sides[0] <= 30
    assert sides[1] == pytest.approx(50, abs=16)


def test_the_advice_says_which_way_to_turn_and_what_is_estimated() -> None:
    def said(roll: float = 0, yaw: float = 0) -> str:
        picture, box = posed("CKR4572", "AZ", roll, yaw)
        return " ".join(one.text for one in advise(picture, [box]))

    assert "which is fine" in said()
    assert "seen from the side" not in said()
    assert "Turn the camera clockwise" in said(15)
    assert "Turn the camera counterclockwise" in said(-15)
    assert "seen from the side" in said(yaw=55)
    assert "estimated" in said(yaw=55)


def test_without_letters_there_is_no_angle() -> None:
    assert measure_angle(np.full((200, 300, 3), 120, np.uint8), Box(50, 50, 100, 40)) is None
    assert measure_angle(np.full((200, 300, 3), 120, np.uint8), Box(299, 199, 1, 1)) is None
