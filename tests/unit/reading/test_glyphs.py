import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.reading import glyphs
from platestream.schemas.reading import GLYPHS
from tests.unit.reading.readings import doubted, spoken

PLATES = st.text(alphabet=glyphs.ALPHABET, min_size=1, max_size=8)


@given(PLATES)
def test_what_is_spoken_is_read(text: str) -> None:
    assert glyphs.greedy(glyphs.letters(spoken(text))).text == text


@given(PLATES)
def test_what_is_spoken_is_likelier_than_the_same_with_its_last_character_missing(text: str) -> None:
    tables = glyphs.stack([glyphs.letters(spoken(text + "7"))])
    whole, short = glyphs.likelihood(tables, [text + "7", text])
    assert whole[0] > short[0]


@given(PLATES, PLATES)
def test_likelihoods_are_chances(one: str, other: str) -> None:
    tables = glyphs.stack([glyphs.letters(spoken(one)), glyphs.letters(spoken(other))])
    chances = glyphs.likelihood(tables, [one, other])
    assert chances.shape == (2, 2)
    assert (chances >= 0).all()
    assert (chances <= 1.0 + 1e-6).all()


def test_the_likelihood_of_two_strings_that_share_all_doubt_sums_to_one() -> None:
    table = glyphs.stack([glyphs.letters(doubted("ABC123", 2, "G", 0.3))])
    ours, theirs = glyphs.likelihood(table, ["ABC123", "ABG123"])[:, 0]
    assert ours / (ours + theirs) == pytest.approx(0.7, abs=1e-3)


def test_small_letters_are_capitals_and_hyphens_are_gaps() -> None:
    assert glyphs.greedy(glyphs.letters(spoken("ab-12"))).text == "AB12"


def test_a_doubled_letter_is_two_letters() -> None:
    assert glyphs.greedy(glyphs.letters(spoken("AABB11"))).text == "AABB11"


def test_tying_makes_a_zero_as_good_as_an_o() -> None:
    table = glyphs.tie_look_alikes(glyphs.stack([glyphs.letters(spoken("O1"))]))
    chances = glyphs.likelihood(table, ["O1", "01", "QI"])[:, 0]
    assert np.ptp(chances) < 1e-6


def test_words_keep_their_case_and_symbols() -> None:
    assert glyphs.text_of(spoken("Grand Canyon")) == "Grand Canyon"


def test_every_glyph_has_its_own_column() -> None:
    assert len(set(GLYPHS)) == len(GLYPHS)
