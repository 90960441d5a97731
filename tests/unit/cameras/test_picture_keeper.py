"""The health of a camera's picture in the gateway: reports, pictures before and after, deletion."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from prometheus_client import generate_latest

from benchmarks.camera_scenes import drawn_street, turned
from platestream.cameras import picture_files, picture_keeper
from platestream.cameras.blackout import Blackout
from platestream.cameras.capture import Pixels
from platestream.cameras.health import faults
from platestream.cameras.masks import Shape
from platestream.cameras.picture_files import StoredPicture, stored_pictures
from platestream.cameras.picture_health import Sample, take_sample
from platestream.cameras.picture_keeper import PictureKeeper
from platestream.cameras.state import CameraState, GatewayHealth
from platestream.keys.key_folder import KeyFolder
from platestream.schemas import metrics
from platestream.schemas.message import RefusedError

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
STREET = drawn_street()


class Gateway:
    """One camera with its state, whose frames come every 20 s."""

    def __init__(self, folder: Path, masks: tuple[Shape, ...] = ()) -> None:
        self.folder, self.at = folder, NOW
        self.state = CameraState("north", "video", 20, NOW)
        self._masks = masks
        self.restart()

    def restart(self) -> None:
        blackout = Blackout(self._masks)
        self._mask = blackout
        self._keeper = PictureKeeper(
            self.folder, "north", blackout, repr(self._masks), self.state.picture_is, self.keys
        )

    @property
    def keys(self) -> KeyFolder:
        return KeyFolder(self.folder / "keys", now=lambda: self.at)

    @property
    def pictures(self) -> list[StoredPicture]:
        return stored_pictures(self.folder, "north", self.keys)

    def see(self, picture: Pixels, minutes: float) -> None:
        for _sample in range(round(minutes * 3)):
            self._keeper.offer(self._mask(picture), self.at)
            self.at += timedelta(seconds=20)

    @property
    def said(self) -> list[str]:
        self.state.arrived(self.at, None)
        health = self.state.health(self.at)
        found = GatewayHealth(at=self.at, waiting=0, waiting_bytes=0, sending="", cameras=(health,))
        return faults(found, (), self.at)


def test_a_turned_camera_is_reported_with_the_picture_before_and_after(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    assert gateway.state.health(NOW).picture == "learning"
    gateway.see(STREET, 10)
    assert (gateway.state.health(NOW).picture, gateway.said) == ("good", [])
    assert gateway.pictures == []
    began = gateway.at
    gateway.see(turned(STREET, 5), 8)
    assert gateway.said == ["picture of camera north: it shows another scene than before, as after a turn"]
    assert gateway.state.health(NOW).picture_since is not None
    before, after = gateway.pictures
    assert (before.which, after.which) == ("before", "after")
    assert before.at <= began < after.at
    assert before.image != after.image
    assert {one.image[:2] for one in (before, after)} == {b"\xff\xd8"}
    stored = [one.read_bytes() for one in (tmp_path / "pictures").iterdir()]
    # Twenty bytes of it: three occur in one of some hundred encrypted files by chance.
    assert stored
    assert not any(one.image[:20] in content for one in (before, after) for content in stored)
    with pytest.raises(RefusedError, match="PLATESTREAM_KEYS"):
        stored_pictures(tmp_path, "north")
    assert {one.stat().st_mode & 0o077 for one in tmp_path.rglob("*")} == {0}
    page = generate_latest().decode()
    assert 'platestream_gateway_picture_fault_info{camera="north",fault="moved"} 1.0' in page
    assert 'platestream_gateway_picture_fault_info{camera="north",fault="dark"} 0.0' in page


def test_the_fault_outlives_a_restart_and_ends_when_the_camera_is_turned_back(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.see(STREET, 10)
    gateway.see(turned(STREET, 5), 8)
    gateway.restart()
    assert gateway.state.health(NOW).picture == "moved"
    gateway.see(turned(STREET, 5), 8)
    assert gateway.state.health(NOW).picture == "moved"
    gateway.see(STREET, 5)
    assert gateway.said == []


def test_a_person_may_accept_the_picture(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.see(STREET, 10)
    gateway.see(turned(STREET, 5), 8)
    picture_files.accept(tmp_path, "north")
    gateway.see(turned(STREET, 5), 8)
    assert gateway.state.health(NOW).picture == "good"
    assert gateway.pictures == []


def test_pictures_go_with_the_retention_period(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.see(STREET, 10)
    gateway.see(turned(STREET, 5), 8)
    picture_files.expire(tmp_path, (NOW - timedelta(days=1)).timestamp())
    assert len(gateway.pictures) == 2
    picture_files.expire(tmp_path, (NOW + timedelta(days=1)).timestamp())
    assert gateway.pictures == []


def test_nothing_of_what_is_masked_is_stored_and_new_masks_forget_the_old_picture(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.see(STREET, 12)
    memory = next(tmp_path.rglob("*.memory"))
    Gateway(tmp_path, ((0, 0, 50, 100),))
    assert not memory.exists()
    masked = Gateway(tmp_path, ((0, 0, 50, 100),))
    masked.see(STREET, 12)
    stored = msgspec.msgpack.decode(memory.read_bytes())
    for reference in stored["memory"]["references"].values():
        gray = np.frombuffer(reference["current"], np.uint8).reshape(-1, 320)
        assert gray[:, :158].max() == 0


def test_a_fault_of_the_watch_stops_no_frame(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gateway = Gateway(tmp_path)
    (tmp_path / picture_files.FOLDER).write_text("no folder")
    gateway.see(STREET, 1)
    assert "the health of its picture is not known" in caplog.text


def test_a_frame_costs_nothing_between_two_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def sample(pixels: Pixels, visible: Pixels) -> Sample:
        taken.append(pixels)
        return take_sample(pixels, visible)

    monkeypatch.setattr(picture_keeper, "take_sample", sample)
    gateway = Gateway(tmp_path)
    for _frame in range(600):  # a minute at ten frames a second
        gateway._keeper.offer(STREET, gateway.at)
        gateway.at += timedelta(seconds=0.1)
    assert len(taken) == 3


def test_the_metric_names_the_fault_and_no_plate() -> None:
    assert {one.name for one in metrics.GATEWAY_PICTURE_FAULT.labels} == {"camera", "fault"}
