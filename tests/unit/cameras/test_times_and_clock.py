import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from platestream.cameras.capture import Capture
from platestream.cameras.capture_times import camera_time, exif_time, headers_time
from platestream.cameras.intake import CameraClock
from platestream.cameras.pushes.fields import moment
from platestream.schemas.camera_read import CameraRead

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
PHOENIX = ZoneInfo("America/Phoenix")


def photo(taken: str = "", offset: str = "") -> bytes:
    image, exif = Image.new("RGB", (32, 32)), Image.Exif()
    part = exif.get_ifd(0x8769)
    if taken:
        part[0x9003] = taken
    if offset:
        part[0x9011] = offset
    made = io.BytesIO()
    image.save(made, "JPEG", exif=exif)
    return made.getvalue()


def test_exif_counts_in_the_cameras_zone_or_by_its_own_offset() -> None:
    assert exif_time(photo("2026:11:25 05:00:00"), PHOENIX) == NOON
    assert exif_time(photo("2026:11:25 13:00:00", "+01:00"), PHOENIX) == NOON
    assert exif_time(photo(), PHOENIX) is None
    assert exif_time(photo("0000:00:00 00:00:00"), PHOENIX) is None


def test_the_most_exact_time_wins() -> None:
    image = photo("2026:11:25 12:00:00")
    assert camera_time(image, {"captured-at": "2026-11-25T12:00:01Z", "date": "x"}, UTC) == NOON + timedelta(
        seconds=1
    )
    assert camera_time(image, {"date": "Wed, 25 Nov 2026 12:00:09 GMT"}, UTC) == NOON
    assert headers_time({"date": "Wed, 25 Nov 2026 12:00:09 GMT"}) == NOON + timedelta(seconds=9)
    assert headers_time({"captured-at": "2026-11-25T12:00:00"}) is None, "no offset, so no moment"


@given(st.binary(max_size=300), st.text(max_size=60))
def test_no_bytes_and_no_header_make_it_fail(image: bytes, header: str) -> None:
    camera_time(image, {"captured-at": header, "date": header}, UTC)


def test_a_right_clock_is_believed_also_for_frames_that_come_late() -> None:
    clock = CameraClock(5)
    assert clock.captured_at(NOON - timedelta(seconds=1), NOON) == NOON - timedelta(seconds=1)
    late = NOON + timedelta(minutes=20)
    assert clock.captured_at(NOON, late) == NOON
    assert clock.drift == 1


def test_a_wrong_clock_is_measured_and_not_believed() -> None:
    behind, ahead = CameraClock(5), CameraClock(5)
    assert behind.captured_at(NOON - timedelta(hours=1), NOON) == NOON
    assert behind.drift == 3600
    assert ahead.captured_at(NOON + timedelta(hours=1), NOON) == NOON
    assert ahead.drift == -3600


def test_a_clock_that_was_set_right_is_believed_again() -> None:
    clock = CameraClock(5)
    clock.captured_at(NOON + timedelta(hours=1), NOON)
    tomorrow = NOON + timedelta(hours=25)
    assert clock.captured_at(tomorrow - timedelta(seconds=2), tomorrow) == tomorrow - timedelta(seconds=2)


def test_no_time_told_is_the_time_of_arrival() -> None:
    assert CameraClock(5).captured_at(None, NOON) == NOON


@pytest.mark.parametrize(
    "change", [datetime(2026, 11, 1, 8, tzinfo=UTC), datetime(2026, 3, 8, 9, tzinfo=UTC)]
)
def test_no_local_time_is_an_hour_off_when_clocks_are_changed(change: datetime) -> None:
    """A camera writes its time of day, which comes twice or never; its pictures arrive a second later."""
    denver, clock = ZoneInfo("America/Denver"), CameraClock(5)
    for minutes in range(-120, 121):
        at = change + timedelta(minutes=minutes)
        shown, arrived = at.astimezone(denver), at + timedelta(seconds=1)
        taken = exif_time(photo(f"{shown:%Y:%m:%d %H:%M:%S}"), denver)
        pushed = moment(f"{shown:%Y-%m-%dT%H:%M:%S}", denver)
        for local in (taken, pushed):
            read = CameraRead(format="hikvision", plate="ABC1234", device_at=local)
            made = Capture(arrived, camera_time=local, reads=(read,))
            assert clock.captured_at(made.camera_time, arrived) == at
            assert made.reads is not None
            assert made.reads[0].device_at == at


def test_a_time_with_its_offset_is_what_it_says_in_the_hour_that_comes_twice() -> None:
    at = datetime(2026, 11, 1, 7, 15, tzinfo=UTC)
    local = moment("2026-11-01T01:15:00-06:00", ZoneInfo("America/Denver"))
    assert Capture(at + timedelta(hours=2), camera_time=local).camera_time == at
