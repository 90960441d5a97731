"""What is found, told apart by what the vehicle looks like, and found again to be held."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from platestream.access.gate import INSTANT
from platestream.inquiries.search import Description, Pass, SearchRequest, narrowest_search

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def one(plate: str, camera: str = "north", minutes: int = 0) -> Pass:
    return Pass(uuid4(), AT + timedelta(minutes=minutes), plate, camera)


def test_a_description_is_written_into_the_inquiry_and_meetings_have_none() -> None:
    wanted = Description(colour="dark gray", body="pickup", direction="north")
    asked = SearchRequest("search", "A*", wanted=wanted, untold=True)
    assert asked.described == "colour=dark gray;body=pickup;direction=north;unknown=yes"
    assert replace(asked, wanted=Description()).described == ""
    assert replace(asked, way="cotravel").described == ""


@pytest.mark.parametrize("text", ["gray;unknown=yes", "a=b", '"gray', "gray\nred", "x" * 200])
def test_a_description_that_would_ask_for_something_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="description"):
        _ = SearchRequest("search", wanted=Description(colour=text)).described


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
