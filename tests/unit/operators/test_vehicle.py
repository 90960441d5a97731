import cv2
import numpy as np
import pytest

from platestream.operators.vehicle import Colour, colour, describe
from platestream.reading.geometry import Image
from platestream.schemas.fields import Vehicle

PLATE = (600, 400, 120, 60)


def scene(body: tuple[int, int, int], light: float = 1.0) -> Image:
    """Sky, road and a vehicle of one colour (BGR) around the plate."""
    image = np.full((720, 1280, 3), (200, 160, 110), np.uint8)
    image[420:] = 60
    cv2.rectangle(image, (60, 300), (260, 420), (245, 245, 245), -1)
    cv2.rectangle(image, (300, 150), (1000, 560), body, -1)
    image[400:460, 600:720] = 230
    return np.asarray(image * light, np.uint8)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ((235, 235, 235), "white"), ((30, 28, 28), "black"), ((30, 30, 170), "red"), ((150, 60, 30), "blue"),
        ((60, 130, 50), "green"), ((40, 200, 230), "yellow"), ((130, 130, 130), "gray"),
    ],
)  # fmt: skip
def test_the_colour_around_the_plate_is_the_vehicles(body: tuple[int, int, int], name: str) -> None:
    seen = colour(scene(body), PLATE)
    assert seen is not None
    assert (seen.name, seen.confidence) == (name, 1.0)


def test_nothing_is_said_in_the_dark_or_without_colour_or_of_two_colours() -> None:
    grey = cv2.cvtColor(cv2.cvtColor(scene((30, 30, 170)), cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    two = scene((235, 235, 235))
    two[300:400, 660:] = (30, 30, 170)
    assert colour(scene((30, 30, 170), 0.15), PLATE) is None
    assert colour(np.asarray(grey, np.uint8), PLATE) is None
    assert colour(two, PLATE) is None


def test_a_plate_at_the_upper_edge_has_nothing_above_it() -> None:
    assert colour(scene((30, 30, 170)), (600, 0, 120, 60)) is None


def test_what_the_camera_told_stands() -> None:
    told = Vehicle(make="FORD", colour="tan")
    assert describe(told, Colour("white", 0.9)) == told
    filled = describe(Vehicle(make="FORD"), Colour("white", 0.9))
    assert (filled.make, filled.colour) == ("FORD", "white")
    assert filled.other == {"colour_from": "picture", "colour_confidence": "0.90"}
