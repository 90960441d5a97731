import cv2
import numpy as np
import pytest

from platestream.reading import pairs, serial_ends
from platestream.reading.geometry import Image, Line
from platestream.reading.glyphs import ALPHABET, GreedyReading
from platestream.reading.serial_ends import SerialEnds, find_ends
from platestream.reading.text_regions import SECOND, TIGHT, Cut, Place, crop_line
from platestream.schemas.reading import PlateRead, Reading

ROW = "5821"
LEFT, PITCH = 102, 38
"""Where the row begins and how far its characters are apart, pixels."""
LINE = Line(
    np.array([[LEFT - 6, 40], [LEFT + 4 * PITCH, 40], [LEFT + 4 * PITCH, 88], [LEFT - 6, 88]], np.float32)
)
"""The row's box, 48 high, without what stands beside it."""


def picture(before: str = "", behind: str = "", *, dark: bool = True) -> Image:
    """A row; at its ends two letters of `before` or `behind` stand one above the other, or one in the row."""
    paper, ink = (230, 30) if dark else (40, 220)
    image = np.full((128, 380, 3), paper, np.uint8)
    for i, letter in enumerate(ROW):
        cv2.putText(image, letter, (LEFT + PITCH * i, 79), cv2.FONT_HERSHEY_SIMPLEX, 1.3, (ink,) * 3, 3)
    for x, text in ((LEFT - PITCH, before), (LEFT + 4 * PITCH, behind)):
        places = ((3, 62), (3, 79)) if len(text) == 2 else ((0, 79),)
        for letter, (right, foot) in zip(text, places, strict=False):
            size, thick = (0.55, 2) if len(text) == 2 else (1.3, 3)
            cv2.putText(image, letter, (x + right, foot), cv2.FONT_HERSHEY_SIMPLEX, size, (ink,) * 3, thick)
    return image


def found(image: Image) -> SerialEnds:
    return find_ends(image, LINE)


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("pair", ["CL", "RT", "US", "PC", "CH"])
def test_two_small_letters_at_an_end_of_the_row_are_a_pair(pair: str, dark: bool) -> None:
    for image in (picture(before=pair, dark=dark), picture(behind=pair, dark=dark)):
        ends = found(image)
        assert len(ends.pairs) == 1
        assert (ends.before, ends.behind) == (0.0, 0.0)


@pytest.mark.parametrize("letter", ALPHABET.replace("W", ""))  # the font's W is as wide as it is high
def test_a_character_beside_the_box_is_more_of_the_serial_and_no_pair(letter: str) -> None:
    before, behind = found(picture(before=letter)), found(picture(behind=letter))
    assert not before.pairs
    assert not behind.pairs
    assert before.before > 0.1
    assert behind.behind > 0.1


def test_nothing_beside_the_box_is_nothing() -> None:
    ends = found(picture())
    assert (ends.before, ends.behind, list(ends.pairs)) == (0.0, 0.0, [])


def test_a_frame_higher_than_the_row_is_not_more_of_it() -> None:
    image = picture()
    cv2.rectangle(image, (LEFT - 30, 8), (LEFT + 4 * PITCH + 30, 120), (30, 30, 30), 4)
    ends = found(image)
    assert (ends.before, ends.behind) == (0.0, 0.0)


def test_a_frames_sides_beside_a_tight_box_are_no_characters() -> None:
    image = picture()
    for x in (LEFT - 26, LEFT + 4 * PITCH + 12):
        cv2.rectangle(image, (x, 0), (x + 12, 127), (30, 30, 30), -1)
    tight = find_ends(image, LINE.shifted(0.0, 1.0, 0.14, 0.86))
    assert (tight.before, tight.behind) == (0.0, 0.0)


def test_a_picture_without_ink_has_no_ends() -> None:
    assert found(np.full((128, 380, 3), 200, np.uint8)) == SerialEnds()


def test_a_box_that_ends_inside_the_serial_is_made_longer() -> None:
    place = Place([LINE], "5821")
    assert place.reach(picture(before="4"))
    assert place.line.span[0] < LINE.span[0] - 20
    assert place.line.span[2] == pytest.approx(LINE.span[2], abs=1)


def test_a_line_is_reached_for_once() -> None:
    place = Place([LINE], "5821")
    place.unread()
    assert not place.reach(picture(before="4"))


@pytest.mark.parametrize("how", [TIGHT, SECOND])
def test_a_pair_is_cut_out_letter_by_letter_and_painted_over_in_the_row(how: Cut) -> None:
    image = picture(before="CL")
    place = Place([LINE], "5821")
    place.reach(image)
    (pair,) = place.small
    assert [letter.shape[0] for letter in pair.letters] == [48, 48]
    assert (pair.behind, pair.right < 0.1) == (False, True)
    wide = LINE.shifted(-1.0, 1.0, 0.0, 1.0)
    crop = crop_line(image, wide, how)
    left, right = (round((how.along + 1.0 + x) * 48 * how.wider) for x in (pair.left, pair.right))
    painted = pairs.paint_over(crop, pair, how.along + 1.0, how.wider)
    assert crop[:, left:right].min() < 100 < painted[:, left:right].min()
    assert np.array_equal(crop[:, right + 4 :], painted[:, right + 4 :])


@pytest.mark.parametrize("behind", [False, True])
def test_what_is_beyond_a_pair_is_painted_over_with_it_and_the_serial_is_not(behind: bool) -> None:
    """Shelby's name before the E and the N of a Tennessee serial came out as SHG."""
    image = picture(behind="EN") if behind else picture(before="EN")
    ends = found(image)
    assert ends.flat is not None
    pair = pairs.pair_of(ends.pairs[0], ends.flat, behind)
    emblem = slice(292, 312) if behind else slice(38, 58)
    image[44:84, emblem] = 90
    crop = crop_line(image, LINE, Cut(1.3, 0.0))
    painted = pairs.paint_over(crop, pair, 1.3, 1.0)
    row = slice(62, crop.shape[1] - 62)
    assert np.array_equal(crop[:, row], painted[:, row])
    end = slice(-24, None) if behind else slice(24)
    assert crop[:, end].min() < 100 < 150 < painted[:, end].min()


def test_a_small_letter_is_cut_out_without_an_edge_of_the_other_one() -> None:
    flat = np.full((48, 120, 3), 230, np.uint8)
    upper, lower = serial_ends.Piece(20, 4, 14, 18), serial_ends.Piece(20, 24, 14, 18)  # two rows apart
    for piece, ink in ((upper, 90), (lower, 20)):
        flat[piece.top : piece.foot, piece.left : piece.right] = ink
    first, second = pairs.pair_of(serial_ends.Pair(upper, lower), flat, behind=False).letters
    assert first.min() > 40, "cubic enlargement goes a little below the upper one's 90"
    assert second.min() < 40
    middle = second[: second.shape[0] // 8, second.shape[1] // 2]
    assert middle.min() > 150, "ground above the lower one"


def test_a_pair_outside_a_crop_leaves_it_as_it_is() -> None:
    crop = np.full((48, 100, 3), 9, np.uint8)
    far = pairs.Pair(-3.0, -2.0, (crop, crop), crop, behind=False)
    assert pairs.paint_over(crop, far, 0.2, 1.0) is crop


def test_letters_of_a_broken_figure_touch_and_are_no_pair() -> None:
    upper, lower = serial_ends.Piece(10, 10, 10, 15), serial_ends.Piece(10, 25, 10, 15)
    assert not serial_ends._is_above(upper, lower, 10, 40)
    assert serial_ends._is_above(upper, lower._replace(top=28, height=12), 10, 40)


def read(plate: str, confidence: float, *others: Reading) -> PlateRead:
    return PlateRead(plate, confidence, None, 0.0, (0, 0, 9, 3), others, (0.99,) * len(plate))


def test_the_official_number_has_the_small_letters_and_the_serial_alone_comes_next() -> None:
    whole = pairs.official(read("34230", 0.7, Reading("3423D", 0.01)), ("CL", ""))
    assert (whole.plate, whole.serial) == ("CL34230", "34230")
    assert whole.confidence == pytest.approx(0.7 * pairs.LETTER**2)
    assert [other.plate for other in whole.alternatives] == ["34230", "3423D"]
    assert len(whole.char_confidences) == len(whole.plate)
    assert whole.confidence + sum(other.confidence for other in whole.alternatives) <= 1.0


def test_letters_that_make_a_number_too_long_are_no_part_of_it() -> None:
    assert pairs.official(read("AB12345", 0.9), ("CL", "XY")).plate == "AB12345"


def test_without_small_letters_the_serial_is_the_plate() -> None:
    assert read("34230", 0.7).serial == "34230"


def said(text: str, *sure: float) -> GreedyReading:
    return GreedyReading(text, sure, tuple(range(len(text))))


@pytest.mark.parametrize(
    ("upper", "lower", "whole", "letters"),
    [
        (said("C", 1.0), said("L", 0.8), said("L", 0.97), "CL"),  # together read as one of them
        (said("C", 1.0), said("U", 0.99), said("G", 0.63), "CU"),  # or as nothing sure
        (said("C", 1.0), said("A", 1.0), said("GA", 0.9, 0.9), "CA"),
        (said("2", 0.71), said("J", 0.99), said("3", 1.0), ""),  # a torn 3
        (said("C", 0.5), said("L", 0.9), said("", *()), ""),  # not clear
        (said("", *()), said("L", 0.9), said("", *()), ""),
        (said("CO", 0.9, 0.9), said("L", 0.9), said("", *()), ""),
    ],
)
def test_two_letters_are_no_torn_character(
    upper: GreedyReading, lower: GreedyReading, whole: GreedyReading, letters: str
) -> None:
    assert pairs.letters(upper, lower, whole, 0.6) == letters
