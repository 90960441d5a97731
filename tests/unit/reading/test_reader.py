from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from platestream.reading import line_filter, pairs
from platestream.reading.detection_plan import Plan, Scene
from platestream.reading.geometry import Image, Line
from platestream.reading.plate_reader import TwoPassReader, _best_confidence
from platestream.reading.text_regions import Place
from platestream.reading.vehicles import merge_by_vehicle
from platestream.schemas.reading import PlateRead
from tests.unit.reading.readings import PICTURE, Floats, ScriptedEngine, spoken

INFRARED = np.full_like(PICTURE, (60, 20, 80))
"""A night's picture of a sensor that sees infrared: purple."""


def test_a_picture_without_text_has_no_plate() -> None:
    assert TwoPassReader(ScriptedEngine([], ["X"], 0.9)).read(PICTURE) == []


def test_a_sure_glance_is_enough() -> None:
    engine = ScriptedEngine([(500, 400, 120, 30)], ["ABC1234"], 0.99)
    (read,) = TwoPassReader(engine, "br").read(PICTURE)
    assert read.plate == "ABC1234"
    assert (engine.detected, engine.read) == (1, 2)


def test_a_serial_with_an_unsure_character_is_read_in_a_second_crop() -> None:
    engine = ScriptedEngine([(500, 400, 120, 30)], ["ABC1234"], 0.85)
    TwoPassReader(engine, "br", Plan(enough=0.5)).read(PICTURE)
    assert (engine.detected, engine.read) == (1, 3)


def test_a_us_plate_big_enough_is_searched_for_its_states_name() -> None:
    engine = ScriptedEngine([(500, 400, 120, 30)], ["ABC1234"], 0.99)
    assert TwoPassReader(engine).read(PICTURE)[0].state is None
    assert engine.detected == 2


def test_the_words_of_a_known_plate_are_not_searched_again() -> None:
    engine = ScriptedEngine([(500, 400, 120, 30)], ["ABC1234"], 0.99)
    reader = TwoPassReader(engine)
    (first,) = reader.read(PICTURE)
    known = replace(first, words=("GRAND CANYON STATE",))
    (again,) = reader.read(PICTURE, known=known)
    assert (again.plate, again.state, again.words) == ("ABC1234", "AZ", known.words)
    assert engine.detected == 2 + 1
    (other,) = reader.read(PICTURE, known=replace(known, plate="XYZ9876"))
    assert (other.plate, other.state, other.words) == ("ABC1234", None, ())
    assert engine.detected == 2 + 1 + 2


def test_a_second_vehicle_is_read_beside_the_first() -> None:
    engine = ScriptedEngine([(500, 400, 120, 30), (900, 410, 110, 28)], ["ABC1234"], 0.99)
    assert [read.box for read in TwoPassReader(engine, "br").read(PICTURE)] == engine.lines
    assert engine.detected == 1


def test_the_plate_recogniser_is_asked_only_for_what_may_be_a_serial() -> None:
    engine = ScriptedEngine([(500, 400, 120, 30), (20, 690, 160, 18)], ["ABC1234", "2014-05-17"], 0.99)
    asked: list[int] = []
    reads = engine.recognise

    def counted(crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
        if serials:
            asked.append(len(crops))
            return [spoken("ABC1234", 0.99) for _ in crops]
        return reads(crops, width)

    engine.recognise = counted  # type: ignore[method-assign]
    assert TwoPassReader(engine, "br").read(PICTURE)[0].plate == "ABC1234"
    assert sum(asked) == 1


def test_serials_are_looked_for_first_and_text_only_where_something_is_doubtful() -> None:
    nothing = ScriptedEngine([], ["X"], 0.9)
    TwoPassReader(nothing).read(PICTURE)
    assert nothing.serials == nothing.detected > 0
    sure = ScriptedEngine([(500, 400, 120, 30)], ["ABC1234"], 0.99)
    TwoPassReader(sure, "br").read(PICTURE)
    assert sure.serials == sure.detected == 1
    doubtful = ScriptedEngine([(500, 400, 120, 30)], ["ABC1234"], 0.6)
    TwoPassReader(doubtful).read(PICTURE)
    assert 0 < doubtful.serials < doubtful.detected


def test_an_unsure_glance_is_followed_by_a_closer_look() -> None:
    engine = ScriptedEngine([(500, 400, 120, 30)], ["ABC1234"], 0.7)
    read = TwoPassReader(engine).read(PICTURE)[0]
    assert read.plate == "ABC1234"
    assert engine.detected > 1
    assert engine.read > 5


def test_the_careful_detector_is_asked_only_where_the_answer_is_doubtful() -> None:
    sure = ScriptedEngine([(500, 400, 120, 30)], ["ABC1234"], 0.99)
    TwoPassReader(sure).read(PICTURE)
    nothing = ScriptedEngine([], ["X"], 0.9)
    TwoPassReader(nothing).read(PICTURE)
    doubtful = ScriptedEngine([(500, 400, 120, 30)], ["ABC1234"], 0.6)
    TwoPassReader(doubtful).read(PICTURE)
    assert (sure.careful, nothing.careful, doubtful.careful) == (0, 0, 1)


def test_a_read_tells_its_box_and_a_confidence_a_character() -> None:
    engine = ScriptedEngine([(500, 400, 120, 30)], ["ABC1234"], 0.99)
    (read,) = TwoPassReader(engine).read(PICTURE)
    assert read.box == (500, 400, 120, 30)
    assert read.char_confidences == pytest.approx((0.99,) * 7, abs=0.01)


@pytest.mark.parametrize(("said", "times"), [("ARIZONA", 1), ("QQXYZRS", 2)])
def test_a_line_in_two_boxes_is_read_once_where_it_tells_the_state_and_a_sticker_never(
    said: str, times: int
) -> None:
    name, again, sticker = (
        Line(np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32))
        for x, y, w, h in ((520, 378, 90, 14), (516, 376, 99, 18), (610, 440, 12, 12))
    )
    engine = ScriptedEngine([], [said], 0.99)
    found = TwoPassReader(engine)._read_words(Scene(PICTURE), [name, again, sticker])
    assert sorted(place.text for place in found) == ["", said, said]
    assert engine.read == times


def test_the_words_on_the_plate_give_the_state() -> None:
    engine = ScriptedEngine([(500, 400, 120, 30), (520, 380, 90, 12)], ["AST3087", "ARIZONA"], 0.99)

    def by_height(crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
        return [spoken("ARIZONA" if c.shape[1] > 300 and not serials else "AST3087", 0.99) for c in crops]

    engine.recognise = by_height  # type: ignore[method-assign]
    (read,) = TwoPassReader(engine).read(PICTURE)
    assert (read.plate, read.state) == ("AST3087", "AZ")


def test_a_timestamp_is_no_plate() -> None:
    engine = ScriptedEngine([(20, 690, 160, 18)], ["2014-05-17"], 0.99)
    assert TwoPassReader(engine).read(PICTURE) == []


def plate(text: str, confidence: float, box: tuple[int, int, int, int] = (0, 0, 9, 3)) -> PlateRead:
    return PlateRead(text, confidence, None, 0.0, box, (), ())


def test_two_boxes_of_one_plate_are_one_read() -> None:
    small, large = plate("KTA1049", 0.64, (36, 49, 294, 63)), plate("KTA1049", 0.97, (15, 21, 330, 111))
    beside = plate("KTA1049", 0.5, (400, 21, 330, 111))
    assert merge_by_vehicle([small, large, beside]) == [large, beside]


def test_a_name_on_a_van_comes_after_its_plate() -> None:
    reads = merge_by_vehicle([plate("PENSKE", 0.9), plate("AB12345", 0.6, (50, 0, 9, 3))])
    assert [r.plate for r in reads] == ["AB12345", "PENSKE"]


def test_a_word_alone_may_be_a_personal_plate() -> None:
    assert merge_by_vehicle([plate("DRIFTER", 0.9)])[0].confidence == 0.9


def confidence(lines: Sequence[tuple[int, int, int, int]], says: Sequence[str], region: str = "us") -> float:
    reads = TwoPassReader(ScriptedEngine(lines, says, 0.99), region).read(PICTURE)
    return reads[0].confidence if reads else 0.0


def test_lines_of_one_height_above_each_other_are_a_signs() -> None:
    alone = [(500, 400, 120, 30)]
    assert confidence([*alone, (500, 440, 120, 30)], ["KLB4821"]) < 0.3 < confidence(alone, ["KLB4821"])


def test_a_word_without_a_states_name_is_rather_a_sign_unless_it_fills_the_picture() -> None:
    small, wide = (500, 400, 120, 30), (200, 300, 680, 170)
    assert confidence([small], ["BAKERY"]) < 0.3 < confidence([wide], ["BAKERY"])


def test_a_plate_in_two_rows_is_one_plate() -> None:
    engine = ScriptedEngine([(500, 400, 80, 40), (502, 446, 78, 40), (510, 380, 60, 12)], ["?"], 0.99)

    def by_width(crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
        texts = iter(("AB4", "127"))
        return [spoken("ARIZONA" if c.shape[1] > 200 else next(texts, "AB4"), 0.99) for c in crops]

    engine.recognise = by_width  # type: ignore[method-assign]
    (read,) = TwoPassReader(engine).read(PICTURE)
    assert (read.plate, read.state, read.box) == ("AB4127", "AZ", (500, 400, 80, 86))


def found_again(engine: ScriptedEngine, whole: tuple[int, int, int, int]) -> Any:
    """As `engine.detect`, but around the line at (530, 400, 90, 30) the line `whole` is found."""
    detect = engine.detect

    def again(
        image: Image, longest: int, threshold: float = 0.6, careful: bool = False, serials: bool = False
    ) -> list[Floats]:
        if image.shape == PICTURE.shape:
            return detect(image, longest, threshold, careful, serials)
        left, top, scale = 470.0, 340.0, 56 / 30  # of the part around the line, which is enlarged
        x, y, w, h = whole
        corners = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)
        return [(corners - np.array([left, top], np.float32)) * np.float32(scale)]

    return again


def test_the_line_that_is_found_again_and_wider_is_read_in_place_of_the_short_one() -> None:
    """The detector's first box ends inside the serial, and every character in it is sure."""
    short, whole = (530, 400, 90, 30), (500, 400, 120, 30)
    engine = ScriptedEngine([short], ["?"], 0.99)

    def by_width(crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
        return [spoken("4WAG376" if c.shape[1] > 220 else "4WAG37", 0.99) for c in crops]

    engine.detect, engine.recognise = found_again(engine, whole), by_width  # type: ignore[method-assign]
    assert TwoPassReader(engine).read(PICTURE)[0].plate == "4WAG376"


def test_where_plates_bear_no_words_a_wider_line_is_looked_for_at_night_alone() -> None:
    """A lamp above the plate leaves the first letter in the shade; the localizer's box begins behind it."""
    short, whole = (530, 400, 90, 30), (500, 400, 120, 30)

    def read(image: Image) -> PlateRead:
        engine = ScriptedEngine([short], ["?"], 0.99)

        def by_width(crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
            wide = 300 if serials else 220
            return [spoken("B809NYK" if c.shape[1] > wide else "809NYK", 0.99) for c in crops]

        engine.detect, engine.recognise = found_again(engine, whole), by_width  # type: ignore[method-assign]
        return TwoPassReader(engine, "eu").read(image)[0]

    assert read(PICTURE).plate == "809NYK"
    assert read(INFRARED).plate == "B809NYK"


def test_a_plate_that_bears_no_words_is_as_sure_at_night_as_by_day() -> None:
    night, day = (
        TwoPassReader(ScriptedEngine([(500, 400, 130, 30)], ["B809NYK"], 0.99), "eu").read(image)[0]
        for image in (INFRARED, PICTURE)
    )
    assert night.confidence == day.confidence


def test_a_wider_line_that_says_less_is_scenery_and_the_short_one_stays() -> None:
    """Around a small plate the search may frame the bumper with it, where nothing can be read any more."""
    short, bumper = (530, 400, 90, 30), (480, 398, 170, 34)
    engine = ScriptedEngine([short], ["?"], 0.99)

    def by_width(crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
        return [spoken("E" if c.shape[1] > 300 else "4KRH440", 0.99) for c in crops]

    engine.detect, engine.recognise = found_again(engine, bumper), by_width  # type: ignore[method-assign]
    assert TwoPassReader(engine).read(PICTURE)[0].plate == "4KRH440"


def test_what_a_road_is_called_is_a_plate_beside_an_issuers_name_alone() -> None:
    def best(word: str) -> float:
        engine = ScriptedEngine([(500, 400, 120, 30), (520, 380, 90, 12)], ["?"], 0.99)

        def by_height(crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
            said = "BAY1234" if serials else "BAY 1234"
            return [spoken(word if c.shape[1] > 300 and not serials else said, 0.99) for c in crops]

        engine.recognise = by_height  # type: ignore[method-assign]
        return max((read.confidence for read in TwoPassReader(engine).read(PICTURE)), default=0.0)

    assert best("QQXYZ") == 0.0 < 0.5 < best("ARIZONA")


def test_a_tiny_picture_of_a_plates_shape_in_which_nothing_is_found_is_searched_by_the_careful_detector() -> (
    None
):
    engine = ScriptedEngine([], ["?"], 0.99)
    TwoPassReader(engine).read(np.zeros((69, 164, 3), np.uint8))
    assert engine.careful == 1
    TwoPassReader(engine).read(PICTURE)
    TwoPassReader(engine).read(np.zeros((164, 164, 3), np.uint8))
    assert engine.careful == 1


def test_a_tiny_picture_that_is_not_cut_to_a_plate_is_enlarged_for_the_localiser_alone() -> None:
    plan, street, plate = Plan(), np.zeros((240, 320, 3), np.uint8), np.zeros((128, 224, 3), np.uint8)
    assert [look.serials for look in (plan.tiny, plan.cut) if look.is_for(street)] == [True]
    assert [look.serials for look in (plan.tiny, plan.cut) if look.is_for(plate)] == [False]
    engine = ScriptedEngine([], ["?"], 0.99)
    TwoPassReader(engine).read(street)
    assert (engine.serials, engine.detected) == (2, 2)


def test_a_piece_of_a_serial_that_says_a_roads_name_takes_nothing_from_it() -> None:
    whole, piece = (500, 400, 120, 30), (514, 398, 108, 33)
    engine = ScriptedEngine([whole], ["?"], 0.99)

    def by_width(crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
        return [
            spoken("JSR113" if serials else "JSR 113" if c.shape[1] > 250 else "SR 113", 0.99) for c in crops
        ]

    engine.detect, engine.recognise = found_again(engine, piece), by_width  # type: ignore[method-assign]
    assert TwoPassReader(engine).read(PICTURE)[0].plate == "JSR113"


def test_a_piece_of_a_sign_that_is_found_again_whole_is_no_plate() -> None:
    piece, whole = (530, 400, 90, 30), (500, 400, 130, 30)

    def best(text: str) -> float:
        engine = ScriptedEngine([piece], ["?"], 0.99)

        def by_width(crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
            return [spoken(text if c.shape[1] > 240 and not serials else "NIT2081", 0.99) for c in crops]

        engine.detect, engine.recognise = found_again(engine, whole), by_width  # type: ignore[method-assign]
        return max((read.confidence for read in TwoPassReader(engine).read(PICTURE)), default=0.0)

    assert best("UNIT 208") == 0.0 < best("NIT2081")


def test_a_word_of_a_dealers_frame_as_large_as_the_serial_makes_no_sign_of_it_and_a_number_does() -> None:
    def best(below: str) -> float:
        engine = ScriptedEngine([(530, 400, 90, 30)], ["?"], 0.99)

        def by_turn(crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
            engine.read += not serials
            return [spoken("4WAG376" if serials or engine.read == 1 else below, 0.99) for _ in crops]

        engine.detect = found_again(engine, (530, 436, 90, 28))  # type: ignore[method-assign]
        engine.recognise = by_turn  # type: ignore[method-assign]
        return max((read.confidence for read in TwoPassReader(engine).read(PICTURE)), default=0.0)

    assert best("LANE 3") < 0.3 < 0.7 < best("TRITONS")


def test_a_picture_without_text_is_searched_twice_and_no_more() -> None:
    engine = ScriptedEngine([], ["X"], 0.9)
    TwoPassReader(engine).read(PICTURE)
    assert engine.detected == 2


def test_small_letters_make_no_look_less_sure_than_one_that_does_not_find_them() -> None:
    """Else CM 48213 gives way to what the enlarged picture shows of it, 48213."""
    sure = plate("48213", 0.85)
    official = pairs.official(sure, ("CM", ""))
    assert official.confidence < 0.75 < _best_confidence([official]) == pytest.approx(0.85)
    assert _best_confidence([sure]) == 0.85
    assert _best_confidence([]) == 0.0


def test_an_issuers_name_beside_it_makes_a_serial_surer() -> None:
    def best(word: str) -> float:
        engine = ScriptedEngine([(500, 400, 120, 30), (520, 380, 90, 12)], ["?"], 0.99)

        def by_height(crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
            return [spoken(word if c.shape[1] > 300 and not serials else "AST3087", 0.99) for c in crops]

        engine.recognise = by_height  # type: ignore[method-assign]
        return TwoPassReader(engine).read(PICTURE)[0].confidence

    assert best("ARIZONA") > best("QQXYZ")


def test_tiny_pictures_are_enlarged_and_large_ones_are_not() -> None:
    tiny, large = np.zeros((128, 224, 3), np.uint8), np.zeros((720, 1280, 3), np.uint8)
    seen, by = Plan().tiny.at(tiny)
    assert (by, seen.shape[1]) == (1.5, 336)
    assert Plan().full.at(large)[1] == 1.0


def test_a_line_that_goes_on_beyond_another_takes_its_place_and_a_piece_of_it_does_not() -> None:
    def box(left: float, right: float) -> Line:
        return Line(np.array([[left, 0], [right, 0], [right, 20], [left, 20]], np.float32))

    place = Place([box(10, 90)], "ABC1234")
    place.join(box(11, 91))
    assert len(place.lines) == 2
    place.join(box(30, 90))
    assert len(place.lines) == 2
    place.join(box(0, 90))
    assert [line.span[0] for line in place.lines] == [0]


def test_a_serial_beside_which_nothing_is_written_is_not_sure_where_it_would_be_legible() -> None:
    large, small, wide = (500, 400, 120, 30), (500, 400, 64, 16), (200, 300, 680, 170)
    assert confidence([large], ["ABC1234"]) < 0.9
    assert confidence([small], ["ABC1234"]) > 0.9
    assert confidence([wide], ["ABC1234"]) > 0.9
    assert confidence([large], ["ABC1234"], "br") > 0.9


def test_a_serial_at_the_pictures_edge_is_never_sure() -> None:
    inside, edge = (500, 400, 120, 30), (1160, 400, 120, 30)
    assert confidence([edge], ["ABC1234"], "br") <= 0.9 < confidence([inside], ["ABC1234"], "br")


@pytest.mark.parametrize("text", ["N906BA", "N12345", "N1", "N405MR"])
def test_an_aircrafts_number_is_rather_no_plate(text: str) -> None:
    assert line_filter.is_bare(text)


@pytest.mark.parametrize("text", ["N0123", "NAB1234", "N1234567", "ABC1234", "N12IO", "N123ABC"])
def test_what_aircraft_do_not_bear_is_no_aircrafts_number(text: str) -> None:
    assert not line_filter.is_bare(text)
