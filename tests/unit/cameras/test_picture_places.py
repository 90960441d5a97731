"""Places of cameras that move: EXIF, headers and pushes, and what the intake makes of them."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from platestream.cameras.capture import Capture
from platestream.cameras.config import Camera, load
from platestream.cameras.intake import Intake
from platestream.cameras.live_picture import Live
from platestream.cameras.picture_places import exif_place, headers_place, valid
from platestream.cameras.spool import Spool
from platestream.cameras.state import CameraState
from platestream.operators.decode import Bounds
from platestream.schemas.message import Message, RefusedError

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HERE = (34.5, -109.375)


def photo(gps: dict[int, Any] | None = None) -> bytes:
    pixels = np.random.default_rng(7).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    image, exif = Image.fromarray(cv2.GaussianBlur(pixels, (5, 5), 0)), Image.Exif()
    if gps:
        exif.get_ifd(0x8825).update(gps)
    made = io.BytesIO()
    image.save(made, "JPEG", exif=exif)
    return made.getvalue()


def at_place(north: float, east: float) -> dict[int, Any]:
    def parts(degrees: float) -> tuple[float, float, float]:
        whole = int(abs(degrees))
        minutes = (abs(degrees) - whole) * 60
        return float(whole), float(int(minutes)), round((minutes - int(minutes)) * 60, 4)

    return {1: "N" if north >= 0 else "S", 2: parts(north), 3: "E" if east >= 0 else "W", 4: parts(east)}


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_place_in_exif_is_read_to_a_meter(north: float, east: float) -> None:
    found = exif_place(photo_of(north, east))
    if found is None:
        assert abs(north) < 1e-4
        assert abs(east) < 1e-4
    else:
        assert found == pytest.approx((north, east), abs=1e-5)


def photo_of(north: float, east: float) -> bytes:
    image, exif = Image.new("RGB", (8, 8)), Image.Exif()
    exif.get_ifd(0x8825).update(at_place(north, east))
    made = io.BytesIO()
    image.save(made, "JPEG", exif=exif)
    return made.getvalue()


@pytest.mark.parametrize(
    "gps",
    [
        None,
        at_place(0, 0),
        {**at_place(*HERE), 9: "V"},
        {**at_place(*HERE), 1: "X"},
        {2: (34.0, 30.0, 0.0)},
        {**at_place(*HERE), 2: (95.0, 0.0, 0.0)},
        {**at_place(*HERE), 2: (34.0, 75.0, 0.0)},
    ],
)
def test_no_fix_and_no_degrees_are_no_place(gps: dict[int, Any] | None) -> None:
    assert exif_place(photo(gps)) is None


def test_headers_have_decimal_degrees() -> None:
    assert headers_place({"latitude": "34.5", "longitude": "-109.375"}) == HERE
    assert headers_place({"x-latitude": "34.5", "x-longitude": "-109.375"}) == HERE
    for wrong in (
        {},
        {"latitude": "34.5"},
        {"latitude": "nan", "longitude": "1"},
        {"latitude": "91", "longitude": "1"},
    ):
        assert headers_place(wrong) is None
    assert valid(0.0, 0.0) is None


@given(st.binary(max_size=300), st.text(max_size=40))
def test_no_bytes_and_no_header_make_it_fail(image: bytes, header: str) -> None:
    exif_place(image)
    headers_place({"latitude": header, "longitude": header})


class Car:
    """The intake of a camera that moves, and what it stored."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        camera = Camera(kind="http", latitude=34.0, longitude=-109.0, moves=True, rate=60.0, **changes)
        state = CameraState("car-12", "http", camera.longest_silence, NOON)
        self.spool = Spool(folder, 10**8)
        self.intake = Intake("car-12", camera, Bounds(), self.spool, {"car-12": state}, Live(folder))

    def take(self, late: timedelta, image: bytes, **changes: Any) -> None:
        own = None if changes.pop("timeless", False) else NOON - late
        self.intake.take(Capture(NOON, image, camera_time=own, **changes), 0.0)

    @property
    def stored(self) -> list[Message]:
        return [one.message for one in self.spool.take(100)]


@pytest.fixture
def car(tmp_path: Path) -> Iterator[Car]:
    made = Car(tmp_path)
    yield made
    made.spool.close()


def test_a_picture_has_its_own_place_and_time_hours_later_and_in_any_order(car: Car) -> None:
    for hours, north in ((2, 34.51), (20, 34.53), (5, 34.52)):
        car.take(timedelta(hours=hours), photo(at_place(north, -109.4)))
    found = {one.headers["captured-at"]: float(one.headers["latitude"]) for one in car.stored}
    assert found == pytest.approx(
        {
            "2026-11-28T10:00:00.000Z": 34.51,
            "2026-11-27T16:00:00.000Z": 34.53,
            "2026-11-28T07:00:00.000Z": 34.52,
        },
        abs=1e-5,
    )


def test_the_place_of_push_or_header_counts_before_that_of_exif(car: Car) -> None:
    car.take(timedelta(), photo(at_place(34.9, -109.9)), place=HERE)
    (stored,) = car.stored
    assert (float(stored.headers["latitude"]), float(stored.headers["longitude"])) == HERE


@pytest.mark.parametrize(
    ("late", "fields", "reason", "said"),
    [
        (timedelta(), {}, "place", "no place of its own"),
        (timedelta(), {"place": HERE, "timeless": True}, "time", "no time of its own"),
        (timedelta(hours=25), {"place": HERE}, "time", "over 24 hours old"),
        (timedelta(seconds=-60), {"place": HERE}, "time", "60 s ahead of this machine's clock"),
    ],
)
def test_without_a_place_or_a_usable_time_nothing_is_stored(
    car: Car, late: timedelta, fields: dict[str, Any], reason: str, said: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        car.take(late, photo(), **fields)
    assert (refused.value.reason, said in refused.value.detail) == (reason, True)
    assert car.stored == []


@pytest.mark.parametrize("kind", ["rtsp", "snapshot", "video"])
def test_a_stream_has_no_place_of_each_picture(tmp_path: Path, kind: str) -> None:
    url = "rtsp://10.0.0.1/" if kind == "rtsp" else "http://10.0.0.1/"
    (tmp_path / "cameras.toml").write_text(
        f'[cameras.car]\nkind = "{kind}"\nurl = "{url}"\npath = "x"\nmoves = true\n'
        "latitude = 34.5\nlongitude = -109.4\n"
    )
    with pytest.raises(RefusedError, match="no place of each picture"):
        load(tmp_path / "cameras.toml")
