"""Looking again only where a camera's picture has changed.

Most frames of a street hold nothing new. A camera's last picture is remembered as a small grey one together
with what was read in it; of the next picture only the part that differs is read, and what was read elsewhere
still stands. Every `WatchRules.whole` the picture is looked at in full, whatever changed.

The memory is a cache beside the stream and not its state: after a restart a camera's first frame is read in
full, and gives what a reader without memory gives.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import cv2
import numpy as np
import numpy.typing as npt

from operators.reading.geometry import Box, Image
from schemas.reading import PlateRead

Read = Callable[[Image], list[PlateRead]]
Grey = npt.NDArray[np.float32]
Part = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True)
class WatchRules:
    """What counts as a change. Sizes are pixels of the camera's picture, differences grey values (0 to 255).

    `difference` is what a block of `block` x `block` pixels must differ by in the mean, after a small change
    that the whole picture shares (a cloud, the camera's exposure), `shared` at most, is taken off. Sensor
    noise averages out over a block; a plate that can be read is two blocks wide, and comes with a vehicle.
    """

    block: int = 16
    difference: float = 5.0
    shared: float = 4.0
    margin: int = 48
    """Added around what changed, so that no plate is cut."""
    part: float = 0.6
    """Share of the picture from which on it is read whole."""
    whole: timedelta = timedelta(seconds=5)


@dataclass(frozen=True)
class _Memory:
    """What a camera's picture was when each part of it was last looked at."""

    shape: tuple[int, ...]
    blocks: Grey
    reads: list[PlateRead]
    whole_at: datetime
    seen_at: datetime


class ChangeDetector:
    """Reads a camera's frames, in the order they were captured, by what changed since they were looked at.

    For use by several threads, each with its cameras. `read` is what reads one picture.
    """

    def __init__(self, read: Read, rules: WatchRules = WatchRules()) -> None:
        self._read, self._rules = read, rules
        self._cameras: dict[str, _Memory] = {}
        self._lock = threading.Lock()

    def __call__(self, camera_id: str, captured_at: datetime, image: Image) -> list[PlateRead]:
        """Plates in `image` (height x width x 3, BGR), most certain first."""
        blocks = self._blocks(image)
        with self._lock:
            self._forget(captured_at)
            known = self._cameras.pop(camera_id, None)
        if known is not None and known.shape == image.shape and self._fresh(known, captured_at):
            memory = self._part(known, blocks, image, captured_at)
        else:
            memory = _Memory(image.shape, blocks, self._read(image), captured_at, captured_at)
        with self._lock:
            self._cameras[camera_id] = memory
        return list(memory.reads)

    def _fresh(self, known: _Memory, at: datetime) -> bool:
        """Frames out of order, or after a pause, are looked at in full."""
        return known.seen_at <= at and at - known.whole_at < self._rules.whole

    def _part(self, known: _Memory, blocks: Grey, image: Image, at: datetime) -> _Memory:
        part = self._changed(known.blocks, blocks, image.shape)
        if part is None:
            return replace(known, seen_at=at)
        part = _around(part, [read.box for read in known.reads])
        left, top, right, bottom = part
        if (right - left) * (bottom - top) >= self._rules.part * image.shape[0] * image.shape[1]:
            return _Memory(image.shape, blocks, self._read(image), at, at)
        found = [_moved(read, left, top) for read in self._read(image[top:bottom, left:right])]
        kept = [read for read in known.reads if not _touches(read.box, part)]
        reads = sorted(found + kept, key=lambda read: -read.confidence)
        looked = known.blocks.copy()
        size = self._rules.block
        there = np.s_[top // size : -(-bottom // size), left // size : -(-right // size)]
        looked[there] = blocks[there]
        return _Memory(image.shape, looked, reads, known.whole_at, at)

    def _blocks(self, image: Image) -> Grey:
        """Mean grey of each block (rows x columns); the last row and column take what is left over."""
        size = self._rules.block
        shape = (max(image.shape[1] // size, 1), max(image.shape[0] // size, 1))
        # Through a picture of a quarter's size: as exact for means, and grey is made of fewer pixels.
        small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        return np.asarray(cv2.resize(grey, shape, interpolation=cv2.INTER_AREA), np.float32)

    def _changed(self, before: Grey, now: Grey, shape: tuple[int, ...]) -> Part | None:
        """What differs, with a margin; None when nothing does."""
        apart = now - before
        shared = float(np.clip(np.median(apart), -self._rules.shared, self._rules.shared))
        rows, columns = np.nonzero(np.abs(apart - shared) >= self._rules.difference)
        if rows.size == 0:
            return None
        high, wide = shape[0] / now.shape[0], shape[1] / now.shape[1]
        margin = self._rules.margin
        return (
            max(int(columns.min() * wide) - margin, 0),
            max(int(rows.min() * high) - margin, 0),
            min(int((columns.max() + 1) * wide) + margin, shape[1]),
            min(int((rows.max() + 1) * high) + margin, shape[0]),
        )

    def _forget(self, at: datetime) -> None:
        """No camera's reads outlive their use: what fell silent leaves no plate in memory."""
        old = [camera for camera, known in self._cameras.items() if at - known.seen_at > self._rules.whole]
        for camera in old:
            del self._cameras[camera]


def _moved(read: PlateRead, left: int, top: int) -> PlateRead:
    x, y, width, height = read.box
    return replace(read, box=(x + left, y + top, width, height))


def _around(part: Part, boxes: Sequence[Box]) -> Part:
    """The part, grown so that no plate known to be there is cut."""
    left, top, right, bottom = part
    for x, y, width, height in (box for box in boxes if _touches(box, part)):
        left, top = min(left, x), min(top, y)
        right, bottom = max(right, x + width), max(bottom, y + height)
    return left, top, right, bottom


def _touches(box: Box, part: Part) -> bool:
    x, y, width, height = box
    left, top, right, bottom = part
    return x < right and left < x + width and y < bottom and top < y + height
