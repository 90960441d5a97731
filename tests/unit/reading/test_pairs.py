import cv2
import numpy as np
import pytest

from operators.reading.geometry import Image
from operators.reading.glyphs import ALPHABET, Decoded
from operators.reading.pairs import halves, pair_before, without_pair
from tests.unit.reading.readings import spoken

ROW = "5821"
READ = Decoded("C5821", (0.9,) * 5, (2, 6, 10, 14, 18))
"""What a recogniser says of a crop with a character every 32 pixels."""


def crop(first: str, *, dark: bool = True) -> Image:
    """A serial's row, 48 high; two letters of `first` stand one above the other, one stands in the row."""
    paper, ink = (230, 30) if dark else (40, 220)
    image = np.full((48, 176, 3), paper, np.uint8)
    for i, letter in enumerate(ROW):
        cv2.putText(image, letter, (42 + 32 * i, 39), cv2.FONT_HERSHEY_SIMPLEX, 1.3, (ink,) * 3, 3)
    if len(first) == 1:
        cv2.putText(image, first, (9, 39), cv2.FONT_HERSHEY_SIMPLEX, 1.3, (ink,) * 3, 3)
    else:
        for letter, bottom in zip(first, (21, 40), strict=True):
            cv2.putText(image, letter, (12, bottom), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (ink,) * 3, 2)
    return image


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("pair", ["CL", "RT", "US", "PC", "CH"])
def test_two_small_letters_before_the_row_are_a_pair(pair: str, dark: bool) -> None:
    found = pair_before(crop(pair, dark=dark), READ)
    assert found is not None
    assert found.read
    assert [half.shape[0] for half in halves(crop(pair), found)] == [48, 48]


def test_a_pair_that_nothing_was_read_of_is_found_before_the_first_character() -> None:
    found = pair_before(crop("CM"), Decoded(ROW, (0.9,) * 4, (6, 10, 14, 18)))
    assert found is not None
    assert not found.read


@pytest.mark.parametrize("letter", ALPHABET)
def test_a_character_is_no_pair(letter: str) -> None:
    assert pair_before(crop(letter), READ) is None


def test_a_short_read_tells_nothing_of_its_row() -> None:
    assert pair_before(crop("CL"), Decoded("C5", (0.9, 0.9), (2, 6))) is None


def test_a_pair_is_taken_out_of_the_row() -> None:
    from operators.reading.glyphs import greedy, letters

    table = letters(spoken("C5821", 0.99))
    assert greedy(without_pair(table, greedy(table))).text == "5821"
