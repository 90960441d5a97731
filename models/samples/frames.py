"""The sample set: some forty camera frames, drawn when they are asked for.

for frame in sample_frames(datetime(2026, 5, 4, 18, 0, tzinfo=UTC)):
    ...
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from models.samples.passes import PASSES, SITES, Pass
from models.samples.scene import Scene, draw_scene, encode
from platestream.schemas.fields import rfc3339

SEED = 41_37

SPAN = timedelta(minutes=30)
"""The set's frames lie within this time after its start."""


@dataclass(frozen=True)
class TruePlate:
    """The plate that a reader should read, and its state (two letters)."""

    plate: str
    state: str


@dataclass(frozen=True)
class SampleFrame:
    """One frame as a camera would send it, with the truth about it.

    `kind` names the difficulty ("plain", "night", "rain" …); frames with one `pass_id` show one vehicle pass
    (two, in the scene with two vehicles). `plates` is empty where no plate is to be read.
    """

    name: str
    camera_id: str
    captured_at: datetime
    latitude: float
    longitude: float
    jpeg: bytes
    kind: str
    pass_id: int
    plates: tuple[TruePlate, ...] = ()
    vehicle: dict[str, str] = field(default_factory=dict)

    def headers(self) -> dict[str, str]:
        """The frame's message headers, as a camera gateway sets them."""
        found = {
            "camera-id": self.camera_id,
            "captured-at": rfc3339(self.captured_at),
            "latitude": f"{self.latitude:.5f}",
            "longitude": f"{self.longitude:.5f}",
        }
        return found | {f"vehicle-{key}": value for key, value in self.vehicle.items()}


def sample_frames(start: datetime, seed: int = SEED) -> Iterator[SampleFrame]:
    """The frames in the order of their capture, the same bytes for the same seed. `start` has a time zone."""
    if start.tzinfo is None:
        raise ValueError("the start of the sample frames needs a time zone")
    begin = start.astimezone(UTC).replace(microsecond=start.microsecond // 1000 * 1000)
    for number, drive in enumerate(PASSES):
        for shot in range(drive.frames):
            yield _frame(drive, number, shot, begin, seed)


def scene_of(drive: Pass, shot: int) -> Scene:
    """The scene of a pass's frame number `shot` (from 0), its vehicles moved on."""
    site = SITES[drive.camera_id]
    way = drive.speed * drive.step / 1000 * shot
    moved = tuple(replace(v, z=v.z - way * 0.85 if v.front else v.z + way) for v in drive.vehicles)
    return Scene(site.view, site.street, moved, hour=drive.hour, rain=drive.rain, blur=drive.blur)


def _frame(drive: Pass, number: int, shot: int, begin: datetime, seed: int) -> SampleFrame:
    site = SITES[drive.camera_id]
    taken = begin + timedelta(seconds=drive.at, milliseconds=drive.step * shot + number)
    looks = [v.plate for v in drive.vehicles if v.plate is not None]
    return SampleFrame(
        name=f"{taken:%Y%m%dT%H%M%S}{taken.microsecond // 1000:03d}Z",
        camera_id=site.camera_id,
        captured_at=taken,
        latitude=site.latitude,
        longitude=site.longitude,
        jpeg=_jpeg(drive, number, shot, seed),
        kind=drive.kind,
        pass_id=number,
        plates=tuple(TruePlate(look.text, look.state) for look in looks),
        vehicle=dict(drive.meta),
    )


def _jpeg(drive: Pass, number: int, shot: int, seed: int) -> bytes:
    """The frame's bytes. Chance comes from the pass, so a plate's dirt and tab stay from frame to frame."""
    if drive.corrupt:
        return b"\xff\xd8\xff\xe0" + np.random.default_rng([seed, number]).bytes(4000)
    scene = scene_of(drive, shot)
    return encode(draw_scene(scene, np.random.default_rng([seed, number])))


def write_folder(folder: Path, start: datetime, seed: int = SEED) -> list[SampleFrame]:
    """Writes `<camera>/<name>.jpg`, each with its headers in `<name>.jpg.json`; gives the frames back."""
    written = []
    for frame in sample_frames(start, seed):
        target = folder / frame.camera_id / f"{frame.name}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(frame.jpeg)
        sidecar = json.dumps(frame.headers(), indent=2, sort_keys=True)
        target.with_name(target.name + ".json").write_text(sidecar + "\n", encoding="utf-8")
        written.append(frame)
    return written
