"""Two looks at a picture: a cheap one that finds lines of text, a careful one at what may be a plate.

The first look reads every line once. Where that is sure (several crops of the line agree and every
character is certain) it is believed. Otherwise the line's own region is looked at again at a better scale
and with wider margins, and several crops of each line found there are read in one call of the recogniser;
the vote over all of them (`vote`, `rank`) gives the candidates and their confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from operators.reading import choose, glyphs, rank, states, vote
from operators.reading.formats import Region, region
from operators.reading.geometry import Box, Image, Line, box_of, crop, grouped, spread
from schemas.reading import PlateRead, Reading

Floats = npt.NDArray[np.float32]


_LIFT = (255 * np.sqrt(np.arange(256) / 255)).astype(np.uint8)
"""Grey values with the dark ones raised (gamma 0.5)."""


class Engine(Protocol):
    """What finds and reads lines of text; `connectors.ocr.TextEngine` is one."""

    @property
    def models(self) -> tuple[str, ...]: ...
    def detect(self, image: Image, longest: int, threshold: float = ...) -> list[Floats]: ...
    def recognise(self, crops: Sequence[Image], width: int = ...) -> list[Floats]: ...


class Cut(NamedTuple):
    """One way to cut a line out: margins in heights of the line, horizontal stretch, smoothing (pixels)."""

    along: float
    across: float
    stretch: float = 1.0
    smooth: float = 0.0


BESIDE = 0.2

FIRST = Cut(0.2, 0.0)
CHECKS = (Cut(0.2, 0.0, smooth=1.2), Cut(0.2, -0.12))
CAREFUL = (
    Cut(0.2, 0.0, smooth=1.2), Cut(0.2, -0.12), Cut(0.2, -0.12, 1.3), Cut(0.2, 0.0, 1.3, 1.2),
    Cut(0.5, 0.0), Cut(0.0, 0.15),
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """How much is looked at: pixels of the longer side, places looked at again, what counts as sure."""

    first: int = 1280
    again: int = 640
    text_height: float = 36.0
    threshold: float = 0.4
    places: int = 3
    sure: float = 0.97
    keep: float = 0.02
    doubtful: float = 0.2
    last: int = 1920
    alternatives: int = 9


@dataclass
class Place:
    """One line of text under all its boxes, with every reading of it."""

    lines: list[Line]
    text: str
    tables: list[Floats] = field(default_factory=list)

    @property
    def line(self) -> Line:
        return max(self.lines, key=lambda line: line.width)

    @property
    def height(self) -> float:
        return float(np.median([line.height for line in self.lines]))


class TwoLooks:
    """Reads plates with an engine; see the module. `read` is what `PlateReader` asks for."""

    def __init__(self, engine: Engine, region_code: str = "us", plan: Plan = Plan()) -> None:
        self._engine, self._plan = engine, plan
        self._region: Region = region(region_code)

    @property
    def models(self) -> tuple[str, ...]:
        return self._engine.models

    def read(self, image: Image) -> list[PlateRead]:
        """Plates in `image` (height x width x 3, BGR), most certain first; empty when there is none."""
        reads = self._looked(image, self._plan.first)
        if not reads or reads[0].confidence < self._plan.doubtful:
            reads = self._brightened(image) + reads
        reads.sort(key=lambda r: -r.confidence)
        return _one_vehicle(reads)

    def _looked(self, image: Image, longest: int) -> list[PlateRead]:
        """Both looks at a picture shrunk to `longest` pixels; unsorted of what the two found together."""
        lines = _lines(self._engine.detect(image, longest, threshold=self._plan.threshold))
        places, signs = self._first_look(image, lines)
        if not places:
            return []
        unsure = [p for p in self._promising(places) if not self._sure(image, p)]
        if unsure:
            places = self._second_look(image, places, unsure, signs)
        texts = [(p.line, p.text) for p in (*places, *signs)]
        tallest = max(p.height for p in places)
        reads = [r for p in places if p.tables and (r := self._plate(image, p, tallest, texts))]
        return sorted(reads, key=lambda r: -r.confidence)

    def _brightened(self, image: Image) -> list[PlateRead]:
        """A last look for small and dark plates: enlarged and with the dark parts lifted."""
        scale = min(max(self._plan.last / max(image.shape[:2]), 1.0), 2.0)
        lifted = cv2.LUT(image, _LIFT)
        big = cv2.resize(lifted, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        found = self._looked(np.asarray(big, np.uint8), self._plan.last)
        return [replace(r, box=_scaled(r.box, 1 / scale)) for r in found]

    def _first_look(self, image: Image, lines: list[Line]) -> tuple[list[Place], list[Place]]:
        """Places that may be plates, and the other lines of text (names, slogans, signs)."""
        read = self._engine.recognise([_cut(image, line, FIRST) for line in lines], 160)
        places, signs = list[Place](), list[Place]()
        for line, table in zip(lines, read, strict=True):
            place = Place([line], glyphs.text_of(table), [glyphs.letters(table)])
            fit = choose.plausible(line, place.text) and not states.names(self._region, place.text)
            (places if fit else signs).append(place)
        return places, signs

    def _promising(self, places: list[Place]) -> list[Place]:
        tallest = max(p.height for p in places)
        order = sorted(places, key=lambda p: -choose.likely(p.line, p.text, tallest))
        return order[: self._plan.places]

    def _sure(self, image: Image, place: Place) -> bool:
        """Whether two more crops of the line say the same, every character certain, in a known format."""
        first = glyphs.greedy(place.tables[0])
        if min(first.sure, default=0.0) < self._plan.sure or not self._region.knows(first.text):
            return False
        more = self._engine.recognise([_cut(image, place.line, c) for c in CHECKS], 160)
        place.tables.extend(glyphs.letters(t) for t in more)
        reads = [glyphs.greedy(t) for t in place.tables]
        return all(r.text == first.text and min(r.sure) > 0.8 * self._plan.sure for r in reads)

    def _second_look(
        self, image: Image, places: list[Place], unsure: list[Place], signs: list[Place]
    ) -> list[Place]:
        """The places with what a closer look at the unsure ones adds; lines that belong together joined."""
        found = [line for p in unsure for line in self._closer(image, p.line)]
        found = [f for f in found if not choose.inside(f, [s.line for s in signs if len(s.text) > 10])]
        known = [line for p in places for line in p.lines]
        fresh = _distinct(found, known)
        extra, more_signs = self._first_look(image, fresh)
        signs.extend(more_signs)
        everything = places + extra
        merged = [_merge([everything[i] for i in g]) for g in grouped([p.line for p in everything])]
        careful = [
            p
            for p in merged
            if any(choose.inside(u.line, p.lines) for u in unsure) or p.text in {e.text for e in extra}
        ]
        cuts = [(p, line, c) for p in careful for line in p.lines[:2] for c in CAREFUL]
        tables = self._engine.recognise([_cut(image, line, c) for _, line, c in cuts], 160)
        for (p, _, _), table in zip(cuts, tables, strict=True):
            p.tables.append(glyphs.letters(table))
        return merged

    def _closer(self, image: Image, line: Line) -> list[Line]:
        """Lines of text in the surroundings of a line, found with the text scaled to a good height."""
        x, y = line.centre
        wide = line.width + 4 * line.height
        high = max(5 * line.height, 0.4 * wide)
        left, top = int(max(x - wide / 2, 0)), int(max(y - high / 2, 0))
        part = image[top : int(y + high / 2) + 1, left : int(x + wide / 2) + 1]
        scale = min(float(np.clip(self._plan.text_height / line.height, 0.3, 4.0)), 512 / part.shape[1])
        how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        scaled = spread(np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=how), np.uint8))
        found = self._engine.detect(scaled, self._plan.again, threshold=self._plan.threshold)
        return _lines([quad / scale + np.array([left, top], np.float32) for quad in found])

    def _plate(
        self, image: Image, place: Place, tallest: float, texts: list[tuple[Line, str]]
    ) -> PlateRead | None:
        issuers = states.by_words(self._region, [text for line, text in texts if _around(place.line, line)])
        options = vote.candidates(place.tables, self._region, self._region.mixed(issuers))
        order = rank.ranked(options, place.height / tallest)
        if not order or order[0][1] < self._plan.keep:
            return None
        best, confidence = order[0]
        plate = vote.unfolded(best.text, place.tables, self._region)
        where = states.state(self._region, plate, issuers)
        others = tuple(
            Reading(vote.unfolded(c.text, place.tables, self._region), share)
            for c, share in order[1 : self._plan.alternatives + 1]
        )
        return PlateRead(
            plate, confidence, where.code, where.confidence, box_of(place.line, image.shape), others,
            _per_character(best.text, place.tables),
        )  # fmt: skip


def _scaled(box: Box, scale: float) -> Box:
    x, y, w, h = (round(v * scale) for v in box)
    return x, y, w, h


def _one_vehicle(reads: list[PlateRead]) -> list[PlateRead]:
    """Most pictures hold one plate: beside a reading with letters and digits, words and numbers (names on
    vans, fleet numbers) are that much less likely to be another one; and words are, beside a number.
    """
    likely = [r for r in reads if r.confidence > BESIDE]
    mixed = any(not vote.is_word(r.plate) and not r.plate.isdigit() for r in likely)
    numbers = any(r.plate.isdigit() for r in likely)

    def beside(read: PlateRead) -> PlateRead:
        other = (vote.is_word(read.plate) and (mixed or numbers)) or (read.plate.isdigit() and mixed)
        return replace(read, confidence=read.confidence * BESIDE) if other else read

    return sorted(map(beside, reads), key=lambda r: -r.confidence)


def _lines(quads: Sequence[Floats]) -> list[Line]:
    return [line for q in quads if (line := Line(q)).height >= 5 and line.width >= 8]


def _cut(image: Image, line: Line, cut: Cut) -> Image:
    flat = crop(image, line.grown(cut.across, cut.along), cut.stretch)
    if not cut.smooth:
        return flat
    return np.asarray(cv2.GaussianBlur(flat, (0, 0), cut.smooth), np.uint8)


def _distinct(found: Sequence[Line], known: Sequence[Line]) -> list[Line]:
    """The lines that are not, to an eighth of their height, the box of one already there."""
    out: list[Line] = []
    for line in found:
        near = 0.12 * line.height + 1
        if not any(np.abs(line.corners - k.corners).max() < near for k in (*known, *out)):
            out.append(line)
    return out


def _merge(places: Sequence[Place]) -> Place:
    first = places[0]
    return Place(
        [line for p in places for line in p.lines], first.text, [t for p in places for t in p.tables]
    )


def _around(serial: Line, other: Line) -> bool:
    """Whether another line lies on the same plate as the serial: within about its height above or below."""
    (x, y), (ox, oy) = serial.centre, other.centre
    if other is serial:
        return False
    return abs(ox - x) < 0.7 * serial.width and 0.4 * serial.height < abs(oy - y) < 1.8 * serial.height


def _per_character(text: str, tables: Sequence[Floats]) -> tuple[float, ...]:
    """How likely each character is: mean over the readings of the text's chance against its rivals there."""
    stacked = glyphs.tied(glyphs.stack(tables))
    variants = [text] + [text[:i] + text[i + 1 :] for i in range(len(text))]
    found = [glyphs.greedy(t) for t in stacked]
    out = []
    for i, c in enumerate(text):
        votes = [
            r.sure[i] if i < len(r.text) and vote.folded(r.text)[i] == c else 0.0
            for r in found
            if len(r.text) == len(text)
        ]
        out.append(float(np.mean(votes)) if votes else 0.5)
    del variants
    return tuple(out)
