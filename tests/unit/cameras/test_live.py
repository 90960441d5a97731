"""Pictures of now, from the gateway to whoever asks, and gone when nobody does."""

import os
import time
from pathlib import Path

import pytest

from platestream.cameras import live_picture

NAMES = ("north", "../../etc/passwd", "a/b", "§" * 60)


def asked_long_ago(folder: Path) -> None:
    then = time.time() - live_picture.REQUEST_SECONDS - 1
    for one in (folder / live_picture.FOLDER).glob("*.asked"):
        os.utime(one, (then, then))


@pytest.mark.parametrize("camera", NAMES)
def test_a_picture_is_handed_over_while_somebody_asks(tmp_path: Path, camera: str) -> None:
    gateway = live_picture.Live(tmp_path)
    gateway.offer(camera, lambda: pytest.fail("nobody asked"))
    assert live_picture.newest(tmp_path, camera) is None
    live_picture.ask(tmp_path, camera)
    gateway.offer(camera, lambda: b"a street")
    found = live_picture.newest(tmp_path, camera)
    assert found is not None
    assert found.image == b"a street"
    assert live_picture.newest(tmp_path, "another") is None
    assert {one.parent for one in tmp_path.rglob("*") if one.is_file()} == {tmp_path / live_picture.FOLDER}
    assert {one.stat().st_mode & 0o077 for one in tmp_path.rglob("*")} == {0}


def test_pictures_go_when_nobody_asks_and_when_the_gateway_ends(tmp_path: Path) -> None:
    gateway = live_picture.Live(tmp_path)
    for camera in NAMES:
        live_picture.ask(tmp_path, camera)
        gateway.offer(camera, lambda: b"a street")
    gateway.forget()
    assert live_picture.newest(tmp_path, "north") is not None
    asked_long_ago(tmp_path)
    gateway.forget()
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]
    live_picture.ask(tmp_path, "north")
    gateway.clear()
    live_picture.Live(tmp_path).offer("north", lambda: pytest.fail("an older asking"))


def test_no_more_pictures_are_written_than_a_person_sees(tmp_path: Path) -> None:
    gateway, taken = live_picture.Live(tmp_path), []
    live_picture.ask(tmp_path, "north")

    def image() -> bytes:
        taken.append(1)
        return b"a street"

    began = time.monotonic()
    for _frame in range(1000):
        gateway.offer("north", image)
    assert len(taken) <= 1 + (time.monotonic() - began) / live_picture.INTERVAL_SECONDS


def test_a_disk_that_takes_no_picture_stops_no_frame(tmp_path: Path) -> None:
    gateway = live_picture.Live(tmp_path)
    live_picture.ask(tmp_path, "north")

    def image() -> bytes:
        raise OSError(28, "No space left on device")

    gateway.offer("north", image)
    assert live_picture.newest(tmp_path, "north") is None
    assert [one.suffix for one in (tmp_path / live_picture.FOLDER).iterdir()] == [".asked"]
