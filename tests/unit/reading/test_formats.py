import json
from importlib import resources
from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.reading.formats import fits, region, region_of, shape

FILES = [p for p in resources.files("platestream.reading.regions").iterdir() if p.name.endswith(".json")]


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_a_region_names_its_sources_and_every_format_is_well_formed(file: resources.abc.Traversable) -> None:
    raw = json.loads(file.read_text(encoding="utf-8"))
    assert raw["sources"]
    for issuer in raw["issuers"].values():
        for form in issuer["formats"] + issuer["older_formats"]:
            assert set(form) <= set("A9X" + ascii_lowercase)


def test_all_fifty_states_the_district_and_the_territories_are_there() -> None:
    assert len(region("us").issuers) == 56


def test_shares_and_formats_are_chances() -> None:
    for code in ("us", "eu", "br"):
        found = region(code)
        assert sum(i.share for i in found.issuers.values()) == pytest.approx(1.0)
        with_formats = sum(issuer.share for issuer in found.issuers.values() if issuer.formats)
        assert sum(found.formats.values()) == pytest.approx(with_formats)
        assert with_formats > 0.999


def test_an_arizona_plate_is_likelier_in_arizona_than_in_california() -> None:
    us = region("us")
    arizona, california = us.issuers["AZ"].formats, us.issuers["CA"].formats
    assert us.chance("AST3087", arizona) > us.chance("AST3087", california)


def test_a_listed_format_is_likelier_than_a_scramble_of_the_same_length() -> None:
    assert region("us").chance("ABC1234") > region("us").chance("A1B23C4")


def test_a_zero_may_be_a_letter_where_the_region_writes_both() -> None:
    br = region("br")
    assert br.chance_folded("0ZV6697", br.formats) == pytest.approx(br.chance("OZV6697"), abs=0.01)


def test_where_zero_is_written_for_an_o_it_counts_as_a_letter_where_an_issuer_has_one() -> None:
    us = region("us")
    as_d, as_o = (us.chance_folded(text, us.formats) for text in ("3UDA792", "3U0A792"))
    assert as_o == pytest.approx(as_d, abs=0.01)
    assert us.chance("3U0A792") < as_o - 5
    for elsewhere in ("30DA792", "3UD0792", "0ZV6697"):
        assert us.chance_folded(elsewhere, us.formats) == pytest.approx(us.chance(elsewhere))


def test_a_fixed_letter_and_letters_that_are_not_issued_tell_b_from_8() -> None:
    """Bucharest's plates begin with B; Spain's have four digits first, and no vowels."""
    eu = region("eu")
    assert fits("B276WOW", "b999AAA")
    assert not fits("C276WOW", "b999AAA")
    assert fits("8276WRW", "9999AAA-AEIOUQ")
    assert not fits("8276WOW", "9999AAA-AEIOUQ")
    assert eu.prevalence("8276W0W", eu.formats) == 0.0, "its 0 is a zero or an O"
    assert eu.chance_folded("B276W0W", eu.formats) > eu.chance_folded("8276W0W", eu.formats) + 5
    assert eu.chance("8276WRW") > eu.chance("8276WOW") + 5


def test_all_members_of_the_union_and_of_efta_and_the_united_kingdom_are_there() -> None:
    members = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
    assert set(region("eu").issuers) == {*members.split(), "CH", "IS", "LI", "NO", "GB"}


def test_a_word_is_no_plate_where_nobody_chooses_his() -> None:
    us, br = region("us"), region("br")
    assert br.chance("RALLYEX") < us.chance("RALLYEX") - 2


def test_a_personal_plate_is_possible_everywhere() -> None:
    us = region("us")
    for issuer in us.issuers.values():
        assert us.chance("DRIFTER", issuer.formats) > -60


def test_a_region_that_is_not_there_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="atlantis"):
        region("atlantis")


def test_a_file_without_issuers_is_refused() -> None:
    with pytest.raises(KeyError):
        region_of({"region": "xx"})


@given(st.text(alphabet="ABC0123456789", min_size=1, max_size=9))
def test_a_text_fits_its_own_shape_and_the_open_one(text: str) -> None:
    assert fits(text, shape(text))
    assert fits(text, "X" * len(text))
    assert not fits(text, shape(text) + "9")
