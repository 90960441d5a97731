import contextlib
import io
import zlib
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from platestream.operators.decode import Bounds, admit, decode_image, picture
from platestream.schemas.fields import Vehicle
from platestream.schemas.frame import Frame
from platestream.schemas.message import Message, RefusedError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def frame(image: bytes, captured_at: datetime = NOW) -> Frame:
    return Frame(
        camera_id="cam",
        captured_at=captured_at,
        latitude=34.5,
        longitude=-109.4,
        vehicle=Vehicle(),
        image=image,
        message=Message(b"cam", image),
    )


def encoded(kind: str, size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (10, 200, 30)).save(out, kind, **options)
    return out.getvalue()


def png_bomb(side: int) -> bytes:
    """A PNG that says it is `side` x `side` and holds almost nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = side.to_bytes(4) * 2 + bytes([8, 2, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_usual_formats_become_bgr_pixels(kind: str) -> None:
    pixels = picture(frame(encoded(kind)), Bounds()).pixels
    assert pixels.shape == (48, 64, 3)
    assert pixels.dtype == np.uint8
    assert pixels[20, 20, 1] > 150 > pixels[20, 20, 2]


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (b"\xff\xd8\xff garbage", "not_a_picture"),
        (b"GIF89a", "not_a_picture"),
        (encoded("BMP"), "not_a_picture"),
        (png_bomb(30_000), "pixels"),
        (encoded("JPEG")[:100], "not_a_picture"),
        (encoded("PNG", (8000, 6000)), "pixels"),
        (b"\xff" * 20_000_001, "bytes"),
        (encoded("JPEG", progressive=True) + b"\xff\xda" * 40, "scans"),
        (encoded("JPEG", (640, 480))[:-40], "truncated"),
        (encoded("PNG")[:60], "corrupt"),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_its_reason(image: bytes, reason: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        picture(frame(image), Bounds())
    assert refusal.value.reason == reason


@given(st.integers(0, 600), st.binary(min_size=1, max_size=8))
def test_a_damaged_jpeg_is_read_or_refused_and_never_crashes(at: int, damage: bytes) -> None:
    good = encoded("JPEG")
    with contextlib.suppress(RefusedError):
        picture(frame(good[:at] + damage + good[at + len(damage) :]), Bounds())


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (timedelta(days=30), "expired"),
        (timedelta(days=400), "expired"),
        (NOW - NOW.replace(year=1970), "expired"),
        (timedelta(minutes=-6), "future"),
        (NOW - NOW.replace(year=2100), "future"),
    ],
)
def test_a_frame_too_old_or_from_the_future_is_refused(age: timedelta, reason: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        admit(frame(b"x", NOW - age), NOW, Bounds())
    assert refusal.value.reason == reason


@pytest.mark.parametrize("age", [timedelta(days=29, hours=23), timedelta(0), timedelta(minutes=-4)])
def test_a_frame_within_thirty_days_is_let_in(age: timedelta) -> None:
    assert admit(frame(b"x", NOW - age), NOW, Bounds())


def test_a_large_jpeg_within_bounds_is_decoded() -> None:
    done, data = cv2.imencode(".jpg", np.zeros((2160, 3840, 3), np.uint8))
    assert done
    assert picture(frame(data.tobytes()), Bounds()).pixels.shape == (2160, 3840, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_reduced_picture_has_an_eighth_of_its_size(kind: str) -> None:
    assert decode_image(encoded(kind, (640, 480)), Bounds(), reduced=True).shape == (60, 80, 3)


@given(at=st.integers(0, 2000), damage=st.binary(min_size=1, max_size=8))
def test_what_is_refused_in_full_is_refused_reduced(at: int, damage: bytes) -> None:
    whole = bytearray(encoded("JPEG", (320, 240)))
    place = at % len(whole)
    whole[place : place + len(damage)] = damage

    def reason(*, reduced: bool) -> str:
        try:
            decode_image(bytes(whole), Bounds(), reduced=reduced)
        except RefusedError as error:
            return error.reason
        return ""

    assert reason(reduced=True) == reason(reduced=False)
