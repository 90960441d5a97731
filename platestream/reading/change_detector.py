"""Change detector that reads only the changed part of a camera's picture.

Most frames of a street show nothing new. A camera's last picture is stored as a small gray one together with
its reads. Of the next picture only the part that differs is read; reads elsewhere remain valid. A part that
looks as it did when nothing was read there, as after a vehicle, is not read again. Plates that were read
confidently are followed (`following`). Every `WatchRules.check` all that does not look as it did without
plates counts as changed; every `WatchRules.whole` the complete picture is read, whatever changed.

The memory is a cache beside the stream and not its state. After a restart a camera's first frame is read
completely, with the same result as without memory.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import cv2
import numpy as np
import numpy.typing as npt

from platestream.reading.changes import Blocks, Changes, Part
from platestream.reading.following import Follower, Locate, Track, covers
from platestream.reading.geometry import Box, Image
from platestream.schemas.reading import PlateRead

Read = Callable[[Image], list[PlateRead]]
Grey = npt.NDArray[np.float32]


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
    check: timedelta = timedelta(seconds=10)
    whole: timedelta = timedelta(seconds=60)
    """Time after which all that does not look as it did without plates is read, and the complete picture."""


def gray_blocks(image: Image, size: int) -> Grey:
    """Return the mean gray of each block (rows x columns); the last ones include the remainder."""
    shape = (max(image.shape[1] // size, 1), max(image.shape[0] // size, 1))
    # Halved twice: means are as exact, fewer pixels are converted to gray, and it takes a third of the time.
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    small = cv2.resize(half, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(gray, shape, interpolation=cv2.INTER_AREA), np.float32)


def changed_blocks(before: Grey, now: Grey, rules: WatchRules) -> Blocks:
    """Return for each block whether it differs, apart from a small change of the whole picture.

    A block that is unknown before (NaN) differs.
    """
    difference = now - before
    known = difference[~np.isnan(difference)]
    shared = np.clip(np.median(known), -rules.shared, rules.shared) if known.size else 0.0
    return np.asarray(~(np.abs(difference - shared) < rules.difference))


@dataclass(frozen=True)
class _Memory:
    """A camera's picture at the last reading of each of its parts; all of it was read at `whole_at`.

    `empty` are two values of each block at which it was read without a plate near it, NaN if there is none:
    the usual one, as of the street, and the newest other one, as of a vehicle that has no legible plate.
    """

    blocks: Grey
    empty: tuple[Grey, Grey]
    tracks: list[Track]
    checked_at: datetime
    whole_at: datetime
    seen_at: datetime
    shape: tuple[int, ...]

    @property
    def reads(self) -> list[PlateRead]:
        seen = (one.read for one in self.tracks if one.gone_at is None)
        return sorted(seen, key=lambda read: -read.confidence)


class ChangeDetector:
    """Reader of a camera's frames, in order of capture, by their changes since the last reading.

    It may be used by several threads, each with its own cameras. `read` reads one picture. With `locate`,
    which finds serials without reading them, plates are followed; `closely` reads a small picture around one,
    whose longer side is shrunk to a number of pixels to find it (0: as `read` does), and which may be known.
    """

    def __init__(
        self,
        read: Read,
        rules: WatchRules = WatchRules(),
        locate: Locate | None = None,
        closely: Callable[[Image, int, PlateRead | None], list[PlateRead]] | None = None,
    ) -> None:
        self._read, self._rules = read, rules
        self._closely = closely or (lambda image, _longest, _known: read(image))
        self._follower = Follower(locate or (lambda _image, _longest: []))
        self._cameras: dict[str, _Memory] = {}
        self._lock = threading.Lock()

    def __call__(self, camera_id: str, captured_at: datetime, image: Image) -> list[PlateRead]:
        """Return the plates in `image` (height x width x 3, BGR), most confident first."""
        blocks = gray_blocks(image, self._rules.block)
        with self._lock:
            self._forget(captured_at)
            known = self._cameras.pop(camera_id, None)
        if known is not None and (known.shape != image.shape or known.seen_at > captured_at):
            known = None
        if known is None:
            unknown = np.full_like(blocks, np.nan)
            at = captured_at
            known = _Memory(unknown, (unknown, unknown), [], at, at, at, image.shape)
            memory = self._whole(known, blocks, image, captured_at)
        elif captured_at - known.whole_at < self._rules.whole:
            memory = self._changed(self._checked(known, blocks, captured_at), blocks, image, captured_at)
        else:
            memory = self._whole(known, blocks, image, captured_at)
        with self._lock:
            self._cameras[camera_id] = memory
        return memory.reads

    def _whole(self, known: _Memory, blocks: Grey, image: Image, at: datetime) -> _Memory:
        """Read all of a picture."""
        moving, new = self._unlike(known, blocks)
        if np.isnan(known.blocks).all():  # the first picture: what its vehicles change is unknown
            new = np.zeros_like(new)
        fresh = self._renewed(self._read(image), known.tracks, self._changes(new, image), at)
        every = (0, 0, image.shape[1], image.shape[0])
        empty = self._emptied(known, blocks, fresh, every, moving)
        known = replace(known, blocks=blocks, empty=empty, tracks=fresh)
        return replace(known, checked_at=at, whole_at=at, seen_at=at)

    def _checked(self, known: _Memory, blocks: Grey, at: datetime) -> _Memory:
        """Return the memory, where a check is due without the blocks that do not look as they did when no
        plate was there: they count as changed then.
        """
        if at - known.checked_at < self._rules.check:
            return known
        usual, other = (changed_blocks(one, blocks, self._rules) for one in known.empty)
        return replace(known, blocks=np.where(usual & other, np.nan, known.blocks), checked_at=at)

    def _unlike(self, known: _Memory, blocks: Grey) -> tuple[Blocks, Blocks]:
        """Return the blocks that differ from the last ones, and those of them that do not look as they did
        when nothing was there.
        """
        differs = changed_blocks(known.blocks, blocks, self._rules)
        if not differs.any():
            return differs, differs
        usual, other = (changed_blocks(one, blocks, self._rules) for one in known.empty)
        return differs, differs & usual & other

    def _changed(self, known: _Memory, blocks: Grey, image: Image, at: datetime) -> _Memory:
        """Follow the known plates, and read the changes that they do not explain."""
        differs, new = self._unlike(known, blocks)
        changes = self._changes(new, image)
        still, moved, gone = self._followed(known.tracks, self._changes(differs, image), image, at)
        moved = self._explained(moved, gone, changes, image, at)
        looked = np.where(differs, blocks, known.blocks)
        part = changes.rest()
        if part is None:
            return replace(known, blocks=looked, tracks=[*still, *moved, *gone], seen_at=at)
        part = _grow(part, [one.box for one in (*known.tracks, *moved) if one.gone_at is None])
        left, top, right, bottom = part
        before = [*moved, *known.tracks]
        if (right - left) * (bottom - top) >= self._rules.part * image.shape[0] * image.shape[1]:
            return self._whole(replace(known, tracks=before), blocks, image, at)
        seen = image[top:bottom, left:right]
        longest = self._follower.longest_side(seen, [one for one in moved if _touches(one.box, part)])
        found = [_translate(read, left, top) for read in self._closely(seen, longest, None)]
        # In the place of a plate that leaves the picture is the rest of it.
        found = [one for one in found if not any(covers(one.box, other.box) for other in gone)]
        fresh = self._renewed(found, before, changes, at)
        kept = [one for one in still if not _touches(one.box, part)]
        kept += [one for one in moved if not any(covers(other.box, one.box) for other in fresh)]
        there = changes.blocks_of(part)
        looked[there] = blocks[there]
        tracks = [*kept, *fresh, *gone]
        empty = self._emptied(known, blocks, tracks, part, differs)
        return replace(known, blocks=looked, empty=empty, tracks=tracks, seen_at=at)

    def _changes(self, blocks: Blocks, image: Image) -> Changes:
        return Changes(blocks, image.shape, self._rules.margin)

    def _followed(
        self, tracks: Iterable[Track], differs: Changes, image: Image, at: datetime
    ) -> tuple[list[Track], list[Track], list[Track]]:
        """Return the tracks where nothing changed, those that were found again, and those whose plate has
        left the picture; others are lost.
        """
        still, moved, gone = list[Track](), list[Track](), list[Track]()
        for track in tracks:
            visible = track.gone_at is None
            stands = visible and not differs.groups(track.box)
            if stands and not (track.read.followed and self._follower.is_due(track, at)):
                still.append(replace(track, seen_at=at))
            elif visible and (found := self._follower.find(image, track, at)) is not None:
                moved.append(found)
            elif (left := self._follower.leave(track, image, at)) is not None:
                gone.append(left)
        return still, moved, gone

    def _explained(
        self, moved: list[Track], gone: list[Track], changes: Changes, image: Image, at: datetime
    ) -> list[Track]:
        """Leave out the changes that known plates explain; return those in view, read where that is due."""
        groups = {number: list[Track]() for number in range(changes.count + 1)}
        for one in moved:
            groups[min(changes.groups(one.box), default=0)].append(one)
        out = list[Track]()
        for number, tracks in groups.items():
            span = changes.span(number)
            if number and not tracks and any(self._follower.explains([one], span) for one in gone):
                changes.drop(number)
            if number and not self._follower.explains(tracks, span):
                out += tracks
                continue
            if number and not self._follower.is_searched(tracks, at):
                if self._follower.others(moved, image, span):
                    out += tracks
                    continue
                tracks = [replace(one, searched_at=at) for one in tracks]
            read = [self._read_if_due(one, image, at) for one in tracks]
            if number and None not in read:
                changes.drop(number)
            out += [again or one for again, one in zip(read, tracks, strict=True)]
        return out

    def _read_if_due(self, track: Track, image: Image, at: datetime) -> Track | None:
        """Return a plate that was found again, with a new read if that is due; None if it cannot be read."""
        if not self._follower.is_due(track, at):
            return track
        part, (left, top), longest = self._follower.surroundings(track, image)
        known = self._follower.known(track)
        reads = [_translate(read, left, top) for read in self._closely(part, longest, known)]
        read = next((one for one in reads if covers(one.box, track.box)), None)
        return None if read is None else self._follower.read_closely(track, read, at)

    def _renewed(
        self, reads: Iterable[PlateRead], known: Sequence[Track], changes: Changes, at: datetime
    ) -> list[Track]:
        """Return the tracks of what was read in this frame."""
        tracks = list[Track]()
        for read in reads:
            groups = changes.groups(read.box)
            around = changes.span(min(groups)) if len(groups) == 1 else None
            tracks.append(self._follower.renew(read, at, known, around, changes.shape))
        return tracks

    def _emptied(
        self, known: _Memory, blocks: Grey, tracks: Iterable[Track], part: Part, moving: Blocks
    ) -> tuple[Grey, Grey]:
        """Return `empty` with the blocks of a part that was read, except around plates.

        The other value of a block becomes the usual one if it is seen again while nothing moves.
        """
        where = Changes(np.zeros(blocks.shape, np.bool_), known.shape, 0)
        free = np.zeros(blocks.shape, np.bool_)
        free[where.blocks_of(part)] = True
        for track in tracks:
            free[where.blocks_of(self._follower.vehicle(track))] = False
        usual, other = known.empty
        same = np.isnan(usual) | ~changed_blocks(usual, blocks, self._rules)
        stands = ~same & (not moving.any()) & ~changed_blocks(other, blocks, self._rules)
        now_other = np.where(free & ~same & ~stands, blocks, np.where(free & stands, usual, other))
        return np.where(free & ((same & ~moving) | stands | np.isnan(usual)), blocks, usual), now_other

    def _forget(self, at: datetime) -> None:
        """Drop the reads of silent cameras, so that no plate stays in memory, and later all of them."""
        old = [one for one in self._cameras.items() if at - one[1].seen_at > self._rules.check]
        for camera, known in old:
            self._cameras[camera] = replace(known, tracks=[])
            if at - known.seen_at > self._rules.whole:
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
