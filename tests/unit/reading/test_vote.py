from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.reading import glyphs, rank, vote
from platestream.reading.formats import Symbol, region
from platestream.schemas.reading import GLYPHS
from tests.unit.reading.readings import Floats, doubted, spoken

US, BR = region("us"), region("br")
SETTING = rank.LineSetting(height=1.0, width_by_height=2.9)


def tables(*spoken_tables: Floats) -> list[Floats]:
    return [glyphs.letters(t) for t in spoken_tables]


def best(readings: list[Floats], formats: dict[str, float] | None = None) -> tuple[str, float]:
    ((top, confidence), *_) = rank.rank(vote.candidates(readings, US, formats), SETTING, US)
    return top.text, confidence


def test_readings_that_agree_are_believed() -> None:
    text, confidence = best(tables(*[spoken("ABC1234")] * 3))
    assert text == "ABC1234"
    assert confidence > 0.8


def test_a_reading_that_lost_an_edge_does_not_shorten_the_plate() -> None:
    assert best(tables(spoken("ABC1234"), spoken("ABC1234"), spoken("BC1234")))[0] == "ABC1234"


def with_trace(text: str, step: int, chance: float) -> Floats:
    table = spoken(text)
    table[step] = 0.0
    table[step, GLYPHS.index("I")], table[step, 0] = chance, 1 - chance
    return table


@pytest.mark.parametrize(("text", "step", "whole"), [("F82EVA", 0, "1F82EVA"), ("TR95XM", -1, "TR95XM1")])
def test_a_bar_at_an_end_is_considered_where_every_crop_has_a_trace_and_a_format_has_room(
    text: str, step: int, whole: str
) -> None:
    eu = region("eu")

    def texts(*chances: float) -> set[str]:
        readings = tables(*[with_trace(text, step, chance) for chance in chances])
        return {candidate.text for candidate in vote.candidates(readings, eu)}

    assert whole in texts(0.04, 0.03)
    assert whole not in texts(0.04, 0.0), "one crop shows nothing there"
    assert whole not in {c.text for c in vote.candidates(tables(with_trace(text, step, 0.04)), US)}


@given(st.text(alphabet=glyphs.ALPHABET, min_size=3, max_size=9))
def test_a_bar_is_added_only_to_what_is_likelier_issued_with_it(text: str) -> None:
    eu = region("eu")
    readings = tables(with_trace(text, 0, 0.04))
    for found in {c.text for c in vote.candidates(readings, eu)}:
        if len(found) > len(text):
            assert eu.prevalence(found, eu.formats) > eu.prevalence(vote.fold(text), eu.formats)


def test_the_sticker_some_crops_take_for_a_letter_is_left_out() -> None:
    readings = tables(spoken("4AST3087", 0.6), spoken("AST3087"), spoken("AST3087"))
    assert best(readings, US.mixed({"AZ": 1.0}))[0] == "AST3087"


def test_a_format_tips_a_close_call() -> None:
    readings = tables(doubted("5ABC123", 0, "S", 0.5), doubted("5ABC123", 0, "S", 0.5))
    assert best(readings, US.mixed({"CA": 1.0}))[0] == "5ABC123"


def test_a_format_never_rewrites_a_clear_picture() -> None:
    assert best(tables(*[spoken("ABCD12", 0.999)] * 4), US.mixed({"TX": 1.0}))[0] == "ABCD12"


def test_more_doubt_means_less_confidence() -> None:
    clear = best(tables(*[spoken("ABC1234")] * 3))[1]
    mixed = best(tables(spoken("ABC1234"), spoken("ABG1234"), doubted("ABC1234", 2, "G", 0.5)))[1]
    assert mixed < clear


@given(st.lists(st.text(alphabet=glyphs.ALPHABET, min_size=3, max_size=9), min_size=1, max_size=4))
def test_confidences_are_shares_of_one(texts: list[str]) -> None:
    ranked = rank.rank(vote.candidates(tables(*map(spoken, texts)), US), SETTING, US)
    shares = [share for _, share in ranked]
    assert shares == sorted(shares, reverse=True)
    assert 0 <= sum(shares) <= 1.0 + 1e-9


def test_nothing_read_gives_no_candidate() -> None:
    assert vote.candidates([], US) == []
    assert vote.candidates(tables(spoken("A")), US) == []


def test_in_the_us_a_zero_is_written_for_an_o() -> None:
    assert vote.unfold(["FR0GGY"], tables(spoken("FROGGY")), US, US.formats) == ["FR0GGY"]


def test_a_q_is_told_by_its_tail() -> None:
    mississippi = US.mixed({"MS": 1.0})
    assert vote.unfold(["FS0769"], tables(spoken("FSQ769")), US, mississippi) == ["FSQ769"]
    assert vote.unfold(["FS0769"], tables(spoken("FS0769")), US, mississippi) != ["FSQ769"]


def test_where_the_states_format_demands_a_letter_an_o_is_written() -> None:
    arkansas = US.mixed({"AR": 1.0})
    assert vote.unfold(["031X0P"], tables(spoken("031XOP")), US, arkansas) == ["031XOP"]


@pytest.mark.parametrize(
    ("folded", "plate"),
    [
        ("4R0W485", "4ROW485"),  # digit, three letters, three digits: one state's, and none has 9A9A999
        ("4RDW0B5", "4RDW0B5"),  # no format has a letter there, and none fits
        ("ABC0123", "ABC0123"),  # AAA9999 is as common as any
    ],
)
def test_without_a_state_an_o_is_written_where_hardly_a_plate_has_a_zero(folded: str, plate: str) -> None:
    assert vote.unfold([folded], tables(spoken(folded)), US, US.formats) == [plate]


@pytest.mark.parametrize(("folded", "plate"), [("0UG6157", "OUG6157"), ("NT01053", "NTO1053")])
def test_in_brazil_position_tells_o_from_zero(folded: str, plate: str) -> None:
    assert vote.unfold([folded], tables(spoken(folded)), BR, BR.formats) == [plate]


@pytest.mark.parametrize(("text", "word"), [("PENSKE", True), ("C0LL1NS", True), ("1049338", False)])
def test_words_are_known_with_o_and_i_written_as_digits(text: str, word: bool) -> None:
    assert vote.is_word(text) is word


def test_a_line_as_wide_as_a_shop_sign_is_trusted_less() -> None:
    options = vote.candidates(tables(*[spoken("ABC1234")] * 3), US)
    plate = rank.rank(options, SETTING, US)[0][1]
    sign = rank.rank(options, rank.LineSetting(1.0, 6.5), US)[0][1]
    assert sign < 0.5 * plate


def test_a_short_serial_set_wide_beside_its_issuers_name_is_read_and_not_sure() -> None:
    options = vote.candidates(tables(*[spoken("7364", 0.99)] * 2), US)

    def confidence(named: bool) -> float:
        return rank.rank(options, rank.LineSetting(1.0, 3.2, named=named), US)[0][1]

    assert confidence(named=False) < 0.3
    assert 0.5 < confidence(named=True) < rank.SET_WIDE


def test_a_cactus_read_as_a_4_is_left_out_where_the_plate_is_arizonas() -> None:
    reads, arizona = tables(*[spoken("4100AAA")] * 3), US.mixed({"AZ": 1.0})

    def told(symbols: Sequence[tuple[Symbol, float]]) -> str:
        return rank.rank(vote.candidates(reads, US, arizona, symbols), SETTING, US)[0][0].text

    assert told(US.symbols({"AZ": 1.0})) == "100AAA"
    assert told([]) == "4100AAA"


def test_a_symbol_is_only_left_out_where_it_stands() -> None:
    cactus = Symbol(0, "4LM")
    assert vote.without_symbol(["4AST", "AST", "A4ST", "4A"], cactus) == [("4AST", "AST")]
