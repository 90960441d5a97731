"""With the real network, on pictures drawn here. How well it describes photographs: `bench vehicles`."""

import cv2
import numpy as np
import pytest

from platestream.operators.vehicle import Look, vehicle_view
from platestream.reading import ocr
from platestream.reading.geometry import Image
from platestream.reading.vehicle import GIVEN, TYPES, VIEWS, VehicleModel
from platestream.reading.vehicle_color import COLORS, ColorModel, shows_color

PLATE = (600, 400, 120, 60)


@pytest.fixture(scope="module")
def model() -> VehicleModel:
    return VehicleModel()


def scene(body: tuple[int, int, int]) -> Image:
    """Sky, road and a vehicle of one color (BGR) around the plate."""
    image = np.full((720, 1280, 3), (200, 160, 110), np.uint8)
    image[420:] = 60
    cv2.rectangle(image, (300, 150), (1000, 560), body, -1)
    image[400:460, 600:720] = 230
    return image


def without_color(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)


def test_each_attribute_is_a_distribution_and_the_same_picture_has_the_same_one(model: VehicleModel) -> None:
    image = scene((30, 30, 170))
    first, again = model.shares([image]), model.shares([image])
    assert [len(one) for one in first] == [len(TYPES), len(VIEWS)]
    assert [round(float(one.sum()), 5) for one in (*first, ColorModel().shares(image))] == [1, 1, 1]
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))


def test_what_is_given_is_a_known_word_with_its_probability(model: VehicleModel) -> None:
    look = model([vehicle_view(scene((30, 30, 170)), PLATE)] * 2)
    assert look.body is None or look.body.word in GIVEN
    assert look.colour is None or look.colour.word in COLORS
    assert 0 <= look.front <= 1


def test_no_color_is_given_at_night_or_in_infrared(model: VehicleModel) -> None:
    red = scene((30, 30, 170))
    dark, gray = np.asarray(red * 0.15, np.uint8), without_color(red)
    cast = np.asarray(gray * np.array((1.0, 0.6, 1.0)), np.uint8)
    for image in (dark, gray, cast):
        assert model([vehicle_view(image, PLATE)]).colour is None
        assert not shows_color(image)
    assert shows_color(red)


@pytest.mark.parametrize("views", [[], [b""], [b"no picture"]])
def test_without_a_picture_nothing_is_said(model: VehicleModel, views: list[bytes]) -> None:
    assert model(views) == Look()


@pytest.mark.parametrize("name", [ocr.VEHICLE, ocr.VEHICLE_COLOR])
def test_a_changed_file_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    file, _digest = ocr.OWN[name]
    monkeypatch.setitem(ocr.OWN, name, (file, "0" * 64))
    with pytest.raises(ocr.ModelError, match=f"{file} has SHA-256"):
        VehicleModel()
