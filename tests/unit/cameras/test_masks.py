"""Masks: areas of a camera's picture that are black before anything compares, shows, stores or reads it."""

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from platestream.cameras import config, live_picture
from platestream.cameras.blackout import Blackout
from platestream.cameras.capture import Capture, Pixels
from platestream.cameras.intake import Intake
from platestream.cameras.masks import Shape, bounds_of, check_shape, format_shapes, parse_shapes
from platestream.cameras.spool import Spool
from platestream.cameras.state import CameraState
from platestream.operators.decode import Bounds
from platestream.reading.factory import PlateReader
from platestream.schemas.message import RefusedError
from tests.support.flows import plate_picture

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
PLACE = "latitude = 34.5\nlongitude = -109.4\n"
percents = st.integers(0, 100).map(float)


def camera(folder: Path, more: str, kind: str = 'kind = "video"\npath = "x.mp4"') -> config.Camera:
    file = folder / "cameras.toml"
    file.write_text(f"[cameras.north]\n{kind}\n{PLACE}{more}\n")
    return config.load(file).cameras["north"]


def stored(folder: Path, one: config.Camera, *captures: Capture) -> list[Pixels]:
    """Return the pictures that the spool has of these captures."""
    spool = Spool(folder / "spool", 100_000_000)
    states = {"north": CameraState("north", one.kind, 20, NOW)}
    intake = Intake("north", one, Bounds(), spool, states, live_picture.Live(spool.folder))
    for number, capture in enumerate(captures):
        intake.take(capture, float(number))
    found = [message.message.value or b"" for message in spool.take(100)]
    spool.close()
    return [np.asarray(cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR)) for one in found]


def encoded(pixels: Pixels, suffix: str) -> bytes:
    done, data = cv2.imencode(suffix, pixels)
    assert done
    return bytes(data.tobytes())


def two_plates() -> Pixels:
    """A street of 1280 x 720 with ABC1234 at the left and XKR5678 at the right."""
    picture = np.full((720, 1280, 3), 110, np.uint8)
    for plate, left in (("ABC1234", 100), ("XKR5678", 760)):
        one = cv2.imdecode(np.frombuffer(plate_picture(plate), np.uint8), cv2.IMREAD_COLOR)
        picture[300:460, left : left + 420] = one
    return picture


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ""])
def test_pixels_below_a_mask_are_black_in_the_stored_frame(tmp_path: Path, suffix: str) -> None:
    one = camera(tmp_path, "only_changes = false\nmask = [[0, 0, 50, 100], [90, 0, 100, 0, 100, 20]]")
    picture = np.full((720, 1280, 3), 200, np.uint8)
    capture = Capture(NOW, encoded(picture, suffix)) if suffix else Capture(NOW, pixels=picture)
    (frame,) = stored(tmp_path, one, capture)
    assert frame.shape == picture.shape
    assert frame[:, :632].max() <= 2, "the JPEG's own blocks of 8 pixels at the edge are left out"
    assert frame[20, 1260].max() <= 8
    assert abs(int(frame[400, 1000].min()) - 200) <= 4


def test_a_plate_beneath_a_mask_is_not_read_and_the_other_is(tmp_path: Path) -> None:
    reader, picture = PlateReader(), two_plates()
    assert {one.plate for one in reader.read(picture)} == {"ABC1234", "XKR5678"}
    one = camera(tmp_path, "mask = [[5, 35, 45, 70]]")
    (frame,) = stored(tmp_path, one, Capture(NOW, encoded(picture, ".jpg")))
    assert {one.plate for one in reader.read(frame)} == {"XKR5678"}


def test_only_the_area_is_visible_and_the_crop_comes_after(tmp_path: Path) -> None:
    one = camera(tmp_path, "crop = [0.5, 0, 1, 1]\narea = [50, 0, 100, 0, 100, 100]")
    (frame,) = stored(tmp_path, one, Capture(NOW, pixels=np.full((400, 800, 3), 200, np.uint8)))
    assert frame.shape == (400, 400, 3)
    assert frame[40, 340].min() > 190
    assert frame[360, 60].max() <= 2


def test_no_other_picture_of_the_file_is_stored(tmp_path: Path) -> None:
    """EXIF may hold a small picture of what is masked."""
    file = tmp_path / "one.jpg"
    exif = Image.Exif()
    exif[0x010E] = "beneath the mask"
    Image.fromarray(two_plates()).save(file, exif=exif)
    one = camera(tmp_path, "mask = [[0, 0, 50, 100]]")
    spool = Spool(tmp_path / "spool", 100_000_000)
    states = {"north": CameraState("north", one.kind, 20, NOW)}
    intake = Intake("north", one, Bounds(), spool, states, live_picture.Live(spool.folder))
    intake.take(Capture(NOW, file.read_bytes()), 0)
    assert b"beneath the mask" not in (spool.take(1)[0].message.value or b"")
    spool.close()


def test_what_changes_beneath_a_mask_is_no_change_and_the_live_picture_is_masked(tmp_path: Path) -> None:
    one = camera(tmp_path, "still = 1000.0\nmask = [[0, 0, 50, 100]]")
    before, after = (np.full((400, 800, 3), 90, np.uint8) for _ in range(2))
    after[100:300, 50:350] = 255
    live_picture.Live(tmp_path / "spool")
    (tmp_path / "spool").mkdir()
    assert len(stored(tmp_path, one, Capture(NOW, pixels=before), Capture(NOW, pixels=after))) == 1
    spool = Spool(tmp_path / "spool", 100_000_000)
    states = {"north": CameraState("north", one.kind, 20, NOW)}
    intake = Intake("north", one, Bounds(), spool, states, live_picture.Live(spool.folder))
    live_picture.ask(spool.folder, "north")
    intake.take(Capture(NOW, pixels=after), 0)
    found = live_picture.newest(spool.folder, "north")
    assert found is not None
    shown = cv2.imdecode(np.frombuffer(found.image, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown[:, :390].max() <= 2
    spool.close()


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        ("mask = [[0, 0, 50]]", "not 3 numbers"),
        ("mask = [[0, 0, 50, 100, 3]]", "not 5 numbers"),
        ("mask = [[50, 0, 20, 100]]", "left before right"),
        ("mask = [[0, 0, 50, 101]]", "from 0 to 100"),
        ("mask = [[0, 0, nan, 10]]", "from 0 to 100"),
        ("mask = [[0, 0, 10, 10, 20, 20]]", "covers no area"),
        ("area = [0, 0, 0, 0]", "`area` is left"),
        (f"mask = {[[0, 0, 1, 1]] * 51}", "more than 50"),
    ],
)
def test_a_wrong_mask_is_refused_with_its_camera_and_field(tmp_path: Path, mask: str, words: str) -> None:
    with pytest.raises(RefusedError) as refused:
        camera(tmp_path, mask)
    assert words in refused.value.detail
    assert "north" in refused.value.detail


@given(st.lists(st.tuples(percents, percents, percents, percents, percents, percents), max_size=5))
def test_shapes_are_written_and_read_alike(shapes: list[Shape]) -> None:
    assert parse_shapes(format_shapes(shapes)) == tuple(shapes)


@pytest.mark.parametrize("text", ["1 2 x 4", "1 2 nan 4", "1e9 2 3 4", "1;2;3;4"])
def test_a_shape_has_numbers_only(text: str) -> None:
    with pytest.raises(ValueError, match="numbers only"):
        parse_shapes(text)


@given(st.lists(st.tuples(percents, percents, percents, percents), max_size=4), st.integers(0, 3))
def test_each_pixel_within_a_box_is_black_in_any_size(boxes: list[Shape], size: int) -> None:
    wide, high = ((64, 48), (1280, 720), (333, 77), (1920, 1080))[size]
    masks = []
    for one in boxes:
        try:
            check_shape(one)
        except ValueError:
            continue
        masks.append(one)
    visible = Blackout(masks).visible(high, wide)
    for left, top, right, bottom in masks:
        rows = slice(int(np.ceil(top * high / 100)), int(bottom * high / 100))
        columns = slice(int(np.ceil(left * wide / 100)), int(right * wide / 100))
        assert not visible[rows, columns].any()
    if not masks:
        assert visible.all()


def test_the_bounds_of_an_area() -> None:
    assert bounds_of((10, 20, 90, 30, 50, 80)) == (0.1, 0.2, 0.9, 0.8)


def test_what_a_camera_itself_reads_is_not_masked_here_and_that_is_refused(tmp_path: Path) -> None:
    (tmp_path / "account").write_text("north:secret")
    (tmp_path / "account").chmod(0o600)
    pushes = 'kind = "http"\ncredentials_file = "account"\nformat = "milesight"'
    assert camera(tmp_path, "", pushes).format == "milesight"
    with pytest.raises(RefusedError, match="mask its own reads in the camera"):
        camera(tmp_path, "mask = [[0, 0, 50, 100]]", pushes)
