import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from platestream.reading import line_filter
from platestream.reading.formats import region
from platestream.reading.geometry import Line, box_of, crop, joined, same_text, spread
from platestream.reading.text_regions import (
    FIRST,
    Place,
    crop_line,
    is_beside,
    is_stacked,
    join_rows,
    new_lines,
)


def line(x: float, y: float, width: float, height: float, lean: float = 0.0) -> Line:
    corners = [[x, y], [x + width, y + lean], [x + width, y + lean + height], [x, y + height]]
    return Line(np.array(corners, np.float32))


def test_a_crop_is_upright_and_48_pixels_high() -> None:
    image = np.zeros((200, 400, 3), np.uint8)
    assert crop(image, line(50, 50, 120, 30, lean=20)).shape[0] == 48


def test_a_crop_at_the_pictures_edge_repeats_the_edge() -> None:
    image = np.full((60, 100, 3), 90, np.uint8)
    assert crop(image, line(-20, -5, 80, 30)).shape[0] == 48


@given(st.floats(0.05, 0.6), st.floats(0.0, 0.5))
def test_growing_adds_margins_in_heights_of_the_line(along: float, across: float) -> None:
    grown = line(100, 100, 80, 20).grown(across, along)
    assert grown.width == pytest.approx(80 + 2 * along * 20, rel=1e-3)
    assert grown.height == pytest.approx(20 * (1 + 2 * across), rel=1e-3)


def test_a_slogan_is_beside_a_serial_and_no_part_of_it() -> None:
    serial, again, slogan = line(100, 100, 80, 20), line(98, 101, 85, 18), line(105, 125, 70, 8)
    assert same_text(serial, again)
    assert not same_text(serial, slogan)
    assert is_beside(serial, slogan)
    assert joined([serial, slogan]) == []


def test_two_halves_with_a_symbol_between_are_one_line_too() -> None:
    left, right = line(100, 100, 50, 20, lean=4), line(170, 105.6, 66, 19, lean=5)
    (whole,) = joined([right, left])
    assert whole.span == pytest.approx((100, 100, 236, 129.6), abs=1)


@pytest.mark.parametrize(
    "other",
    [line(260, 100, 50, 20), line(160, 118, 50, 20), line(160, 100, 50, 12), line(101, 100, 50, 20)],
    ids=["far", "lower", "small", "same"],
)
def test_other_lines_are_no_half_of_it(other: Line) -> None:
    assert joined([line(100, 100, 50, 20), other]) == []


def test_a_box_already_there_is_not_taken_twice() -> None:
    known = line(100, 100, 80, 20)
    assert new_lines([line(101, 100, 80, 20), line(100, 100, 60, 20)], [known])[0].width == 60


def test_boxes_stay_inside_the_picture() -> None:
    assert box_of(line(-5, -5, 500, 50), (40, 300, 3)) == (0, 0, 300, 40)


def test_flat_grey_is_not_stretched_into_noise() -> None:
    grey = np.full((48, 200, 3), 128, np.uint8)
    grey[::2] += 1
    assert int(np.ptp(spread(grey))) < 30


def test_a_cut_is_wider_by_its_stretch() -> None:
    image = np.zeros((100, 300, 3), np.uint8)
    plain = crop(image, line(50, 30, 120, 30).grown(FIRST.across, FIRST.along))
    assert crop_line(image, line(50, 30, 120, 30), FIRST).shape[1] == pytest.approx(
        1.3 * plain.shape[1], abs=2
    )


@pytest.mark.parametrize(
    "text", ["2014-06-17 08:38", "08:38:22", "2014-05", "314-845-5900", "WWW.DEALER.COM", "AB", "A" * 12]
)
def test_clocks_phones_and_long_lines_are_no_plates(text: str) -> None:
    assert not line_filter.may_be_serial(text)


@pytest.mark.parametrize("text", ["918 5914", "HK0-E7C", "P60 2849", "4AST3087", "RK 876 AD"])
def test_plates_in_groups_are_plausible(text: str) -> None:
    assert line_filter.may_be_serial(text)


def test_a_line_too_small_or_too_long_is_not_shaped_like_a_serial() -> None:
    assert not line_filter.has_serial_shape(line(0, 0, 40, 4))
    assert not line_filter.has_serial_shape(line(0, 0, 400, 20))
    assert line_filter.has_serial_shape(line(0, 0, 80, 18))


@pytest.mark.parametrize("text", ["13:17:05", "2014-05-17", "05/08/2014", "08-38-01"])
def test_a_time_or_a_date_is_no_plate(text: str) -> None:
    assert line_filter.is_other_text(text)


def test_points_at_half_the_height_part_a_serials_groups_and_no_times_numbers() -> None:
    assert not line_filter.is_other_text("08·38·01"), "how DB 38 01 of Maryland is read as text"


@pytest.mark.parametrize("text", ["2014", "2014-", "-1998", "(307) 555-0142", "307-555-0142"])
def test_a_year_alone_and_a_phone_number_are_no_plates(text: str) -> None:
    assert line_filter.is_other_text(text)


@pytest.mark.parametrize("text", ["AST2014", "2014A", "2140", "1420", "12014"])
def test_a_serial_with_a_years_digits_is_none(text: str) -> None:
    assert not line_filter.is_other_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "EXIT 12",
        "EXIT12",
        "UNIT 2O8",
        "ROUTE 60",
        "CAM 03",
        "HWY 101",
        "1/4 MILE",
        "45 MPH",
        "SEP 28",
        "555-0142",
    ],
)
def test_places_limits_and_numbers_to_call_are_numbered(text: str) -> None:
    assert line_filter.is_sign_number(text)
    assert not line_filter.is_other_text(text)


CHARACTERS = {"A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "9": "0123456789"}
CHARACTERS["X"] = CHARACTERS["A"] + CHARACTERS["9"]
FORMATS = sorted({form for code in ("us", "eu", "br") for form in region(code).formats})


@given(st.data(), st.sampled_from(FORMATS), st.sampled_from(["", " ", "·"]))
def test_no_serial_that_an_issuer_may_give_is_a_clock_a_number_to_call_or_a_roads(
    data: st.DataObject, form: str, gap: str
) -> None:
    """2B94G65 was a clock, since anything might stand between its numbers, and HWY236 a road."""
    serial = "".join(data.draw(st.sampled_from(CHARACTERS.get(c, c))) for c in form)
    spaced = re.sub(r"(?<=[A-Z])(?=\d)|(?<=\d)(?=[A-Z])", gap, serial)
    assume(not re.fullmatch(r"199\d|20[0-3]\d", serial) and serial not in line_filter.PRINTED)
    assert not line_filter.is_other_text(spaced)
    assert not line_filter.is_sign_number(serial)


@pytest.mark.parametrize("text", ["EXIT12A7", "I5A 123", "CAM0312", "555 0142", "5550142", "US191"])
def test_a_serial_that_begins_like_a_sign_may_be_one(text: str) -> None:
    assert line_filter.may_be_serial(text)


@pytest.mark.parametrize(
    ("text", "bare"), [("PIZZA", True), ("1420", True), ("712 340", False), ("B12", False)]
)
def test_words_and_short_numbers_are_bare(text: str, bare: bool) -> None:
    assert line_filter.is_bare(text) is bare


def test_lines_as_high_stand_stacked_and_a_states_name_does_not() -> None:
    serial = line(100, 100, 120, 30)
    assert is_stacked(serial, line(90, 135, 140, 28))
    assert is_stacked(serial, line(110, 66, 90, 26))
    assert not is_stacked(serial, line(120, 80, 80, 12))
    assert not is_stacked(serial, line(100, 190, 120, 30))
    assert not is_stacked(serial, line(300, 135, 120, 30))


def test_two_lines_as_wide_one_above_the_other_may_be_a_serials_rows() -> None:
    upper, lower = Place([line(100, 100, 80, 40)], "TR4"), Place([line(104, 148, 76, 38)], "A7K")
    pair = join_rows(upper, lower)
    assert pair is not None
    assert (pair.text, pair.rows, pair.line.span) == ("TR4A7K", 2, (100, 100, 180, 186))
    assert pair.height == pytest.approx(43, abs=1)
    assert join_rows(lower, upper) is None
    assert join_rows(upper, Place([line(104, 148, 76, 38)], "REFERRAL")) is None
    assert join_rows(upper, Place([line(104, 148, 200, 38)], "A7K")) is None
