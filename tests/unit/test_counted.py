import pytest

from platestream.schemas.pluralize import pluralize


@pytest.mark.parametrize(
    ("number", "thing", "said"),
    [
        (1, "entry", "1 entry"),
        (2, "entry", "2 entries"),
        (2, "day", "2 days"),
        (0, "hold", "0 holds"),
        (3, "witness", "3 witnesses"),
        (3, "pass", "3 passes"),
    ],
)
def test_a_number_with_what_it_counts_is_as_a_person_writes_it(number: int, thing: str, said: str) -> None:
    assert pluralize(number, thing) == said


def test_another_plural_is_given() -> None:
    assert (pluralize(1, "person", "people"), pluralize(2, "person", "people")) == ("1 person", "2 people")
