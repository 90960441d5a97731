"""Plate reader in two passes: a cheap one that finds serials, a careful one over possible plates.

The picture is searched coarsely by a detector that was trained to find serials only. Each of them is read
once by a small recognizer of any text, and the promising ones in one or two crops by the recognizer trained
on plates. Before that the surroundings are searched at a better scale, for text of any kind: for the plate's
words and for all of its serial, because a box may end inside it. The vote over all crops (`vote`, `rank`)
gives the candidates and their confidence. If that is not enough, the surroundings of the line are read in the
same way. If the coarse pass leaves doubt, small pictures are searched close up where strokes suggest a plate
(`proposals`), others completely with dark parts lifted; then by the careful text detector, then enlarged
twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from platestream.reading import glyphs, line_filter, pairs, rank, states, vote
from platestream.reading.detection_plan import Plan, Scene, SearchPass
from platestream.reading.formats import Region, region
from platestream.reading.geometry import CROP_HEIGHT, Box, Image, Line, box_of, joined, same_text, spread
from platestream.reading.infrared import green_alone, sees_infrared
from platestream.reading.proposals import place_back, propose_bars, propose_lit, sheet
from platestream.reading.text_regions import (
    FILLS,
    FIRST,
    SECOND,
    TIGHT,
    WORDS,
    Cut,
    Place,
    crop_line,
    is_beside,
    is_cut_off,
    is_stacked,
    join_rows,
    join_tables,
    lines_of,
    new_lines,
)
from platestream.reading.vehicles import merge_by_vehicle
from platestream.schemas.reading import PlateRead, Reading

Floats = npt.NDArray[np.float32]

PLAN = Plan()
NARROW = 160
"""Least width of the recognizer's input in pixels; plate crops are rarely narrower."""

LEGIBLE_WORDS = 24.0
"""Pixels of a serial's line from which the words above and below it are found, if there are any."""

ISSUER_ODDS = 6.0
"""Log odds of an issuer from which a line is not read again in another box: those of OHIO, well read."""

SHORTEST_NAME = 1.6
"""Widths by height from which a line of text may tell an issuer. OHIO and IOWA are twice as wide as high; of
124 lines below 1.8 on labelled photographs none separated one. Stickers' months and years are not read.
"""


class Engine(Protocol):
    """Engine that finds and reads lines of text, such as `platestream.reading.ocr.TextEngine`."""

    @property
    def models(self) -> tuple[str, ...]: ...
    def detect(
        self, image: Image, longest: int, threshold: float = ..., careful: bool = ..., serials: bool = ...
    ) -> list[Floats]: ...
    def recognise(self, crops: Sequence[Image], width: int = ..., serials: bool = ...) -> list[Floats]: ...


class TwoPassReader:
    """Reader of plates with an engine; see the module."""

    def __init__(self, engine: Engine, region_code: str = "us", plan: Plan = PLAN) -> None:
        self._engine, self._plan = engine, plan
        self._region: Region = region(region_code)

    @property
    def models(self) -> tuple[str, ...]:
        return self._engine.models

    def read(self, image: Image, longest: int = 0, known: PlateRead | None = None) -> list[PlateRead]:
        """Return the plates in `image` (height x width x 3, BGR), most confident first.

        `longest` is the length of the longer side for the coarse pass; 0: that of the plan. In that pass the
        surroundings of a plate with the serial of `known` are not searched: it has the same words.
        """
        plan = self._plan
        coarse = replace(plan.coarse, longest=longest, spared=1.0) if longest else plan.coarse
        reads = self._read_pass(image, coarse, known)
        for look in (plan.tiny, plan.cut, plan.near, plan.full):
            if _best_confidence(reads) < plan.enough and look.is_for(image):
                reads = max(self._read_pass(image, look), reads, key=_best_confidence)
        for look in (plan.night, plan.unfound):
            if not reads and look.is_for(image):
                reads = self._read_pass(image, look)
        for look in (plan.careful, plan.last):
            if 0 < _best_confidence(reads) < plan.doubtful:
                reads = max(reads, self._read_pass(image, look), key=_best_confidence)
        return reads

    def locate(self, image: Image, longest: int) -> list[Box]:
        """Return the boxes of serials in `image`, shrunk to `longest` pixels, without reading them."""
        found = self._engine.detect(image, longest, self._plan.threshold, serials=True)
        return [box_of(line, image.shape) for line in lines_of(found)]

    def _read_pass(self, image: Image, look: SearchPass, known: PlateRead | None = None) -> list[PlateRead]:
        """Return the plates of one pass over the picture, with closer looks around promising lines if needed.

        Beside a plate with enough confidence, only text that looks like another one (a second vehicle's) is
        read.
        """
        scene = self._scene(image, look)
        scene.known = known
        looked, reads = list[Place](), list[PlateRead]()
        for place in self._promising(scene):
            enough = _best_confidence(reads) >= self._plan.enough
            if any(place is p for p in looked) or (enough and not _mixed(place.text)):
                continue
            if known is not None:
                self._read_serials(image, [place])
            self._search_surroundings(scene, place)
            if _has_foreign_text(place):
                continue
            self._read_serials(image, [place])
            looked.append(place)
            reads = self._plates(scene, looked)
            if _best_confidence(reads) < self._plan.enough and not look.serials:  # these lines are complete
                looked.extend(p for p in self._read_closely(scene, place) if not any(p is q for q in looked))
                reads = self._plates(scene, looked)
        if _best_confidence(reads) < self._plan.enough and (pairs := self._in_rows(scene)):
            reads = self._plates(scene, [*looked, *pairs])
        return reads

    def _in_rows(self, scene: Scene) -> list[Place]:
        """Return places that may be one serial in two rows, read."""
        found = list[Place]()
        texts = [*scene.places, *scene.signs]
        for upper, lower in permutations(texts, 2):
            pair = join_rows(upper, lower)
            if pair is None or not _mixed(pair.text) or self._stacked(scene, upper, lower):
                continue
            rows = [(pair, upper.line), (pair, lower.line)]
            for how in (TIGHT, SECOND):
                pair.tables.append(join_tables(*self._serials(scene.image, rows, how)))
            found.append(pair)
        return found

    def _scene(self, image: Image, look: SearchPass) -> Scene:
        """Return the picture with the lines that a pass finds, in the picture's own pixels."""
        scene = Scene(image, look.serials)
        if look.proposals:
            propose = propose_lit if look.lit else propose_bars
            if not (proposals := propose(image, look.proposals)):
                return scene
            seen, tiles = sheet(image, proposals, look.text_height)
            found = self._lines(seen, max(seen.shape[:2]), look)
            self._add(scene, new_lines(place_back(found, tiles), []))
            return scene
        seen, scale = look.at(image)
        found = self._lines(seen, look.longest_side(seen), look)
        self._add(scene, lines_of([quad / np.float32(scale) for quad in found]))
        return scene

    def _lines(self, seen: Image, longest: int, look: SearchPass) -> list[Floats]:
        """Return the corners of lines that the pass's detector finds."""
        threshold = self._plan.threshold
        return self._engine.detect(seen, longest, threshold, careful=look.careful, serials=look.serials)

    def _add(self, scene: Scene, lines: Sequence[Line]) -> list[Place]:
        """Read the lines with a serial's shape once and return the places among them that may be plates."""
        shaped = [line for line in (*lines, *joined(lines)) if line_filter.has_serial_shape(line)]
        scene.unread.extend(line for line in lines if not line_filter.has_serial_shape(line))
        fresh = list[Place]()
        for place in self._read(scene.image, shaped):
            likely = line_filter.may_be_serial(place.text) and not states.is_issuer_phrase(
                self._region, place.text
            )
            (fresh if likely else scene.signs).append(place)
        scene.places.extend(fresh)
        return fresh

    def _read(self, image: Image, lines: Sequence[Line], how: Cut = FIRST) -> list[Place]:
        """Return the lines as text of any kind, read once."""
        tables = self._engine.recognise([crop_line(image, line, how) for line in lines], NARROW)
        return [Place([line], glyphs.text_of(table)) for line, table in zip(lines, tables, strict=True)]

    def _read_serials(self, image: Image, places: Sequence[Place]) -> None:
        """Read the new lines of the places as serials: in two crops, or in one that counts twice.

        The latter is enough if every character is confident, as in most lines.
        """
        for place in places:
            self._read_pairs(image, place)
        fresh = [(place, line) for place in places for line in place.unread()]
        again = list[tuple[Place, Line]]()
        for (place, line), table in zip(fresh, self._serials(image, fresh, TIGHT), strict=True):
            place.tables.append(table)
            if min(glyphs.greedy(glyphs.tie_look_alikes(table)).confidences, default=0.0) >= self._plan.sure:
                place.tables.append(table)
            else:
                again.append((place, line))
        for (place, _), table in zip(again, self._serials(image, again, SECOND), strict=True):
            place.tables.append(table)
        if again and sees_infrared(image):
            green = green_alone(image)
            for how in (TIGHT, SECOND):
                for (place, _), table in zip(again, self._serials(green, again, how), strict=True):
                    place.tables.append(table)

    def _serials(self, image: Image, lines: Sequence[tuple[Place, Line]], how: Cut) -> list[Floats]:
        """Return each line as a serial, steps x 37, without separately read pairs of small letters."""
        crops = [crop_line(image, line, how) for _, line in lines]
        for i, (place, line) in enumerate(lines):
            for pair in place.small if line is place.paired else ():
                crops[i] = pairs.paint_over(crops[i], pair, how.along, how.wider)
        return [glyphs.letters(table) for table in self._engine.recognise(crops, NARROW, serials=True)]

    def _read_pairs(self, image: Image, place: Place) -> None:
        """Read the small letters at a new line's ends; unclear ones are dropped."""
        if not place.reach(image):
            return
        legible = self._region.speaks and place.height >= self._plan.paired
        readings = [(pair, letters) for pair in place.small if legible and (letters := self._pair(pair))]
        place.small = [pair for pair, _ in readings]
        if readings:
            texts = {pair.behind: letters for pair, letters in readings}
            place.official = texts.get(False, ""), texts.get(True, "")

    def _pair(self, pair: pairs.Pair) -> str:
        """Return the two letters of a pair, or nothing if they are not clear."""
        tables = self._engine.recognise([*pair.letters, pair.whole], CROP_HEIGHT, serials=True)
        upper, lower, whole = (glyphs.greedy(glyphs.letters(table)) for table in tables)
        return pairs.letters(upper, lower, whole, self._plan.legibly)

    def _promising(self, scene: Scene) -> list[Place]:
        tallest = max((p.height for p in scene.places), default=1.0)
        order = sorted(scene.places, key=lambda p: -line_filter.likelihood_score(p.line, p.text, tallest))
        return order[: self._plan.places]

    def _read_closely(self, scene: Scene, place: Place) -> list[Place]:
        """Return the place, and others near it, with the readings of several crops of all lines there."""
        found = [f for f in self._surroundings(scene.image, place.line, self._plan.text_height)
                 if not line_filter.is_inside(f, scene.long_lines())]  # fmt: skip
        near = [place]
        for fresh in self._add(scene, new_lines(found, scene.lines())):
            same = next((p for p in near if any(same_text(fresh.line, line) for line in p.lines)), None)
            if same is None:
                near.append(fresh)
            else:
                same.join(fresh.line)
                scene.places.remove(fresh)
        self._read_serials(scene.image, near[:3])
        return near

    def _surroundings(self, image: Image, line: Line, text_height: float) -> list[Line]:
        """Return lines of text around a line, found at the given text height with the contrast spread."""
        x, y = line.centre
        wide = line.width + 4 * line.height
        high = max(5 * line.height, 0.4 * wide)
        left, top = int(max(x - wide / 2, 0)), int(max(y - high / 2, 0))
        part = image[top : int(y + high / 2) + 1, left : int(x + wide / 2) + 1]
        scale = min(float(np.clip(text_height / line.height, 0.3, 4.0)), 512 / part.shape[1])
        how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        scaled = spread(np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=how), np.uint8))
        found = self._engine.detect(scaled, self._plan.around, threshold=self._plan.threshold)
        return lines_of([quad / scale + np.array([left, top], np.float32) for quad in found])

    def _plates(self, scene: Scene, places: Sequence[Place]) -> list[PlateRead]:
        tallest = max((p.height for p in scene.places), default=1.0)
        return merge_by_vehicle([r for p in places if (r := self._plate(scene, p, tallest))])

    def _plate(self, scene: Scene, place: Place, tallest: float) -> PlateRead | None:
        """Return the place as a plate; it is judged again only if the evidence has changed."""
        self._search_surroundings(scene, place)
        if _has_foreign_text(place):
            return None
        words, beset = self._words(scene, place), self._stacked(scene, place)
        evidence = (place.line.span, len(place.tables), place.official, tallest, tuple(words), beset)
        if place.judged is None or place.judged[0] != evidence:
            place.judged = evidence, self._judge_place(scene, place, tallest, words, beset)
        return place.judged[1]

    def _judge_place(
        self, scene: Scene, place: Place, tallest: float, words: Sequence[str], beset: bool
    ) -> PlateRead | None:
        issuers = states.by_words(self._region, words, scene.shown)
        formats = self._region.mixed(issuers)
        options = vote.candidates(place.tables, self._region, formats, self._region.symbols(issuers))
        line = place.line
        named = max(issuers.values()) >= states.LEAST_CONFIDENCE or not self._region.speaks
        if not named and any(line_filter.is_sign_number(one.text) for one in (place, *_complete_line(place))):
            return None
        setting = rank.LineSetting(
            place.height / tallest, line.width / line.height, stacked=beset,
            in_rows=place.rows > 1, named=named and self._region.speaks,
            bare=not named and _is_bare(scene, place), cut=is_cut_off(line, scene.image.shape),
            silent=self._region.speaks and place.searched and not words and _may_be_legible(scene, place),
        )  # fmt: skip
        order = rank.rank(options, setting, self._region)
        if not order or order[0][1] < self._plan.keep:
            return None
        order = order[: self._plan.alternatives + 1]
        texts = vote.unfold([c.text for c, _ in order], place.tables, self._region, formats)
        best, *others = (Reading(text, share) for text, (_, share) in zip(texts, order, strict=True))
        where = states.state(self._region, best.plate, issuers)
        read = PlateRead(
            best.plate, best.confidence, where.code, where.confidence,
            box_of(line, scene.image.shape), tuple(others),
            place.character_confidences(order[0][0].text), words=tuple(words),
        )  # fmt: skip
        return pairs.official(read, place.official) if any(place.official) else read

    def _stacked(self, scene: Scene, *rows: Place) -> bool:
        """Return whether text as high as the rows, and no state's name, is directly above or below."""
        others = [
            other.line
            for other in (*scene.places, *scene.signs)
            if _letters(other.text) >= vote.SHORTEST
            and not states.is_issuer_phrase(self._region, other.text)
            and not any(same_text(other.line, row.line) for row in rows)
            and not _is_frame_word(other)
        ]
        return any(is_stacked(row.line, other) for row in rows for other in others)

    def _search_surroundings(self, scene: Scene, place: Place) -> None:
        """Search the surroundings of a serial, once: for all of its own line, and for the words beside it.

        The complete line may turn out to be a sign's. This is done where plates bear words, and at night for
        an end in the shade; by day a closer look is made on demand, and boxes were complete.
        """
        line = place.line
        wanted = (self._region.speaks and line.height >= self._plan.legible) or sees_infrared(scene.image)
        if place.searched or place.rows > 1 or not wanted:
            return
        place.searched = True
        if scene.is_known(place):
            return
        around = self._surroundings(scene.image, line, self._plan.word_height)
        if line.width >= FILLS * scene.image.shape[1]:  # its words are large enough, too
            whole = self._engine.detect(scene.image, self._plan.around, self._plan.threshold)
            around = [*lines_of(whole), *around]
        same = new_lines([a for a in around if same_text(line, a)], place.lines)
        place.again = self._read(scene.image, same)
        place.widen([one.line for one in _complete_line(place)])
        scene.unread.extend(new_lines([a for a in around if is_beside(line, a)], scene.lines()))

    def _words(self, scene: Scene, serial: Place) -> list[str]:
        """Return the text above and below a serial; lines there that are not read yet are read now."""
        if scene.known is not None and scene.is_known(serial):
            return list(scene.known.words)
        wanted = [line for line in scene.unread if is_beside(serial.line, line)]
        scene.unread = [line for line in scene.unread if not any(line is w for w in wanted)]
        found = self._read_words(scene, wanted)
        for one in found:
            one.found_beside = scene.serials
        scene.signs.extend(found)
        return [p.text for p in (*scene.places, *scene.signs) if is_beside(serial.line, p.line)]

    def _read_words(self, scene: Scene, lines: Sequence[Line]) -> list[Place]:
        """Return lines beside a serial with their text; empty if they are too short for a name.

        Many are found twice, at two scales: text that identifies an issuer in its first box counts for both,
        and is read once.
        """
        firsts, seconds, short = list[Line](), list[Line](), list[Line]()
        for line in lines:
            if line.width < SHORTEST_NAME * line.height:
                short.append(line)
            else:
                (seconds if any(same_text(line, other) for other in firsts) else firsts).append(line)
        found = self._read(scene.image, firsts, WORDS)
        telling = [one for one in found if self._names_issuer(scene, one.text)]
        known, unknown = list[Place](), list[Line]()
        for line in seconds:
            first = next((one for one in telling if same_text(line, one.line)), None)
            if first is None:
                unknown.append(line)
            else:
                known.append(Place([line], first.text))
        found += self._read(scene.image, unknown, WORDS)
        return [*found, *known, *(Place([line], "") for line in short)]

    def _names_issuer(self, scene: Scene, text: str) -> bool:
        """Return whether a line of text identifies an issuer by itself."""
        return (
            max(states.cached_phrase_odds(self._region, text, scene.shown).values(), default=0.0)
            >= ISSUER_ODDS
        )


def _letters(text: str) -> int:
    return sum(c.isalnum() for c in text)


def _complete_line(place: Place) -> list[Place]:
    """Return a place's line as it was found again, unless that is a piece of it: SR 113 of JSR 113."""
    return [one for one in place.again if _letters(one.text) >= _letters(place.text)]


def _has_foreign_text(place: Place) -> bool:
    """Return whether a place's line, found again as text of any kind, has text that no plate has."""
    return any(line_filter.is_no_serial(one.text) for one in place.again)


def _mixed(text: str) -> bool:
    """Return whether a line has letters and digits, as plates do and few words and numbers."""
    return any(c.isdigit() for c in text) and any(c.isalpha() for c in text)


def _is_frame_word(text: Place) -> bool:
    """Return whether a line is a word beside a serial, of any size, as on dealers' frames."""
    return text.found_beside and not any(c.isdigit() for c in text.text)


def _is_bare(scene: Scene, place: Place) -> bool:
    """Return whether a line is a word or short number without other evidence that it is a plate's.

    In a picture that it fills, it is a plate's.
    """
    texts = [glyphs.greedy(table).text for table in place.tables]
    return all(map(line_filter.is_bare, texts)) and place.line.width < FILLS * scene.image.shape[1]


def _may_be_legible(scene: Scene, place: Place) -> bool:
    """Return whether the words beside a serial would be found; they have a third of its height.

    In a picture that is cut to the plate this is unknown.
    """
    return place.height >= LEGIBLE_WORDS and place.line.width < FILLS * scene.image.shape[1]


def _best_confidence(reads: Sequence[PlateRead]) -> float:
    """Return the confidence of the likeliest serial, without its small letters.

    Each of them reduces the confidence, and a pass that does not find them is no better for it.
    """
    if not reads:
        return 0.0
    return min(1.0, reads[0].confidence / pairs.LETTER ** len("".join(reads[0].stacked)))
