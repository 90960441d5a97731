import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.samples.frames import SPAN, SampleFrame, sample_frames, write_folder
from models.samples.passes import PASSES

START = datetime(2026, 5, 4, 18, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def drawn() -> list[SampleFrame]:
    """The first frame of each pass."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.samples.frames.PASSES", [replace(p, frames=1) for p in PASSES])
        return list(sample_frames(START))


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> list[SampleFrame]:
    """All frames without their pictures."""
    monkeypatch.setattr("models.samples.frames._jpeg", lambda *_: b"")
    return list(sample_frames(START))


def test_the_same_start_and_seed_give_the_same_bytes(drawn: list[SampleFrame]) -> None:
    assert [f.jpeg for f in islice(sample_frames(START), 2)] == [f.jpeg for f in drawn[:2]]


def test_capture_times_are_distinct_in_order_and_whole_milliseconds(undrawn: list[SampleFrame]) -> None:
    times = [f.captured_at for f in undrawn]
    assert times == sorted(set(times))
    assert all(t.microsecond % 1000 == 0 for t in times)
    assert times[-1] - START < SPAN


def test_the_set_is_moderate_in_size(drawn: list[SampleFrame], undrawn: list[SampleFrame]) -> None:
    assert sum(len(f.jpeg) for f in drawn) / len(drawn) * len(undrawn) < 6_000_000


def test_the_set_has_every_difficulty(undrawn: list[SampleFrame]) -> None:
    kinds = {frame.kind for frame in undrawn}
    assert {"plain", "night", "rain", "motion blur", "tilted plate", "two rows", "stacked letters"} <= kinds
    assert {"no plate", "corrupt file", "O or 0", "look-alike", "seen again"} <= kinds


def test_all_but_the_corrupt_file_decode_to_720_lines(drawn: list[SampleFrame]) -> None:
    for frame in drawn:
        picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert (picture is None) == (frame.kind == "corrupt file")
        assert picture is None or picture.shape == (720, 1280, 3)


def test_one_plate_passes_the_same_camera_twice_minutes_apart(undrawn: list[SampleFrame]) -> None:
    seen = {f.pass_id: f for f in undrawn if any(p.plate == "CKR4572" for p in f.plates)}
    first, second = seen.values()
    assert first.camera_id == second.camera_id
    assert (second.captured_at - first.captured_at).total_seconds() > 300


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        next(sample_frames(START.replace(tzinfo=None)))


def test_a_folder_holds_each_frame_with_its_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.samples.frames.PASSES", PASSES[1:2])
    written = write_folder(tmp_path, START)
    pictures = sorted(tmp_path.glob("stj-01/*.jpg"))
    assert [p.stem for p in pictures] == [f.name for f in written]
    headers = json.loads(Path(f"{pictures[0]}.json").read_text(encoding="utf-8"))
    assert headers == {
        "camera-id": "stj-01",
        "captured-at": "2026-05-04T18:00:21.123Z",
        "latitude": "34.50586",
        "longitude": "-109.36094",
        "vehicle-make": "Ford",
        "vehicle-model": "F-150",
        "vehicle-colour": "white",
        "vehicle-body": "pickup",
    }
