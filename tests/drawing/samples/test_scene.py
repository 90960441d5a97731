import cv2
import numpy as np
import pytest

from models.samples.plate_styles import STYLES
from models.samples.plates import HEIGHT, WIDTH, PlateLook, draw_plate
from models.samples.scene import Scene, draw_scene, draw_scene_with_plates
from models.samples.vehicles import Vehicle

TRUCK = Vehicle("pickup", "white", PlateLook("CKR4572"), 0.3, 10.0)


def _rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize("state", sorted(STYLES))
def test_each_state_has_a_plate_of_the_same_size_with_round_corners(state: str) -> None:
    plate = draw_plate(PlateLook("ABC123", state), _rng())
    assert plate.shape == (HEIGHT, WIDTH, 4)
    assert plate[0, 0, 3] == 0
    assert plate[HEIGHT // 2, WIDTH // 2, 3] == 255


def test_an_unknown_state_is_refused_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match="AZ, CA"):
        draw_plate(PlateLook("ABC123", "XX"), _rng())


def test_the_same_seed_draws_the_same_picture() -> None:
    scene = Scene(vehicles=(TRUCK,), rain=0.5)
    assert np.array_equal(draw_scene(scene, _rng()), draw_scene(scene, _rng()))


def test_a_picture_has_the_size_of_its_view_and_says_where_the_plate_is() -> None:
    picture, shown = draw_scene_with_plates(Scene(vehicles=(TRUCK,)), _rng())
    assert picture.shape == (720, 1280, 3)
    assert picture.dtype == np.uint8
    width = np.linalg.norm(shown[0].corners[1] - shown[0].corners[0])
    assert 85 < width < 100  # 0.305 m at 10 m, 3000 px focal length


def test_a_tilted_plate_leans() -> None:
    tilted = Vehicle("sedan", "red", PlateLook("ABC123"), 0.0, 10.0, plate_tilt=10)
    _, shown = draw_scene_with_plates(Scene(vehicles=(tilted,)), _rng())
    across = shown[0].corners[1] - shown[0].corners[0]
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(10, abs=1)


def test_night_is_darker_than_day_but_the_plate_stays_bright() -> None:
    day, _ = draw_scene_with_plates(Scene(vehicles=(TRUCK,)), _rng())
    night, shown = draw_scene_with_plates(Scene(vehicles=(TRUCK,), hour="night"), _rng())
    low, high = shown[0].corners.min(axis=0).astype(int), shown[0].corners.max(axis=0).astype(int)
    assert night.mean() < 0.5 * day.mean()
    assert night[low[1] : high[1], low[0] : high[0]].mean() > 2 * night.mean()


def test_motion_blur_takes_detail_from_the_plate() -> None:
    def detail(blur: float) -> float:
        picture, shown = draw_scene_with_plates(Scene(vehicles=(TRUCK,), blur=blur), _rng())
        low, high = shown[0].corners.min(axis=0).astype(int), shown[0].corners.max(axis=0).astype(int)
        return float(cv2.Laplacian(picture[low[1] : high[1], low[0] : high[0]], cv2.CV_64F).var())

    assert detail(9) < 0.5 * detail(0)


def test_a_vehicle_out_of_sight_is_left_out() -> None:
    away = Vehicle("sedan", "red", PlateLook("ABC123"), 40.0, 10.0)
    assert draw_scene_with_plates(Scene(vehicles=(away,)), _rng())[1] == []
