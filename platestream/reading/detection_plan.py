"""Search plan for a picture: the passes over it, and the lines found in one picture."""

from dataclasses import dataclass, field
from math import inf

import cv2
import numpy as np

from platestream.reading import glyphs, line_filter, vote
from platestream.reading.geometry import Image, Line
from platestream.reading.states import Shown
from platestream.reading.text_regions import Place
from platestream.schemas.reading import PlateRead

_LIFT = (255 * np.sqrt(np.arange(256) / 255)).astype(np.uint8)
"""Gray values with the dark ones raised (gamma 0.5)."""


TINY = (0, 480)
"""Pixels of the longer side."""
AS_PLATES = 1.6
"""Least ratio of width to height of a picture that is cut to a plate: motorcycles' plates are
1.75 times, others more. Cameras' pictures are 1.33 times or 1.78.
"""


@dataclass(frozen=True)
class SearchPass:
    """One pass over a picture in search of lines; its longer side has at most `longest` pixels."""

    longest: int
    spared: float = 1.0
    """Pictures up to this multiple of `longest` are not shrunk."""
    enlarged: float = 1.0
    """Largest enlargement of a picture whose longer side is below `to`."""
    to: int = 1280
    lifted: bool = False
    """Raise the dark parts; bright ones are not affected."""
    careful: bool = False
    """Use the larger text detector."""
    serials: bool = False
    """Use the detector of serials, which finds no other text."""
    shape: tuple[float, float] = (0.0, inf)
    """Range of width by height of the pictures for this pass."""
    sizes: tuple[int, int] = (0, 1 << 20)
    """Range of the longer side of the pictures for this pass, pixels."""
    proposals: int = 0
    """Search only around this number of proposals (`proposals`); 0: the whole picture."""
    lit: bool = False
    """The proposals are bright bars in the dark."""
    text_height: float = 22.0
    """Height to which a line is scaled around a proposal, pixels."""

    def at(self, image: Image) -> tuple[Image, float]:
        """Return the picture to search, and its scale."""
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

    def longest_side(self, seen: Image) -> int:
        """Return the length to which the longer side of the picture is shrunk."""
        longest = max(seen.shape[:2])
        return self.longest if longest > self.spared * self.longest else longest


@dataclass(frozen=True)
class Plan:
    """Parameters of the search. Lengths are pixels of the picture's longer side, probabilities 0 to 1."""

    coarse: SearchPass = SearchPass(640, spared=1.25, serials=True)
    """Finds nine of ten plates."""
    tiny: SearchPass = SearchPass(
        1536, enlarged=1.5, lifted=True, sizes=TINY, shape=(0.0, AS_PLATES), serials=True
    )
    cut: SearchPass = SearchPass(1536, enlarged=1.5, lifted=True, sizes=TINY, shape=(AS_PLATES, inf))
    """For any text: so small a picture of a plate's shape is cut to its plate, and costs little."""
    near: SearchPass = SearchPass(640, sizes=(480, 1100), proposals=6, serials=True)
    """For pictures that the other passes would have to enlarge: only possible plates are enlarged."""
    night: SearchPass = SearchPass(
        1280, sizes=(480, 1 << 20), proposals=8, lit=True, text_height=30.0, serials=True
    )
    """For plates that their lamps wash out: no other pass finds their strokes."""
    full: SearchPass = SearchPass(1536, lifted=True, sizes=(801, 1 << 20), serials=True)
    unfound: SearchPass = SearchPass(1536, careful=True, sizes=TINY, shape=(AS_PLATES, inf))
    """For pictures that may be cut to a plate if nothing was read."""
    careful: SearchPass = SearchPass(1536, careful=True)
    last: SearchPass = SearchPass(1920, enlarged=2.0, to=1920, lifted=True)
    around: int = 640
    """Longer side of a part of the picture in a closer search."""
    text_height: float = 36.0
    """Height to which a line is scaled before its surroundings are searched again."""
    word_height: float = 56.0
    """The same in a search for state names and slogans, which have a third of the serial's height."""
    legible: float = 16.0
    """Pixels of a serial's line from which the words around it can be read."""
    paired: float = 32.0
    """The same for small letters beside it, which then have 14: halves of a torn character look like them."""
    threshold: float = 0.4
    """The detector's box threshold: lower than PaddleOCR's, because a false line costs little here."""
    places: int = 3
    enough: float = 0.75
    """Confidence from which a read is accepted without a further pass; 98 in 100 such reads are right."""
    doubtful: float = 0.3
    """Confidence below which the picture is searched again with more effort."""
    keep: float = 0.15
    """Least confidence that is reported. Of the right reads of labelled photographs 1 in 100 is lower."""
    alternatives: int = 9
    legibly: float = 0.6
    """Least confidence of each of a pair of small letters before the serial."""
    sure: float = 0.9
    """Least confidence of all characters from which a serial is not read in another crop."""


@dataclass(eq=False)
class Scene:
    """State of the search in one picture: places that may be plates, other text, and lines not yet read."""

    image: Image
    serials: bool = False
    """True if the search is for serials only, not for any text."""
    known: PlateRead | None = None
    """A plate whose words an earlier frame showed."""
    places: list[Place] = field(default_factory=list)
    signs: list[Place] = field(default_factory=list)
    unread: list[Line] = field(default_factory=list)
    shown: Shown = field(default_factory=dict)
    """Issuers that its lines of text identify. Not stored longer, because a line may be a plate."""

    def is_known(self, place: Place) -> bool:
        """Return whether a place has the serial of the known plate, in one of its readings."""
        texts = (glyphs.greedy(table).text for table in place.tables)
        return self.known is not None and vote.fold(self.known.serial) in map(vote.fold, texts)

    def lines(self) -> list[Line]:
        read = [line for place in (*self.places, *self.signs) for line in place.lines]
        return [*read, *self.unread]

    def long_lines(self) -> list[Line]:
        """Return text too long for a serial; pieces that a closer look cuts from it are no plates."""
        signs = [s.line for s in self.signs if len(s.text) > vote.LONGEST + 1]
        return signs + [line for line in self.unread if line.width > line_filter.LONGEST_SHAPE * line.height]
