"""Change detector that reads only the changed part of a camera's picture.

Most frames of a street show nothing new. A camera's last picture is stored as a small gray one together with
its reads. Of the next picture only the part that differs is read; reads elsewhere remain valid. Every
`WatchRules.whole` the complete picture is read, whatever changed.

The memory is a cache beside the stream and not its state. After a restart a camera's first frame is read
completely, with the same result as without memory.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import cv2
import numpy as np
import numpy.typing as npt

from platestream.reading.geometry import Box, Image
from platestream.schemas.reading import PlateRead

Read = Callable[[Image], list[PlateRead]]
Grey = npt.NDArray[np.float32]
Part = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True)
class WatchRules:
    """Definition of a change. Sizes are pixels of the camera's picture, differences gray values (0 to 255).

    `difference` is the mean by which a block of `block` x `block` pixels must differ, after subtraction of a
    small change of the whole picture (a cloud, the camera's exposure), at most `shared`. Sensor noise
    averages out over a block; a readable plate is two blocks wide, and comes with a vehicle.
    """

    block: int = 16
    difference: float = 5.0
    shared: float = 4.0
    margin: int = 48
    """Margin around the changed part, so that no plate is cut."""
    part: float = 0.6
    """Changed share of the picture from which all of it is read."""
    whole: timedelta = timedelta(seconds=5)


def gray_blocks(image: Image, size: int) -> Grey:
    """Return the mean gray of each block (rows x columns); the last ones include the remainder."""
    shape = (max(image.shape[1] // size, 1), max(image.shape[0] // size, 1))
    # Through a quarter-size picture: means are as exact, and fewer pixels are converted to gray.
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(gray, shape, interpolation=cv2.INTER_AREA), np.float32)


def changed_blocks(before: Grey, now: Grey, rules: WatchRules) -> npt.NDArray[np.bool_]:
    """Return for each block whether it differs, apart from a small change of the whole picture."""
    difference = now - before
    shared = np.clip(np.median(difference), -rules.shared, rules.shared)
    return np.asarray(np.abs(difference - shared) >= rules.difference)


@dataclass(frozen=True)
class _Memory:
    """A camera's picture at the last reading of each of its parts."""

    shape: tuple[int, ...]
    blocks: Grey
    reads: list[PlateRead]
    whole_at: datetime
    seen_at: datetime


class ChangeDetector:
    """Reader of a camera's frames, in order of capture, by their changes since the last reading.

    It may be used by several threads, each with its own cameras. `read` reads one picture.
    """

    def __init__(self, read: Read, rules: WatchRules = WatchRules()) -> None:
        self._read, self._rules = read, rules
        self._cameras: dict[str, _Memory] = {}
        self._lock = threading.Lock()

    def __call__(self, camera_id: str, captured_at: datetime, image: Image) -> list[PlateRead]:
        """Return the plates in `image` (height x width x 3, BGR), most confident first."""
        blocks = gray_blocks(image, self._rules.block)
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
        """Return whether the memory is valid; frames out of order, or after a pause, are read completely."""
        return known.seen_at <= at and at - known.whole_at < self._rules.whole

    def _part(self, known: _Memory, blocks: Grey, image: Image, at: datetime) -> _Memory:
        part = self._changed(known.blocks, blocks, image.shape)
        if part is None:
            return replace(known, seen_at=at)
        part = _grow(part, [read.box for read in known.reads])
        left, top, right, bottom = part
        if (right - left) * (bottom - top) >= self._rules.part * image.shape[0] * image.shape[1]:
            return _Memory(image.shape, blocks, self._read(image), at, at)
        found = [_translate(read, left, top) for read in self._read(image[top:bottom, left:right])]
        unchanged = [read for read in known.reads if not _touches(read.box, part)]
        reads = sorted(found + unchanged, key=lambda read: -read.confidence)
        looked = known.blocks.copy()
        size = self._rules.block
        there = np.s_[top // size : -(-bottom // size), left // size : -(-right // size)]
        looked[there] = blocks[there]
        return _Memory(image.shape, looked, reads, known.whole_at, at)

    def _changed(self, before: Grey, now: Grey, shape: tuple[int, ...]) -> Part | None:
        """Return the part that differs, with a margin, or None."""
        rows, columns = np.nonzero(changed_blocks(before, now, self._rules))
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
        """Drop the reads of silent cameras, so that no plate stays in memory."""
        old = [camera for camera, known in self._cameras.items() if at - known.seen_at > self._rules.whole]
        for camera in old:
            del self._cameras[camera]


def _translate(read: PlateRead, left: int, top: int) -> PlateRead:
    x, y, width, height = read.box
    return replace(read, box=(x + left, y + top, width, height))


def _grow(part: Part, boxes: Sequence[Box]) -> Part:
    """Return the part, grown so that no known plate is cut."""
    left, top, right, bottom = part
    for x, y, width, height in (box for box in boxes if _touches(box, part)):
        left, top = min(left, x), min(top, y)
        right, bottom = max(right, x + width), max(bottom, y + height)
    return left, top, right, bottom


def _touches(box: Box, part: Part) -> bool:
    x, y, width, height = box
    left, top, right, bottom = part
    return x < right and left < x + width and y < bottom and top < y + height
