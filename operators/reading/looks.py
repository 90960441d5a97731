"""How a picture is looked at: the plan of the looks, and what they find in one picture."""

from dataclasses import dataclass, field
from math import inf

import cv2
import numpy as np

from operators.reading import choose, vote
from operators.reading.geometry import Image, Line
from operators.reading.places import Place
from operators.reading.states import Shown

_LIFT = (255 * np.sqrt(np.arange(256) / 255)).astype(np.uint8)
"""Grey values with the dark ones raised (gamma 0.5)."""


TINY = (0, 480)
"""Pixels of the longer side."""
AS_PLATES = 1.6
"""How many times as wide as high a picture is at the least that is cut to a plate: motorcycles' plates are
1.75 times, others more. Cameras' pictures are 1.33 times or 1.78.
"""


@dataclass(frozen=True)
class Look:
    """How a picture is searched for lines: its longer side at most `longest` pixels."""

    longest: int
    spared: float = 1.0
    """So many times `longest` are not worth shrinking for."""
    enlarged: float = 1.0
    """How many times a picture whose longer side is below `to` is enlarged at most."""
    to: int = 1280
    lifted: bool = False
    """With the dark parts raised: bright ones lose nothing by it."""
    careful: bool = False
    """By the larger detector of text."""
    serials: bool = False
    """By the detector of serials, which finds no other text."""
    shape: tuple[float, float] = (0.0, inf)
    """For pictures so many times as wide as high, from and to."""
    sizes: tuple[int, int] = (0, 1 << 20)
    """For pictures whose longer side has so many pixels, from and to."""
    proposals: int = 0
    """Only around so many places that may be a plate by their strokes (`proposals`); 0: the whole picture."""

    def at(self, image: Image) -> tuple[Image, float]:
        """The picture to search, and its scale."""
        seen = np.asarray(cv2.LUT(image, _LIFT), np.uint8) if self.lifted else image
        scale = min(max(self.to / max(image.shape[:2]), 1.0), self.enlarged)
        if scale == 1:
            return seen, scale
        larger = cv2.resize(seen, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        return np.asarray(larger, np.uint8), scale

    def is_for(self, image: Image) -> bool:
        height, width = map(int, image.shape[:2])
        return self.sizes[0] <= max(height, width) < self.sizes[1] and (
            self.shape[0] <= width / height < self.shape[1]
        )

    def longest_of(self, seen: Image) -> int:
        """What the longer side of the picture to search is shrunk to."""
        longest = max(seen.shape[:2])
        return self.longest if longest > self.spared * self.longest else longest


@dataclass(frozen=True)
class Plan:
    """How much is looked at. Lengths are pixels of the picture's longer side, chances 0 to 1."""

    coarse: Look = Look(640, spared=1.25, serials=True)
    """Finds nine of ten plates."""
    tiny: Look = Look(1536, enlarged=1.5, lifted=True, sizes=TINY, shape=(0.0, AS_PLATES), serials=True)
    cut: Look = Look(1536, enlarged=1.5, lifted=True, sizes=TINY, shape=(AS_PLATES, inf))
    """For any text: so small a picture of a plate's shape is cut to its plate, and costs little."""
    near: Look = Look(640, sizes=(480, 1100), proposals=6, serials=True)
    """On pictures that would have to be enlarged for the rest: what may be a plate is, and nothing else."""
    full: Look = Look(1536, lifted=True, sizes=(801, 1 << 20), serials=True)
    unfound: Look = Look(1536, careful=True, sizes=TINY, shape=(AS_PLATES, inf))
    """Where nothing was read in a picture that may be cut to a plate."""
    careful: Look = Look(1536, careful=True)
    last: Look = Look(1920, enlarged=2.0, to=1920, lifted=True)
    around: int = 640
    """Of a part of the picture that is searched more closely."""
    text_height: float = 36.0
    """What a line is scaled to before its surroundings are looked at again."""
    near_height: float = 22.0
    """The same around a proposal."""
    word_height: float = 56.0
    """The same when state names and slogans are looked for, which are a third of the serial's height."""
    legible: float = 16.0
    """Pixels of a serial's line from which the words around it can be read."""
    paired: float = 32.0
    """The same for small letters beside it, which then have 14: halves of a torn character look like them."""
    threshold: float = 0.4
    """The detector's box threshold: lower than PaddleOCR's, because a false line costs little here."""
    places: int = 3
    enough: float = 0.75
    """From this on a read is believed and nothing more is looked at. Of such reads 98 in 100 are right."""
    doubtful: float = 0.3
    """Below this the picture is looked at again with more effort."""
    keep: float = 0.15
    """Least confidence that is reported. Of the right reads of labelled photographs 1 in 100 is lower."""
    alternatives: int = 9
    legibly: float = 0.6
    """Least certainty of each of a pair of small letters before the serial."""
    sure: float = 0.9
    """From this least certainty of a character on a serial is not read in another crop."""


@dataclass(eq=False)
class Scene:
    """One picture under work: places that may be plates, other text, and lines nobody needed to read yet."""

    image: Image
    serials: bool = False
    """Whether it is searched for serials and not for any text."""
    places: list[Place] = field(default_factory=list)
    signs: list[Place] = field(default_factory=list)
    unread: list[Line] = field(default_factory=list)
    shown: Shown = field(default_factory=dict)
    """Which issuers its lines of text tell. Not kept for longer: a line may be somebody's plate."""

    def lines(self) -> list[Line]:
        read = [line for place in (*self.places, *self.signs) for line in place.lines]
        return [*read, *self.unread]

    def long_lines(self) -> list[Line]:
        """Text too long for a serial: what a closer look cuts from it is no plate."""
        signs = [s.line for s in self.signs if len(s.text) > vote.LONGEST + 1]
        return signs + [line for line in self.unread if line.width > choose.LONGEST_SHAPE * line.height]
