from collections.abc import Mapping

import pytest

from platestream.reading.formats import region
from platestream.reading.states import (
    NOBODY,
    State,
    by_words,
    is_issuer_phrase,
    normalize_words,
    phrase_match,
    state,
)

US = region("us")


def told(serial: str, *texts: str) -> State:
    return state(US, serial, by_words(US, texts))


@pytest.mark.parametrize("code", sorted(US.issuers))
def test_a_states_own_name_names_it(code: str) -> None:
    printed = {"DC": "WASHINGTON, DC", "GU": "GUAM, USA"}.get(code, US.issuers[code].name)
    assert told("X1Z9", printed).code == code


def test_a_name_with_a_letter_misread_still_names_the_state() -> None:
    assert told("1ABC234", "Calfornia").code == "CA"


def test_arkansas_is_not_kansas_and_west_virginia_not_virginia() -> None:
    assert told("ABC123", "ARKANSAS").code == "AR"
    assert told("9AK856", "West Virginia").code == "WV"


def test_a_slogan_alone_names_the_state() -> None:
    assert told("ABC1234", "GRAND CANYON STATE").code == "AZ"


@pytest.mark.parametrize("serial", ["2422", "692", "5501"])
def test_a_short_number_without_words_names_nobody(serial: str) -> None:
    assert told(serial) == NOBODY


def test_without_words_a_common_format_names_nobody() -> None:
    assert told("ABC1234") == NOBODY


def test_a_dealers_name_is_no_evidence() -> None:
    assert told("ABC1234", "BOB SMITH MOTORS", "TOYOTA") == NOBODY


def test_chances_sum_to_one() -> None:
    assert sum(by_words(US, ["TEXAS", "The Lone Star State"]).values()) == pytest.approx(1.0)


def test_a_line_that_is_only_a_name_is_no_serial() -> None:
    assert is_issuer_phrase(US, "Oregon")
    assert is_issuer_phrase(US, "MARYIAND")
    assert not is_issuer_phrase(US, "ABC1234")


def test_words_are_capitals_with_single_spaces() -> None:
    assert normalize_words("West   Virginia,") == "WEST VIRGINIA"


def test_a_year_in_the_middle_of_a_name_is_no_part_of_it() -> None:
    assert told("160", "RHODE55ISLAND").code == "RI"
    assert phrase_match("10000LAKES", "10000LAKES") > phrase_match("LAKES", "10000LAKES")


def test_what_a_line_shows_is_asked_once_in_a_picture() -> None:
    known: dict[str, Mapping[str, float]] = {}
    first = by_words(US, ["ARIZONA", "GRAND CANYON STATE"], known)
    assert set(known) == {"ARIZONA", "GRAND CANYON STATE"}
    known["ARIZONA"] = {"TX": 20.0}
    assert by_words(US, ["ARIZONA"], known)["TX"] > 0.9 > first["TX"]


def test_a_short_text_matches_nothing() -> None:
    assert phrase_match("TX", "TEXAS") == 0.0


def test_the_words_of_a_name_that_stand_apart_name_the_state() -> None:
    assert told("WK101", "RHODE", "ISLAND").code == "RI"
    assert told("AB123", "DAKOTA") == NOBODY


def test_a_word_that_is_another_states_whole_name_is_that_states() -> None:
    assert told("X1Z9", "VIRGINIA").code == "VA"


@pytest.mark.parametrize(("word", "code"), [("PENNA", "PA"), ("MASS", "MA"), ("S. DAK.", "SD")])
def test_an_older_plates_abbreviation_names_the_state(word: str, code: str) -> None:
    assert told("X1Z9", word).code == code
