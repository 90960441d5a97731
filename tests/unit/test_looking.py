"""What is found, told apart by what the vehicle looks like, and found again to be held."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.inquiries.gate import INSTANT, Row
from services.inquiries.looking import Description, Pass, covering, described

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def row(**told: Any) -> Row:
    unknown = {"vehicle_colour": "", "vehicle_make": "", "vehicle_body": "", "state": None}
    return {**unknown, **told}


def one(plate: str, camera: str = "north", minutes: int = 0) -> Pass:
    return Pass(uuid4(), AT + timedelta(minutes=minutes), plate, camera)


def test_nothing_asked_leaves_everything() -> None:
    rows = [row(), row(vehicle_colour="gray")]
    assert described(rows, Description()) == (rows, 0)


def test_words_are_found_in_what_the_camera_told_in_any_case() -> None:
    dark, red = row(vehicle_colour="Dark Blue", vehicle_make="FORD"), row(vehicle_colour="red")
    assert described([dark, red], Description(colour="blue", make="ford")) == ([dark], 0)


def test_what_is_not_known_is_left_out_and_counted_unless_it_is_wanted() -> None:
    unknown, partly = row(), row(vehicle_colour="gray")
    other = row(vehicle_colour="gray", state="NM")
    sure = row(vehicle_colour="gray", state="AZ")
    rows, wanted = [unknown, partly, other, sure], Description(colour="gray", state="az")
    assert described(rows, wanted) == ([sure], 2)
    assert described(rows, wanted, untold=True) == ([unknown, partly, sure], 0)


def test_one_that_contradicts_is_not_counted_as_unknown() -> None:
    assert described([row(vehicle_make="Ford")], Description(colour="red", make="Toyota")) == ([], 0)


def test_the_search_that_finds_chosen_passes_again_is_the_narrowest() -> None:
    asked = covering([one("AST3087", "south"), one("A5T3087", "north", 40), one("AST3087", "north", 20)])
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
    assert covering([one(plate) for plate in plates]).plate == pattern


def test_nothing_chosen_is_told() -> None:
    with pytest.raises(ValueError, match="nothing was chosen"):
        covering([])
