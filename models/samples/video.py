"""A long, mostly quiet video of one street, for benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.samples.geometry import View
from models.samples.plates import PlateLook
from models.samples.scene import Scene, draw_scene
from models.samples.street import Street
from models.samples.vehicle_shapes import BODIES
from models.samples.vehicles import COLOURS, Vehicle

GAP_S = 10.0
"""About one vehicle in this many seconds."""

NEAR_M, FAR_M = 7.0, 24.0
LETTERS, DIGITS = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"
STATES = ("AZ", "AZ", "AZ", "CA", "NM", "UT", "TX")


@dataclass(frozen=True)
class VideoPass:
    """One vehicle in a video: its plate and state, the first and last frame (from 0) in which it is drawn."""

    plate: str
    state: str
    first_frame: int
    last_frame: int


@dataclass(frozen=True)
class _Drive:
    vehicle: Vehicle
    start: float
    speed: float

    def seconds(self) -> float:
        return (FAR_M - NEAR_M) / self.speed

    def at(self, moment: float) -> Vehicle:
        """The vehicle at a moment (s of the video), moved along its lane."""
        way = (moment - self.start) * self.speed
        v = self.vehicle
        z = FAR_M - way if v.front else NEAR_M + way
        return Vehicle(v.body, v.colour, v.plate, v.x, z, v.front)


def _drives(seconds: float, rng: np.random.Generator, gap: float) -> list[_Drive]:
    """Vehicles one after the other, one in about `gap` seconds, by chance."""
    found: list[_Drive] = []
    moment = float(rng.uniform(0.5, 2.0))
    while moment < seconds - 1.5:
        letters = "".join(rng.choice(list(LETTERS), 3).tolist())
        plate = PlateLook(letters + "".join(rng.choice(list(DIGITS), 4).tolist()), str(rng.choice(STATES)))
        front = bool(rng.random() < 0.35)
        vehicle = Vehicle(str(rng.choice(sorted(BODIES))), str(rng.choice(sorted(COLOURS))), plate,
                          -1.6 if front else 1.55, 0.0, front)  # fmt: skip
        drive = _Drive(vehicle, moment, float(rng.uniform(8.0, 12.0)))
        found.append(drive)
        moment += drive.seconds() + float(rng.uniform(0.5, 1.5)) * (gap - drive.seconds())
    return found


class StreetVideo:
    """A street for so many seconds: the passes in order of time, and the frames (height x width x 3, BGR)."""

    def __init__(
        self,
        seconds: float,
        fps: float = 10.0,
        size: tuple[int, int] = (1920, 1080),
        seed: int = 1,
        gap: float = GAP_S,
    ) -> None:
        self._drives = _drives(seconds, np.random.default_rng([seed, 3]), gap)
        self._view = View(x=0.2, eye=1.8, yaw=0.0, pitch=3.3, focal=2800.0).scaled(*size)
        self._seed = seed
        present = [
            [i for i, d in enumerate(self._drives) if d.start <= number / fps <= d.start + d.seconds()]
            for number in range(round(seconds * fps))
        ]
        self._frames = [(number / fps, drives) for number, drives in enumerate(present)]
        seen: dict[int, list[int]] = {}
        for number, drives in enumerate(present):
            for i in drives:
                seen.setdefault(i, []).append(number)
        self.passes = [_pass(self._drives[i].vehicle, frames) for i, frames in sorted(seen.items())]

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Draw the frames one after the other."""
        for number, (moment, present) in enumerate(self._frames):
            vehicles = [self._drives[i].at(moment) for i in present]
            yield _frame(self._view, vehicles, self._seed, number)


def draw_video(
    path: Path, seconds: float, fps: float = 10.0, size: tuple[int, int] = (1920, 1080), seed: int = 1
) -> list[VideoPass]:
    """Writes an MP4 (mp4v) of `size` (width, height) px and gives the passes in it, in order of time."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
    if not writer.isOpened():
        raise OSError(f"{path} cannot be written as an MP4 video")
    street = StreetVideo(seconds, fps, size, seed)
    try:
        for frame in street.frames():
            writer.write(frame)
    finally:
        writer.release()
    return street.passes


def _frame(view: View, vehicles: list[Vehicle], seed: int, number: int) -> NDArray[np.uint8]:
    scene = Scene(view, Street(5), tuple(vehicles))
    return draw_scene(scene, np.random.default_rng([seed, number]))


def _pass(vehicle: Vehicle, frames: list[int]) -> VideoPass:
    plate = vehicle.plate
    if plate is None:
        raise ValueError("a vehicle in a benchmark video needs a plate")
    return VideoPass(plate.text, plate.state, frames[0], frames[-1])
