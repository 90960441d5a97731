"""What is found, told apart by what the vehicle looks like, and found again to be held."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.access.gate import INSTANT, Row
from platestream.inquiries.search import Description, Pass, filter_by_description, narrowest_search

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def row(**told: Any) -> Row:
    unknown: Row = {
        "vehicle_colour": "",
        "vehicle_make": "",
        "vehicle_body": "",
        "vehicle_other": {},
        "state": None,
    }
    return {**unknown, **told}


def one(plate: str, camera: str = "north", minutes: int = 0) -> Pass:
    return Pass(uuid4(), AT + timedelta(minutes=minutes), plate, camera)


def test_nothing_asked_leaves_everything() -> None:
    rows = [row(), row(vehicle_colour="gray")]
    assert filter_by_description(rows, Description()) == (rows, 0)


def test_words_are_found_in_what_the_camera_told_in_any_case() -> None:
    dark, red = row(vehicle_colour="Dark Blue", vehicle_make="FORD"), row(vehicle_colour="red")
    assert filter_by_description([dark, red], Description(colour="blue", make="ford")) == ([dark], 0)


def test_a_type_that_the_pictures_do_not_tell_from_the_wanted_one_is_not_known() -> None:
    car, sedan, suv = (row(vehicle_body=one) for one in ("car", "sedan", "suv"))
    assert filter_by_description([car, sedan, suv], Description(body="Sedan")) == ([sedan], 1)
    assert filter_by_description([car, sedan, suv], Description(body="car")) == ([car], 0)


def test_what_is_not_known_is_left_out_and_counted_unless_it_is_wanted() -> None:
    unknown, partly = row(), row(vehicle_colour="gray")
    other = row(vehicle_colour="gray", state="NM")
    sure = row(vehicle_colour="gray", state="AZ")
    rows, wanted = [unknown, partly, other, sure], Description(colour="gray", state="az")
    assert filter_by_description(rows, wanted) == ([sure], 2)
    assert filter_by_description(rows, wanted, untold=True) == ([unknown, partly, sure], 0)


WORDS = st.sampled_from(["", "gray", "dark gray", "AZ", "north", "northbound", "Ford"])
ROWS = st.builds(
    lambda colour, make, body, state, direction: row(
        vehicle_colour=colour,
        vehicle_make=make,
        vehicle_body=body,
        state=state or None,
        vehicle_other={"direction": direction} if direction else {},
    ),
    *[WORDS] * 5,
)
WANTED = st.builds(Description, *[WORDS] * 5)


@given(st.lists(ROWS, max_size=12), WANTED, st.booleans())
def test_a_filter_never_adds_a_row_and_each_further_word_never_either(
    rows: list[Row], wanted: Description, untold: bool
) -> None:
    found, left_out = filter_by_description(rows, wanted, untold=untold)
    places = iter(rows)
    assert all(any(one is other for other in places) for one in found), "a row that was not there, or moved"
    assert len(found) + left_out <= len(rows)
    for field in fields(Description):
        wider, _unknown = filter_by_description(rows, replace(wanted, **{field.name: ""}), untold=untold)
        assert {id(one) for one in found} <= {id(one) for one in wider}


@given(st.lists(ROWS, max_size=12), WANTED)
def test_with_the_unknown_ones_the_same_rows_are_found_and_those_left_out(
    rows: list[Row], wanted: Description
) -> None:
    sure, left_out = filter_by_description(rows, wanted)
    both, none = filter_by_description(rows, wanted, untold=True)
    assert (len(both), none) == (len(sure) + left_out, 0)


def test_one_that_contradicts_is_not_counted_as_unknown() -> None:
    assert filter_by_description([row(vehicle_make="Ford")], Description(colour="red", make="Toyota")) == (
        [],
        0,
    )


def test_the_search_that_finds_chosen_passes_again_is_the_narrowest() -> None:
    asked = narrowest_search(
        [one("AST3087", "south"), one("A5T3087", "north", 40), one("AST3087", "north", 20)]
    )
    assert (asked.way, asked.plate, list(asked.cameras)) == ("search", "A?T3087", ["north", "south"])
    assert (asked.since, asked.until) == (AT - INSTANT, AT + timedelta(minutes=40) + INSTANT)


@pytest.mark.parametrize(
    ("plates", "pattern"),
    [
        (["AST3087"], "AST3087"),
        (["AST3087", "AST308"], "AST308*"),
        (["AST3087", "ST3087"], "*ST3087"),
        (["AA", "AAA"], "AA*"),
        (["ABC", "XY"], "*"),
    ],
)
def test_plates_are_found_by_what_they_have_in_common(plates: list[str], pattern: str) -> None:
    assert narrowest_search([one(plate) for plate in plates]).plate == pattern


def test_nothing_chosen_is_told() -> None:
    with pytest.raises(ValueError, match="nothing was chosen"):
        narrowest_search([])
