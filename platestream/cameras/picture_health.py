"""Health of a camera's picture while it runs: moved, blurred, dark or covered.

A few small gray pictures a minute are compared with pictures of the same camera that were learned over time.
Their median over `RULES.window` samples leaves out what passes. Blocks of the picture are compared by their
correlation, which neither brightness nor contrast changes. A part of the picture may differ (a parked truck),
and dusk is no fault. Each kind of light has a reference of its own: day, dusk and night, in color and
in infrared. A fault needs several judgments in a row, and ends with several good ones.

It uses no clock and no file: times are arguments, and `Memory` outlives a restart.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import cv2
import msgspec
import numpy as np
import numpy.typing as npt

from platestream.cameras.capture import Pixels
from platestream.cameras.picture_states import FAULTS, PictureState

Small = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Sharpness = tuple[float, float]
WIDTH, BLOCK = 320, 20
"""Pixels of the small picture and of its blocks."""
TURNS = (0.0, 2.5, -2.5, 5.0, -5.0)
"""Turns about the camera's axis in degrees that are tried."""


@dataclass(frozen=True)
class Rules:
    """Limits of the judgments. Brightness is 0 to 255, shares are 0 to 1, times are in seconds."""

    every: float = 20.0
    window: int = 5
    """Samples of a median; a vehicle in fewer than half of them is left out."""
    raises: int = 12
    clears: int = 4
    """Judgments in a row that begin a fault, and that end it. A bus that stops before the camera is none."""
    texture: float = 4.0
    """Least standard deviation of a block that is compared."""
    alike: float = 0.5
    """Least correlation of two blocks that show the same."""
    differs: float = 0.35
    agrees: float = 0.5
    """Share of alike blocks below which a picture is another one, and from which a fault ends."""
    empty: float = 0.35
    """Share of textured blocks that are left, below which the camera is covered."""
    same: float = 0.8
    """Share of alike blocks from which the camera has not moved."""
    few: float = 0.05
    """Share of textured blocks below which a picture has nothing to compare, as at night without light."""
    shift: float = 5.0
    """Least shift in pixels of the small picture, 1.6 % of its width."""
    gain: float = 0.15
    """Least share of blocks that a shift makes alike."""
    sharp: float = 0.5
    """Share of the usual sharpness below which the picture is blurred."""
    black: float = 28.0
    lit: float = 60.0
    """Brightness of the brightest parts: nothing is visible below `black`; it is day or lit from `lit` on."""
    recent: int = 12
    """Good judgments before the current one with which it is compared: four minutes."""
    days: int = 2
    """Days after which the usual brightness of an hour is known."""
    adapts: float = 1 / 90
    """Weight of a good picture in its reference: half an hour."""
    steady: float = 1 / 20_000
    """Weight in the usual sharpness: five days."""


RULES = Rules()


class Sample(NamedTuple):
    """A small picture: gray, its sharpness, and whether it has colors. `visible` is 0 below a mask.

    `sharpness` is the share of detail in the next coarser detail, for fine and for middle detail, 0 to 1.
    """

    gray: Small
    sharpness: Sharpness
    colored: bool
    visible: Small


class Reference(msgspec.Struct):
    """A learned picture of one kind of light: the current one and the first, as bytes of gray pixels."""

    current: bytes
    first: bytes
    sharpness: Sharpness
    count: int = 1


class Memory(msgspec.Struct):
    """Memory of a camera. `hours` has the usual brightness of each hour (UTC), its days and the last one."""

    height: int = 0
    references: dict[str, Reference] = {}
    hours: dict[int, tuple[float, int, int]] = {}
    state: PictureState = ""
    since: float = 0.0


def take_sample(pixels: Pixels, visible: Pixels | None = None) -> Sample:
    """Return the sample of a picture (height x width x 3, BGR); `visible` is 0 where it is masked."""
    high, wide = pixels.shape[:2]
    size = (WIDTH, max(2 * BLOCK, round(WIDTH * high / wide / BLOCK) * BLOCK))
    double = cv2.resize(pixels, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_AREA)
    fine = cv2.cvtColor(double, cv2.COLOR_BGR2GRAY)
    gray = cv2.resize(fine, size, interpolation=cv2.INTER_AREA)
    tiny = cv2.resize(double, (WIDTH // BLOCK, size[1] // BLOCK), interpolation=cv2.INTER_AREA).astype(
        np.int16
    )
    colored = bool((tiny.max(axis=2) - tiny.min(axis=2)).mean() > 4)
    shown = np.full((size[1], size[0]), 255, np.uint8)
    if visible is not None:
        shown = np.asarray(cv2.resize(visible, size, interpolation=cv2.INTER_AREA), np.uint8)
    return Sample(np.asarray(gray, np.uint8), _sharpness(np.asarray(fine, np.float32), shown), colored, shown)


def _sharpness(fine: Floats, shown: Small) -> Sharpness:
    """Return the sharpness of the blocks with the most middle detail."""
    inside = _inside(shown)
    if not inside.any():
        return 0.0, 0.0
    soft = cv2.GaussianBlur(fine, (0, 0), 1.0)
    softer = cv2.GaussianBlur(soft, (0, 0), 3.0)
    coarse = cv2.resize(softer, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    coarser = cv2.GaussianBlur(coarse, (0, 0), 4.0)
    bands = (
        _blocks(np.asarray((fine - soft) ** 2, np.float32), 2 * BLOCK),
        _blocks(np.asarray((soft - softer) ** 2, np.float32), 2 * BLOCK),
        _blocks(np.asarray((coarse - coarser) ** 2, np.float32)),
    )
    most = inside & (bands[2] >= np.quantile(bands[2][inside], 0.6))
    high, middle = (
        float(np.median(one[most] / (one[most] + other[most] + 0.5))) for one, other in pairwise(bands)
    )
    return high, middle


class PictureWatch:
    """Watch of one camera's picture, whose samples come `Rules.every` seconds apart or later."""

    def __init__(self, memory: Memory | None = None, rules: Rules = RULES) -> None:
        self.memory = memory or Memory()
        self._rules = rules
        self._samples: deque[Sample] = deque(maxlen=rules.window)
        self._levels: deque[float] = deque(maxlen=rules.recent)
        self._textures: deque[int] = deque(maxlen=rules.recent)
        self._kinds: deque[str] = deque(maxlen=rules.window)
        self._suspected: PictureState = ""
        self._in_a_row = 0
        if self.memory.state == "":
            self.memory.state = "learning"

    @property
    def state(self) -> PictureState:
        """The state of the picture."""
        return self.memory.state

    @property
    def suspected(self) -> bool:
        """True while the last judgment differs from the state."""
        return bool(self._in_a_row)

    def take(self, sample: Sample, at: float) -> bool:
        """Judge with one more sample, at seconds since 1970; return whether the state changed."""
        if self.memory.height != sample.gray.shape[0]:
            self.memory = Memory(height=sample.gray.shape[0], state="learning", since=at)
            self._samples.clear()
            self._levels.clear()
            self._textures.clear()
        self._samples.append(sample)
        if len(self._samples) < self._rules.window:
            return False
        picture = np.asarray(np.median([one.gray for one in self._samples], axis=0), np.uint8)
        high, middle = np.median([one.sharpness for one in self._samples], axis=0)
        sharpness = float(high), float(middle)
        inside = sample.visible >= 255
        level = float(np.quantile(picture[inside], 0.98)) if inside.any() else 255.0
        kind = _kind(picture[inside], sum(one.colored for one in self._samples) * 2 > self._rules.window)
        found = self._judge(picture, sharpness, level, kind, sample.visible, at)
        self._kinds.append(kind)
        changed = self._count(found, at)
        if found == "good" and self.memory.state in ("good", "learning"):
            self._levels.append(level)
            self._textures.append(int(_textured(picture, sample.visible, self._rules).sum()))
            self._learn(picture, sharpness, kind)
            self._learn_hour(level, at)
        return changed

    def _judge(
        self, picture: Small, sharpness: Sharpness, level: float, kind: str, visible: Small, at: float
    ) -> PictureState:
        rules, known = self._rules, self.memory.references
        if not known:
            return "good"
        if level < rules.black:
            return self._judge_black(at)
        switched = bool(self._kinds) and self._kinds[0][0] != kind[0] and kind not in known
        views = [_unpack(one.current, self.memory.height) for one in known.values()]
        shares = [_alike(view, picture, visible, rules) for view in views]
        best = max(range(len(views)), key=shares.__getitem__)
        left = int(_textured(picture, visible, rules).sum())
        usual = min(self._textures, default=int(_textured(views[best], visible, rules).sum()))
        comparable = usual >= rules.few * _inside(visible).sum()
        if comparable and left < rules.empty * usual:
            return "blurred" if _alike_coarsely(views[best], picture) else "covered"
        own = known.get(kind)
        mature = own is not None and own.count >= rules.window
        compared = own if own is not None and mature else list(known.values())[best]
        if shares[best] >= rules.differs:
            if self._has_moved(_unpack(compared.first, self.memory.height), picture, visible):
                return "moved"
            if mature and any(
                now < rules.sharp * before for now, before in zip(sharpness, compared.sharpness, strict=True)
            ):
                return "blurred"
        if shares[best] >= (rules.differs if self.memory.state not in FAULTS else rules.agrees):
            return "good"
        if not comparable or (switched and self.memory.state not in FAULTS):  # new light, for the first time
            return "good"
        return "moved"

    def _judge_black(self, at: float) -> PictureState:
        """Judge a picture in which nothing is visible: at night without light this is no fault."""
        before = min(self._levels, default=0.0)
        if self.memory.state in FAULTS:
            return self.memory.state
        if self._suspected in ("dark", "covered"):
            return self._suspected
        if before >= 2 * self._rules.lit:
            return "covered"
        if before >= self._rules.lit or self._is_lit_now(at):
            return "dark"
        return "good"

    def _is_lit_now(self, at: float) -> bool:
        """Return whether the picture is usually lit in this hour, the one before and the one after."""
        hour = int(at // 3600) % 24
        usual = [self.memory.hours.get((hour + near) % 24, (0.0, 0, 0)) for near in (-1, 0, 1)]
        return all(days >= self._rules.days and level >= self._rules.lit for level, days, _day in usual)

    def _has_moved(self, view: Small, picture: Small, visible: Small) -> bool:
        """Return whether a shift or a turn of the picture makes clearly more blocks alike."""
        here = _alike(view, picture, visible, self._rules)
        return here < self._rules.same and any(
            _distance(motion, view) >= self._rules.shift
            and _alike(_moved(view, motion), picture, visible, self._rules) >= here + self._rules.gain
            for motion in _motions(view, picture, visible)
        )

    def _count(self, found: PictureState, at: float) -> bool:
        """Count judgments in a row; return whether the state changed."""
        memory, rules = self.memory, self._rules
        if memory.state == "learning" and found == "good":
            learned = max((one.count for one in memory.references.values()), default=0)
            if learned + 1 >= rules.window:
                memory.state, memory.since = "good", at
                return True
        if found == memory.state or (found == "good" and memory.state == "learning"):
            self._suspected, self._in_a_row = "", 0
            return False
        same_kind = found == self._suspected or (found in FAULTS and self._suspected in FAULTS)
        self._in_a_row = self._in_a_row + 1 if same_kind else 1
        self._suspected = found
        if self._in_a_row < (rules.clears if found == "good" else rules.raises):
            return False
        memory.state, memory.since = found, at
        self._suspected, self._in_a_row = "", 0
        return True

    def _learn(self, picture: Small, sharpness: Sharpness, kind: str) -> None:
        own = self.memory.references.get(kind)
        if own is None:
            packed = picture.tobytes()
            self.memory.references[kind] = Reference(packed, packed, sharpness)
            return
        own.count += 1
        weight = max(self._rules.adapts, 1 / own.count)
        view = _unpack(own.current, self.memory.height).astype(np.float32)
        # Rounded away from the current value, so that small differences are learned, too.
        step = (picture.astype(np.float32) - view) * weight
        own.current = np.asarray(
            np.clip(view + np.sign(step) * np.ceil(np.abs(step)), 0, 255), np.uint8
        ).tobytes()
        if own.count <= 3 * self._rules.window:
            own.first = own.current
        weight = max(self._rules.steady, 1 / own.count)
        high, middle = (old + (new - old) * weight for old, new in zip(own.sharpness, sharpness, strict=True))
        own.sharpness = high, middle

    def _learn_hour(self, level: float, at: float) -> None:
        hour, day = int(at // 3600) % 24, int(at // 86_400)
        usual, days, last = self.memory.hours.get(hour, (level, 0, -1))
        self.memory.hours[hour] = (usual + (level - usual) / 60, days + (day != last), day)


def _kind(values: Small, colored: bool) -> str:
    """Return the kind of light: in color or in infrared, and how bright."""
    mean = float(values.mean()) if values.size else 0.0
    return f"{'c' if colored else 'i'}{sum(mean >= limit for limit in (25, 60, 110))}"


def _blocks(picture: Floats, size: int = BLOCK) -> Floats:
    """Return the mean of each block."""
    shape = (picture.shape[1] // size, picture.shape[0] // size)
    return np.asarray(cv2.resize(picture, shape, interpolation=cv2.INTER_AREA), np.float32)


def _inside(visible: Small) -> npt.NDArray[np.bool_]:
    """Return for each block whether no part of it, and of its neighbors, is masked."""
    return np.asarray(_blocks(np.asarray(cv2.erode(visible, np.ones((5, 5), np.uint8)), np.float32)) > 254)


def _moments(picture: Small) -> tuple[Floats, Floats, Floats]:
    """Return the pixels, and mean and standard deviation of each block."""
    pixels = picture.astype(np.float32)
    mean = _blocks(pixels)
    return pixels, mean, np.sqrt(np.maximum(_blocks(pixels**2) - mean**2, 0))


def _textured(picture: Small, visible: Small, rules: Rules) -> npt.NDArray[np.bool_]:
    return (_moments(picture)[2] >= rules.texture) & _inside(visible)


def _alike(view: Small, picture: Small, visible: Small, rules: Rules) -> float:
    """Return the share of the textured blocks of `view` that `picture` shows as well; 1 without texture."""
    one, mean, deviation = _moments(view)
    other, other_mean, other_deviation = _moments(picture)
    compared = (deviation >= rules.texture) & _inside(visible)
    if not compared.any():
        return 1.0
    together = _blocks(one * other) - mean * other_mean
    correlation = together / np.maximum(deviation * other_deviation, 1.0)
    return float((correlation[compared] >= rules.alike).mean())


def _alike_coarsely(view: Small, picture: Small) -> bool:
    """Return whether two pictures have the same large parts: that one is only out of focus."""
    one, other = (_blocks(each.astype(np.float32), BLOCK // 2).ravel() for each in (view, picture))
    if one.std() < 1 or other.std() < 1:
        return False
    return float(np.corrcoef(one, other)[0, 1]) >= 0.6


def _motions(view: Small, picture: Small, visible: Small) -> Iterator[Floats]:
    """Yield motions (2 x 3): the shift that phase correlation finds between the edges of two pictures, for
    each of some turns about the camera's axis.
    """
    shown = (visible / 255).astype(np.float32)
    high, wide = view.shape
    edges = _edges(picture) * shown
    for degrees in TURNS:
        motion = np.asarray(cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, 1.0), np.float32)
        seen = _moved(view, motion) if degrees else view
        motion[:, 2] += _shift(_edges(seen) * shown, edges)
        yield motion


def _shift(one: Floats, other: Floats) -> tuple[float, float]:
    """Return the shift in pixels, right and down."""
    window = cv2.createHanningWindow((one.shape[1], one.shape[0]), cv2.CV_32F)
    (right, down), _response = cv2.phaseCorrelate(
        np.ascontiguousarray(one), np.ascontiguousarray(other), window
    )
    return right, down


def _distance(motion: Floats, view: Small) -> float:
    """Return by how many pixels a motion moves a corner of the picture at most."""
    high, wide = view.shape
    corners = np.array([(x, y, 1) for x in (0, wide) for y in (0, high)], np.float32)
    return float(np.linalg.norm(corners @ motion.T - corners[:, :2], axis=1).max())


def _edges(picture: Small) -> Floats:
    pixels = picture.astype(np.float32)
    return np.asarray(
        np.sqrt(cv2.magnitude(cv2.Sobel(pixels, cv2.CV_32F, 1, 0), cv2.Sobel(pixels, cv2.CV_32F, 0, 1)))
    )


def _moved(view: Small, motion: Floats) -> Small:
    shape = (view.shape[1], view.shape[0])
    return np.asarray(cv2.warpAffine(view, motion, shape, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _unpack(packed: bytes, height: int) -> Small:
    return np.frombuffer(packed, np.uint8).reshape(height, WIDTH)
