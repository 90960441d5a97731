"""Plates that are followed from frame to frame, so that one that was read confidently is not read each time.

A vehicle is in view for many frames, and reading its plate costs several times as much as finding it again. A
plate that several frames read alike is only located in the next ones, near its expected place. It is read
again when it has become larger, and after a while.

The changed part of the picture around a plate is its vehicle. It grows and shrinks with the plate. Where it
extends further, something else may have come, and the part is read as if nothing was known.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import exp, log

from platestream.reading.changes import Part
from platestream.reading.geometry import Box, Image
from platestream.schemas.reading import PlateRead

Locate = Callable[[Image, int], list[Box]]
"""Returns the boxes of serials in a picture whose longer side is shrunk to a number of pixels."""

UNKNOWN = (0.0, 0.0, 0.0)
"""Motion of a plate that was seen once, or of one that stands."""


@dataclass(frozen=True)
class FollowRules:
    """Rules of following. Lengths are in widths of the plate."""

    confidence: float = 0.85
    reads: int = 2
    """Reads of one text in a row, with that confidence, after which a plate is followed."""
    again: timedelta = timedelta(seconds=2)
    growth: float = 1.5
    """Time, and growth of the plate, after which it is read again."""
    search: timedelta = timedelta(seconds=1)
    """Time after which all of the change around it is searched for other serials again."""
    pause: timedelta = timedelta(seconds=0.6)
    """Longest time between two frames across which a plate is found again."""
    near: tuple[float, float] = (1.4, 0.9)
    around: tuple[float, float] = (1.75, 1.25)
    """Parts of the picture beside and above the plate's center that are searched for it, and read."""
    off: float = 0.9
    """Distance of the plate from its expected place at most."""
    unknown: float = 2.0
    """Factor of the search for it and of this distance, while its motion is not known."""
    sizes: tuple[float, float] = (0.6, 1.6)
    """Range of its width, relative to the expected one."""
    pixels: tuple[int, int] = (56, 80)
    """Widths in pixels to which it is shrunk in the search for it, and before it is read."""
    widest: int = 640
    """Pixels to which the longer side of a part is shrunk that is searched for other serials."""
    further: float = 1.15
    tolerance: float = 0.75
    """Factor and margin by which the change around a plate may grow beyond that at its last read."""
    vehicle: tuple[float, float, float, float] = (5.5, 6.0, 5.5, 3.5)
    """Most that the change around one vehicle extends to the left, above, right and below its plate."""
    haste: float = 1.5
    """Factor of its motion with which a plate that is not found may have left the picture."""
    leaving: timedelta = timedelta(seconds=0.6)
    """Longest time for which a vehicle is expected whose plate has left the picture."""


@dataclass(frozen=True)
class Track:
    """A plate in view: `read` with its current box, when it was seen and read, and its motion.

    `reach` is how far the change around it extended to the left, above, right and below its center at its
    last read, in its widths; None if this is unknown or too much for one vehicle. All of it was read at
    `searched_at`. `motion` is pixels a second to the right and down, and growth (logarithm) a second.
    Since `gone_at` the plate is beyond the edge of the picture.
    """

    read: PlateRead
    seen_at: datetime
    read_at: datetime
    searched_at: datetime
    read_width: int
    agreed: int = 0
    reach: tuple[float, float, float, float] | None = None
    motion: tuple[float, float, float] = UNKNOWN
    gone_at: datetime | None = None

    @property
    def box(self) -> Box:
        return self.read.box


class Follower:
    """Search for plates that are known from the frame before; `locate` finds serials without reading."""

    def __init__(self, locate: Locate, rules: FollowRules = FollowRules()) -> None:
        self._locate, self._rules = locate, rules

    def find(self, image: Image, track: Track, at: datetime) -> Track | None:
        """Return the track with the plate's place in `image`, or None where it is not clearly found."""
        rules, seconds = self._rules, (at - track.seen_at).total_seconds()
        if not 0 < seconds <= rules.pause.total_seconds():
            return None
        x, y, width, height = self._ahead(track, seconds)
        center = x + width / 2, y + height / 2
        wider = rules.unknown if track.motion == UNKNOWN else 1.0
        part, (left, top) = _cut(image, center, wider * width, rules.near)
        if part.shape[1] < width / 2 or part.shape[0] < height:
            return None
        found = self._locate(part, _longest(part, self._rules.pixels[0] / width))
        placed = [(left + one[0], top + one[1], one[2], one[3]) for one in found]
        near = [box for box in placed if self._is_near(box, center, width, wider * rules.off)]
        if len(near) != 1:
            return None
        return _moved(track, near[0], at)

    def leave(self, track: Track, image: Image, at: datetime) -> Track | None:
        """Return the track of a plate that is expected beyond the edge of `image`; None for any other."""
        seconds = (at - track.seen_at).total_seconds()
        since = track.gone_at or at
        if not 0 < seconds <= self._rules.pause.total_seconds() or at - since > self._rules.leaving:
            return None
        x, y, width, height = self._ahead(track, self._rules.haste * seconds)
        if x >= 0 and y >= 0 and x + width <= image.shape[1] and y + height <= image.shape[0]:
            return None
        box = round(x), round(y), round(width), round(height)
        return replace(track, read=replace(track.read, box=box), seen_at=at, gone_at=since)

    def _ahead(self, track: Track, seconds: float) -> tuple[float, float, float, float]:
        """Return the box in which the plate is expected some seconds after it was seen."""
        x, y, width, height = track.box
        right, down, grows = track.motion
        factor = min(max(exp(grows * seconds), self._rules.sizes[0]), self._rules.sizes[1])
        middle, level = x + width / 2 + right * seconds, y + height / 2 + down * seconds
        return middle - width * factor / 2, level - height * factor / 2, width * factor, height * factor

    def surroundings(self, track: Track, image: Image) -> tuple[Image, tuple[int, int], int]:
        """Return the part of the picture in which a plate is read, its left and top, and the length of its
        longer side that is enough to find the plate.
        """
        x, y, width, height = track.box
        part, corner = _cut(image, (x + width / 2, y + height / 2), width, self._rules.around)
        return part, corner, _longest(part, self._rules.pixels[1] / max(width, 1))

    def longest_side(self, part: Image, tracks: Iterable[Track]) -> int:
        """Return the length of a part's longer side that is enough to find these plates; 0 without any."""
        return self._shrunk(part, tracks, self._rules.pixels[1])

    def _shrunk(self, part: Image, tracks: Iterable[Track], pixels: int) -> int:
        """Return the length of a part's longer side at which the smallest of these plates is so wide."""
        width = min((one.box[2] for one in tracks), default=0)
        return min(self._rules.widest, _longest(part, pixels / width)) if width else 0

    def others(self, tracks: Sequence[Track], image: Image, change: Part) -> bool:
        """Return whether a change has serials that are not these plates."""
        left, top, right, bottom = change
        part = image[top:bottom, left:right]
        boxes = [one.box for one in tracks]
        found = self._locate(part, self._shrunk(part, tracks, self._rules.pixels[0]))
        placed = [(left + one[0], top + one[1], one[2], one[3]) for one in found]
        return any(not any(covers(box, one) for box in boxes) for one in placed)

    def is_due(self, track: Track, at: datetime) -> bool:
        """Return whether the plate itself is to be read in this frame."""
        rules = self._rules
        return (
            track.agreed < rules.reads
            or track.box[2] >= rules.growth * track.read_width
            or at - track.read_at >= rules.again
        )

    def known(self, track: Track) -> PlateRead | None:
        """Return the read that the next one has to confirm; None if the plate was confirmed before, and is
        read because there may be more to see.
        """
        return track.read if track.agreed < self._rules.reads else None

    def renew(
        self,
        read: PlateRead,
        at: datetime,
        known: Iterable[Track],
        around: Part | None,
        shape: tuple[int, int],
    ) -> Track:
        """Return the track of a read of a part of this frame; `around` is the change around the plate.

        `known` are the tracks that may be of the same plate, `shape` is the frame's height and width.
        """
        before = next((one for one in known if one.read.plate == read.plate), None)
        agreed = 0 if before is None else before.agreed
        reach = None if around is None else _reach(read.box, around)
        if reach and any(one > most for one, most in zip(reach, self._rules.vehicle, strict=True)):
            reach = None
        if reach and around:
            reach = self._beyond(reach, around, shape)
        motion = UNKNOWN if before is None else _motion(before, read.box, at)
        return Track(read, at, at, at, read.box[2], agreed + self._counts(read), reach, motion)

    def read_closely(self, track: Track, read: PlateRead, at: datetime) -> Track:
        """Return a track that was found again in this frame, with a read of the plate alone."""
        agreed = track.agreed if read.plate == track.read.plate else 0
        agreed += self._counts(read)
        return replace(track, read=read, seen_at=at, read_at=at, read_width=read.box[2], agreed=agreed)

    def _beyond(
        self, reach: tuple[float, float, float, float], around: Part, shape: tuple[int, int]
    ) -> tuple[float, float, float, float]:
        """Return the reach of a vehicle of which the picture's edge cuts off a part: to the side it is as
        wide as on the other one.
        """
        left, above, right, below = reach
        return (
            max(left, right) if around[0] <= 0 else left,
            self._rules.vehicle[1] if around[1] <= 0 else above,
            max(left, right) if around[2] >= shape[1] else right,
            self._rules.vehicle[3] if around[3] >= shape[0] else below,
        )

    def _counts(self, read: PlateRead) -> bool:
        return read.confidence >= self._rules.confidence

    def explains(self, tracks: Sequence[Track], change: Part) -> bool:
        """Return whether a change extends no further than the vehicles of these plates."""
        known = [one for track in tracks if (one := self._expected(track)) is not None]
        if not known or len(known) < len(tracks):
            return False
        left, top, right, bottom = (
            min(one[0] for one in known),
            min(one[1] for one in known),
            max(one[2] for one in known),
            max(one[3] for one in known),
        )
        return left <= change[0] and top <= change[1] and change[2] <= right and change[3] <= bottom

    def is_searched(self, tracks: Iterable[Track], at: datetime) -> bool:
        """Return whether all that changed around these plates was searched shortly before."""
        return all(at - track.searched_at < self._rules.search for track in tracks)

    def vehicle(self, track: Track) -> Part:
        """Return the part of the picture that the plate's vehicle may cover, at least."""
        x, y, width, height = track.box
        left, top, right, bottom = self._expected(track) or (
            x + width / 2 - 4 * width,
            y + height / 2 - 4 * width,
            x + width / 2 + 4 * width,
            y + height / 2 + 2 * width,
        )
        return max(int(left), 0), max(int(top), 0), int(right) + 1, int(bottom) + 1

    def _expected(self, track: Track) -> tuple[float, float, float, float] | None:
        if track.reach is None:
            return None
        x, y, width, height = track.box
        rules = self._rules
        left, up, right, down = (width * (rules.further * one + rules.tolerance) for one in track.reach)
        return x + width / 2 - left, y + height / 2 - up, x + width / 2 + right, y + height / 2 + down

    def _is_near(self, box: Box, expected: tuple[float, float], width: float, off: float) -> bool:
        across, down = box[0] + box[2] / 2 - expected[0], box[1] + box[3] / 2 - expected[1]
        low, high = self._rules.sizes
        return low <= box[2] / width <= high and (across**2 + down**2) ** 0.5 <= off * width


def _moved(track: Track, box: Box, at: datetime) -> Track:
    read = replace(track.read, box=box, followed=True)
    return replace(track, read=read, seen_at=at, motion=_motion(track, box, at))


def _motion(before: Track, box: Box, at: datetime) -> tuple[float, float, float]:
    seconds = (at - before.seen_at).total_seconds()
    if seconds <= 0:
        return before.motion
    x, y, width, height = before.box
    right = box[0] + box[2] / 2 - x - width / 2
    down = box[1] + box[3] / 2 - y - height / 2
    return right / seconds, down / seconds, log(max(box[2], 1) / max(width, 1)) / seconds


def _reach(box: Box, around: Part) -> tuple[float, float, float, float]:
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    left, top, right, bottom = around
    sides = x - left, y - top, right - x, bottom - y
    first, second, third, fourth = (max(one, 0.0) / max(box[2], 1) for one in sides)
    return first, second, third, fourth


def covers(box: Box, other: Box) -> bool:
    """Return whether the center of one of two boxes is in the other."""
    return any(
        x <= u + w / 2 <= x + width and y <= v + h / 2 <= y + height
        for (x, y, width, height), (u, v, w, h) in ((box, other), (other, box))
    )


def _cut(
    image: Image, center: tuple[float, float], width: float, share: tuple[float, float]
) -> tuple[Image, tuple[int, int]]:
    """Return the picture so many widths beside and above a center, with its left and top."""
    x, y = center
    beside, above = share[0] * width, share[1] * width
    left, top = max(int(x - beside), 0), max(int(y - above), 0)
    return image[top : max(int(y + above) + 1, 0), left : max(int(x + beside) + 1, 0)], (left, top)


def _longest(part: Image, scale: float) -> int:
    """Return the longer side of a part that is shrunk by `scale`; it is never enlarged."""
    return int(max(part.shape[:2]) * min(1.0, scale))
