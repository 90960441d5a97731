"""Two looks at a picture: a cheap one that finds serials, a careful one at what may be a plate.

The picture is searched coarsely by a detector that was trained to find serials and nothing else; each of them
is read once by a small recogniser of any text, and the promising ones in one or two crops by the recogniser
trained on plates. Before that the surroundings are searched at a better scale, for text of any kind: for the
plate's words and for all of its serial, since a box may end inside it. The vote over all crops (`vote`,
`rank`) gives the candidates and their confidence. Where that is not enough, what is around the line is read
the same way; where the coarse look leaves doubt, small pictures are looked at from near, where strokes tell
that a plate may be (`proposals`), others in full with dark parts lifted; then by the careful text detector,
then enlarged twice.
"""

from collections.abc import Sequence
from itertools import permutations
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from operators.reading import choose, glyphs, pairs, rank, states, vote
from operators.reading.formats import Region, region
from operators.reading.geometry import CROP_HEIGHT, Image, Line, box_of, joined, same_text, spread
from operators.reading.looks import Look, Plan, Scene
from operators.reading.places import (
    FILLS,
    FIRST,
    SECOND,
    TIGHT,
    WORDS,
    Cut,
    Place,
    beside,
    cut,
    cut_off,
    distinct,
    in_rows,
    lines_of,
    one_row,
    stacked,
)
from operators.reading.proposals import placed_back, proposed, sheet
from operators.reading.vehicles import one_vehicle
from schemas.reading import PlateRead, Reading

Floats = npt.NDArray[np.float32]

PLAN = Plan()
NARROW = 160
"""Pixels: the least width of the recogniser's input; a plate's crop is seldom narrower."""

LEGIBLE_WORDS = 24.0
"""Pixels of a serial's line from which the words above and below it are found, if there are any."""

TELLING = 6.0
"""Log odds of an issuer from which a line is not read again in another box: those of OHIO, well read."""

SHORTEST_NAME = 1.6
"""Widths by height from which a line of text may tell an issuer. OHIO and IOWA are twice as wide as high; of
124 lines below 1.8 on labelled photographs none told one. Stickers' months and years are not read.
"""


class Engine(Protocol):
    """What finds and reads lines of text; `connectors.ocr.TextEngine` is one."""

    @property
    def models(self) -> tuple[str, ...]: ...
    def detect(
        self, image: Image, longest: int, threshold: float = ..., careful: bool = ..., serials: bool = ...
    ) -> list[Floats]: ...
    def recognise(self, crops: Sequence[Image], width: int = ..., serials: bool = ...) -> list[Floats]: ...


class TwoLooks:
    """Reads plates with an engine; see the module."""

    def __init__(self, engine: Engine, region_code: str = "us", plan: Plan = PLAN) -> None:
        self._engine, self._plan = engine, plan
        self._region: Region = region(region_code)

    @property
    def models(self) -> tuple[str, ...]:
        return self._engine.models

    def read(self, image: Image) -> list[PlateRead]:
        """Plates in `image` (height x width x 3, BGR), most certain first; empty when there is none."""
        plan = self._plan
        reads = self._study(image, plan.coarse)
        for look in (plan.tiny, plan.cut, plan.near, plan.full):
            if _best(reads) < plan.enough and look.is_for(image):
                reads = max(self._study(image, look), reads, key=_best)
        if not reads and plan.unfound.is_for(image):
            reads = self._study(image, plan.unfound)
        for look in (plan.careful, plan.last):
            if 0 < _best(reads) < plan.doubtful:
                reads = max(reads, self._study(image, look), key=_best)
        return reads

    def _study(self, image: Image, look: Look) -> list[PlateRead]:
        """Plates from a look at the picture and, where that was for text and is not enough, one around each
        promising line.

        Beside a plate that is sure enough, only what looks like one more (a second vehicle's) is read.
        """
        scene = self._scene(image, look)
        looked, reads = list[Place](), list[PlateRead]()
        for place in self._promising(scene):
            enough = _best(reads) >= self._plan.enough
            if any(place is p for p in looked) or (enough and not _mixed(place.text)):
                continue
            self._look_around(scene, place)
            if _foreign(place):
                continue
            self._read_serials(image, [place])
            looked.append(place)
            reads = self._plates(scene, looked)
            if _best(reads) < self._plan.enough and not look.serials:  # whose lines are whole
                looked.extend(p for p in self._closer_look(scene, place) if not any(p is q for q in looked))
                reads = self._plates(scene, looked)
        if _best(reads) < self._plan.enough and (pairs := self._in_rows(scene)):
            reads = self._plates(scene, [*looked, *pairs])
        return reads

    def _in_rows(self, scene: Scene) -> list[Place]:
        """Places that may be one serial in two rows, read."""
        found = list[Place]()
        texts = [*scene.places, *scene.signs]
        for upper, lower in permutations(texts, 2):
            pair = in_rows(upper, lower)
            if pair is None or not _mixed(pair.text) or self._stacked(scene, upper, lower):
                continue
            rows = [(pair, upper.line), (pair, lower.line)]
            for how in (TIGHT, SECOND):
                pair.tables.append(one_row(*self._serials(scene.image, rows, how)))
            found.append(pair)
        return found

    def _scene(self, image: Image, look: Look) -> Scene:
        """The picture with the lines that a look finds, in the picture's own pixels."""
        scene = Scene(image, look.serials)
        if look.proposals:
            if not (proposals := proposed(image, look.proposals)):
                return scene
            seen, tiles = sheet(image, proposals, self._plan.near_height)
            found = self._lines(seen, max(seen.shape[:2]), look)
            self._add(scene, distinct(placed_back(found, tiles), []))
            return scene
        seen, scale = look.at(image)
        found = self._lines(seen, look.longest_of(seen), look)
        self._add(scene, lines_of([quad / np.float32(scale) for quad in found]))
        return scene

    def _lines(self, seen: Image, longest: int, look: Look) -> list[Floats]:
        """Corners of what the look's detector finds."""
        threshold = self._plan.threshold
        return self._engine.detect(seen, longest, threshold, careful=look.careful, serials=look.serials)

    def _add(self, scene: Scene, lines: Sequence[Line]) -> list[Place]:
        """Reads the lines with a serial's shape once; the places among them that may be plates."""
        shaped = [line for line in (*lines, *joined(lines)) if choose.shaped(line)]
        scene.unread.extend(line for line in lines if not choose.shaped(line))
        fresh = list[Place]()
        for place in self._read(scene.image, shaped):
            likely = choose.plausible(place.text) and not states.names(self._region, place.text)
            (fresh if likely else scene.signs).append(place)
        scene.places.extend(fresh)
        return fresh

    def _read(self, image: Image, lines: Sequence[Line], how: Cut = FIRST) -> list[Place]:
        """The lines as text of any kind, read once."""
        tables = self._engine.recognise([cut(image, line, how) for line in lines], NARROW)
        return [Place([line], glyphs.text_of(table)) for line, table in zip(lines, tables, strict=True)]

    def _read_serials(self, image: Image, places: Sequence[Place]) -> None:
        """Reads as a plate's serial those lines of the places that were not yet: in two crops, or in one
        that counts for both where every character is sure, as most are.
        """
        for place in places:
            self._read_pairs(image, place)
        fresh = [(place, line) for place in places for line in place.unread()]
        again = list[tuple[Place, Line]]()
        for (place, line), table in zip(fresh, self._serials(image, fresh, TIGHT), strict=True):
            place.tables.append(table)
            if min(glyphs.greedy(glyphs.tied(table)).sure, default=0.0) >= self._plan.sure:
                place.tables.append(table)
            else:
                again.append((place, line))
        for (place, _), table in zip(again, self._serials(image, again, SECOND), strict=True):
            place.tables.append(table)

    def _serials(self, image: Image, lines: Sequence[tuple[Place, Line]], how: Cut) -> list[Floats]:
        """Each line as a plate's serial, steps x 37, without pairs of small letters that were read apart."""
        crops = [cut(image, line, how) for _, line in lines]
        for i, (place, line) in enumerate(lines):
            for pair in place.small if line is place.paired else ():
                crops[i] = pairs.painted_over(crops[i], pair, how.along, how.wider)
        return [glyphs.letters(table) for table in self._engine.recognise(crops, NARROW, serials=True)]

    def _read_pairs(self, image: Image, place: Place) -> None:
        """Reads the small letters at a new line's ends; where they are not clear they are none."""
        if not place.reach(image):
            return
        legible = self._region.speaks and place.height >= self._plan.paired
        said = [(pair, letters) for pair in place.small if legible and (letters := self._pair(pair))]
        place.small = [pair for pair, _ in said]
        if said:
            texts = {pair.behind: letters for pair, letters in said}
            place.official = texts.get(False, ""), texts.get(True, "")

    def _pair(self, pair: pairs.Pair) -> str:
        """The two letters of a pair, or nothing where they are not clear."""
        tables = self._engine.recognise([*pair.letters, pair.whole], CROP_HEIGHT, serials=True)
        upper, lower, whole = (glyphs.greedy(glyphs.letters(table)) for table in tables)
        return pairs.letters(upper, lower, whole, self._plan.legibly)

    def _promising(self, scene: Scene) -> list[Place]:
        tallest = max((p.height for p in scene.places), default=1.0)
        order = sorted(scene.places, key=lambda p: -choose.likely(p.line, p.text, tallest))
        return order[: self._plan.places]

    def _closer_look(self, scene: Scene, place: Place) -> list[Place]:
        """The place, and others near it, with what several crops of all lines there read."""
        found = [f for f in self._surroundings(scene.image, place.line, self._plan.text_height)
                 if not choose.inside(f, scene.long_lines())]  # fmt: skip
        near = [place]
        for fresh in self._add(scene, distinct(found, scene.lines())):
            same = next((p for p in near if any(same_text(fresh.line, line) for line in p.lines)), None)
            if same is None:
                near.append(fresh)
            else:
                same.join(fresh.line)
                scene.places.remove(fresh)
        self._read_serials(scene.image, near[:3])
        return near

    def _surroundings(self, image: Image, line: Line, text_height: float) -> list[Line]:
        """Lines of text around a line, found with it scaled to that height and the contrast spread."""
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
        return one_vehicle([r for p in places if (r := self._plate(scene, p, tallest))])

    def _plate(self, scene: Scene, place: Place, tallest: float) -> PlateRead | None:
        """The place as a plate; judged anew only where something that tells on it has changed."""
        self._look_around(scene, place)
        if _foreign(place):
            return None
        words, beset = self._words(scene, place), self._stacked(scene, place)
        told = (place.line.span, len(place.tables), place.official, tallest, tuple(words), beset)
        if place.judged is None or place.judged[0] != told:
            place.judged = told, self._judged(scene, place, tallest, words, beset)
        return place.judged[1]

    def _judged(
        self, scene: Scene, place: Place, tallest: float, words: Sequence[str], beset: bool
    ) -> PlateRead | None:
        issuers = states.by_words(self._region, words, scene.shown)
        formats = self._region.mixed(issuers)
        options = vote.candidates(place.tables, self._region, formats, self._region.symbols(issuers))
        line = place.line
        named = max(issuers.values()) >= states.SAY_FROM or not self._region.speaks
        if not named and any(choose.numbered(one.text) for one in (place, *_whole(place))):
            return None
        setting = rank.Setting(
            place.height / tallest, line.width / line.height, stacked=beset,
            in_rows=place.rows > 1, named=named and self._region.speaks,
            bare=not named and _bare(scene, place), cut=cut_off(line, scene.image.shape),
            silent=place.searched and not words and _may_be_legible(scene, place),
        )  # fmt: skip
        order = rank.ranked(options, setting, self._region)
        if not order or order[0][1] < self._plan.keep:
            return None
        order = order[: self._plan.alternatives + 1]
        texts = vote.unfolded([c.text for c, _ in order], place.tables, self._region, formats)
        best, *others = (Reading(text, share) for text, (_, share) in zip(texts, order, strict=True))
        where = states.state(self._region, best.plate, issuers)
        read = PlateRead(
            best.plate, best.confidence, where.code, where.confidence,
            box_of(line, scene.image.shape), tuple(others),
            place.character_confidences(order[0][0].text),
        )  # fmt: skip
        return pairs.official(read, place.official) if any(place.official) else read

    def _stacked(self, scene: Scene, *rows: Place) -> bool:
        """Whether text as high as the rows, and no state's name, stands right above or below."""
        others = [
            other.line
            for other in (*scene.places, *scene.signs)
            if _letters(other.text) >= vote.SHORTEST
            and not states.names(self._region, other.text)
            and not any(same_text(other.line, row.line) for row in rows)
            and not _of_a_frame(other)
        ]
        return any(stacked(row.line, other) for row in rows for other in others)

    def _look_around(self, scene: Scene, place: Place) -> None:
        """Searches what is around a serial, once: for all of its own line, which may turn out to be a sign's,
        and for the words beside it.

        Only where plates bear words: without them a closer look is taken where it is needed, and boxes were
        whole on all that were measured.
        """
        line = place.line
        if place.searched or place.rows > 1 or not self._region.speaks or line.height < self._plan.legible:
            return
        place.searched = True
        around = self._surroundings(scene.image, line, self._plan.word_height)
        if line.width >= FILLS * scene.image.shape[1]:  # its words are as large as they need be, too
            whole = self._engine.detect(scene.image, self._plan.around, self._plan.threshold)
            around = [*lines_of(whole), *around]
        same = distinct([a for a in around if same_text(line, a)], place.lines)
        place.again = self._read(scene.image, same)
        place.widen([one.line for one in _whole(place)])
        scene.unread.extend(distinct([a for a in around if beside(line, a)], scene.lines()))

    def _words(self, scene: Scene, serial: Place) -> list[str]:
        """The text above and below a serial; lines there that nobody has read yet are read now."""
        wanted = [line for line in scene.unread if beside(serial.line, line)]
        scene.unread = [line for line in scene.unread if not any(line is w for w in wanted)]
        found = self._read_words(scene, wanted)
        for one in found:
            one.found_beside = scene.serials
        scene.signs.extend(found)
        return [p.text for p in (*scene.places, *scene.signs) if beside(serial.line, p.line)]

    def _read_words(self, scene: Scene, lines: Sequence[Line]) -> list[Place]:
        """Lines beside a serial with what they say: nothing where they are too short for a name. Many are
        found twice, at two scales: what tells an issuer in its first box counts for both, and is read once.
        """
        firsts, seconds, short = list[Line](), list[Line](), list[Line]()
        for line in lines:
            if line.width < SHORTEST_NAME * line.height:
                short.append(line)
            else:
                (seconds if any(same_text(line, other) for other in firsts) else firsts).append(line)
        found = self._read(scene.image, firsts, WORDS)
        telling = [one for one in found if self._tells(scene, one.text)]
        known, unknown = list[Place](), list[Line]()
        for line in seconds:
            first = next((one for one in telling if same_text(line, one.line)), None)
            if first is None:
                unknown.append(line)
            else:
                known.append(Place([line], first.text))
        found += self._read(scene.image, unknown, WORDS)
        return [*found, *known, *(Place([line], "") for line in short)]

    def _tells(self, scene: Scene, text: str) -> bool:
        """Whether a line of text tells an issuer by itself."""
        return max(states.shown_of(self._region, text, scene.shown).values(), default=0.0) >= TELLING


def _letters(text: str) -> int:
    return sum(c.isalnum() for c in text)


def _whole(place: Place) -> list[Place]:
    """A place's line as it was found again, where that is no piece of it: SR 113 of JSR 113 is a road's."""
    return [one for one in place.again if _letters(one.text) >= _letters(place.text)]


def _foreign(place: Place) -> bool:
    """Whether a place's line, found again as text of any kind, says what no plate does."""
    return any(choose.no_serial(one.text) for one in place.again)


def _mixed(text: str) -> bool:
    """Whether a line holds letters and digits, as plates do and few words and numbers."""
    return any(c.isdigit() for c in text) and any(c.isalpha() for c in text)


def _of_a_frame(text: Place) -> bool:
    """Whether a line is a word beside a serial, as large as it may be: so dealers' frames bear theirs."""
    return text.found_beside and not any(c.isdigit() for c in text.text)


def _bare(scene: Scene, place: Place) -> bool:
    """Whether a line is a word or a short number and nothing else tells that it is a plate's; in a picture
    that it fills it is.
    """
    said = [glyphs.greedy(table).text for table in place.tables]
    return all(map(choose.bare, said)) and place.line.width < FILLS * scene.image.shape[1]


def _may_be_legible(scene: Scene, place: Place) -> bool:
    """Whether the words beside a serial, a third of its height, would be found, in a picture of more."""
    return place.height >= LEGIBLE_WORDS and place.line.width < FILLS * scene.image.shape[1]


def _best(reads: Sequence[PlateRead]) -> float:
    """How sure the likeliest serial is. Small letters beside it are left out: each takes something off, and a
    look that does not find them is no better for it.
    """
    if not reads:
        return 0.0
    return min(1.0, reads[0].confidence / pairs.LETTER ** len("".join(reads[0].stacked)))
