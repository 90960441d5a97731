"""Codes of NCIC: what a name is written as is read as that name."""

import pytest

from platestream.schemas.fields import Vehicle
from platestream.schemas.ncic_codes import BODIES, COLOURS, MAKES, codes_of
from platestream.schemas.plates import equate


@pytest.mark.parametrize(
    ("field", "name", "table"),
    [("make", "make", MAKES), ("colour", "color", COLOURS), ("body", "style", BODIES)],
)
def test_the_code_of_each_name_stands_for_that_name(field: str, name: str, table: dict[str, str]) -> None:
    for word in set(table.values()):
        code = codes_of(Vehicle(**{field: word}))[name]  # type: ignore[arg-type]
        assert table[equate(code)] == word


def test_an_unknown_word_has_no_code() -> None:
    assert codes_of(Vehicle(make="Trabant", colour="rust", model="601")) == {}


def test_a_color_that_readers_name_has_a_code() -> None:
    assert codes_of(Vehicle(colour="gray")) == {"color": "GRY"}
