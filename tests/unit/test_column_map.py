"""Layouts that an agency declares: by positions, by a delimiter, and what of them is refused by name."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.hotlist.entry import make_entry
from platestream.hotlist.files.column_map import ColumnMap, registered
from platestream.hotlist.files.formats import layout_name, parser_of, split_layout
from platestream.hotlist.list_changes import plan_import
from platestream.schemas.message import RefusedError
from tests.support.memory_edge import MemoryTopics
from tests.unit.test_feed_order import NOW

FIXED = """
header_lines = 1
[columns]
MKE = "1-3"
NIC = "4-13"
LIC = "14-23"
LIS = "24-25"
VYR = "26-29"
VMA = "30-33"
VCO = "34-36"
ORI = "37-45"
"""
LINE = "EV V123456789AST3087   AZ2019FORDWHIAZ0010000"
DELIMITED = """
delimiter = "|"
dates = "%m/%d/%Y"
[columns]
action = 1
reference = 2
category = 3
plate = 4
state = 5
expires_at = 6
VIN = 7
[categories]
SV = "stolen_vehicle"
BOLO = "suspect_vehicle"
[actions]
REMOVE = "clear"
"""


def rows(toml: str, *lines: str) -> list[tuple[int, dict[str, str] | RefusedError]]:
    return list(ColumnMap.read(toml).parse(lines))


def test_a_fixed_layout_in_codes_of_ncic_is_read_by_positions() -> None:
    ((number, fields),) = rows(FIXED, "HEADER 20261128", LINE)
    assert number == 2
    assert not isinstance(fields, RefusedError)
    assert {name: text for name, text in fields.items() if text} == {
        "action": "add",
        "reference": "V123456789",
        "plate": "AST3087",
        "state": "AZ",
        "category": "stolen_vehicle",
        "make": "Ford",
        "colour": "white",
        "reason": "Stolen vehicle",
        "other": "NIC V123456789, VYR 2019, ORI AZ0010000",
    }
    assert make_entry("ncic", {**fields, "expires_at": "2026-12-31"}).plate == "AST3087"


@pytest.mark.parametrize(
    ("key", "category"),
    [
        ("EV", "stolen_vehicle"),
        ("EF", "wanted_person"),
        ("EL", "stolen_plate"),
        ("EW", "wanted_person"),
        ("EMD", "missing_person"),
    ],
)
def test_message_keys_name_their_category(key: str, category: str) -> None:
    ((_number, fields),) = rows(FIXED, "", f"{key:3}{LINE[3:]}")
    assert not isinstance(fields, RefusedError)
    assert fields["category"] == category


@pytest.mark.parametrize(
    ("key", "action"), [("EV", "add"), ("MV", "change"), ("CV", "clear"), ("XV", "clear")]
)
def test_message_keys_say_what_is_done(key: str, action: str) -> None:
    ((_number, fields),) = rows(FIXED, "", f"{key:3}{LINE[3:]}")
    assert not isinstance(fields, RefusedError)
    assert (fields["action"], fields["reference"]) == (action, "V123456789")


def test_a_delimited_layout_has_its_own_codes_dates_and_actions() -> None:
    lines = [
        "A|77|BOLO|ghn-5182|AZ|12/31/2026|1HG",
        "REMOVE|78|||||",
        "A|79|SV||AZ||1HGCM",
        "A|80|??|AST3087|AZ||",
        "A|81|SV|AST3087|AZ|2026|",
        "Z|82|SV|AST3087|AZ||",
        "A|83",
        'A|84|SV|"AST3087|AZ||',
        "A|85|SV|UNKNOWN|AZ||",
    ]
    found = rows(DELIMITED, *lines)
    first, second = found[0][1], found[1][1]
    assert not isinstance(first, RefusedError)
    assert (first["plate"], first["category"], first["expires_at"]) == (
        "GHN5182",
        "suspect_vehicle",
        "2026-12-31",
    )
    assert first["other"] == "VIN 1HG"
    assert second == {"action": "clear", "reference": "78"}
    refused = {number: one for number, one in found if isinstance(one, RefusedError)}
    assert {number: one.reason for number, one in refused.items()} == {
        3: "no_plate", 4: "schema", 5: "schema", 6: "schema", 7: "schema", 8: "schema", 9: "junk",
    }  # fmt: skip
    named = {4: "`category`", 5: "`expires_at`", 6: "`action`", 7: "columns", 8: "quotes", 9: "`plate`"}
    assert all(word in refused[number].detail for number, word in named.items())
    assert not any(plate in one.detail for one in refused.values() for plate in ("AST3087", "1HGCM"))


def test_vehicles_without_a_plate_are_left_out_and_are_no_sign_of_a_damaged_file() -> None:
    good = [f"A|{number}|SV|AST30{number}|AZ||" for number in range(10, 20)]
    blank = [f"A|{number}|SV||AZ||1HG" for number in range(20, 90)]
    lines = ColumnMap.read(DELIMITED).parse([*good, *blank])
    plan = plan_import(MemoryTopics(), "ncic", lines, NOW)
    assert (len(plan.changed), plan.bad, plan.wrong, plan.letters) == (10, 0, "", [])


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ("columns = 3", "columns"),
        ('[columns]\nstate = "1-2"', "plate"),
        ('[columns]\nplate = "1-7"\nsilenced_for = "8-9"', "silenced_for"),
        ('[columns]\nplate = "1-7"\ncameras = "8-9"', "may name"),
        ('category = "stolen_vehicle"\n[columns]\nplate = "7-1"', "ends before"),
        ('category = "stolen_vehicle"\n[columns]\nplate = -1', "range"),
        ('category = "stolen_vehicle"\ndelimiter = ","\n[columns]\nplate = "1-7"', "number"),
        ('category = "stolen_vehicle"\ndelimiter = "ab"\n[columns]\nplate = 1', "length"),
        ('[columns]\nplate = "1-7"', "category"),
        ('category = "Stolen"\n[columns]\nplate = "1-7"', "category"),
        ('[columns]\nplate = "1-7"\nLIC = "1-7"\nMKE = "8-9"', "twice"),
        ('[columns]\nplate = "1-7"\nMKE = "8-9"\n[actions]\nL = "gone"', "gone"),
        ("colums = {}", "colums"),
        ("[columns", "read"),
    ],
)
def test_a_map_that_no_file_can_follow_is_refused_by_name(toml: str, named: str) -> None:
    with pytest.raises(RefusedError) as refused:
        ColumnMap.read(toml)
    assert named in refused.value.detail


def test_the_registry_s_text_of_a_map_reads_as_the_map() -> None:
    for toml in (FIXED, DELIMITED):
        text = ColumnMap.read(toml).to_text()
        assert list(registered(text)(["", LINE]))
        assert ColumnMap.stored(text) == ColumnMap.read(toml)
    with pytest.raises(RefusedError, match="no column map is registered"):
        parser_of(None, "map")
    long = FIXED + "[categories]\n" + "\n".join(f"k{number} = 'stolen_vehicle'" for number in range(300))
    with pytest.raises(RefusedError, match="longer"):
        ColumnMap.read(long).to_text()


@pytest.mark.parametrize("name", ["csv", "ncic", "california-svs", "map"])
def test_the_text_of_a_layout_is_split_as_it_was_made(name: str) -> None:
    assert split_layout(layout_name(name)) == (name, "", ",")
    assert split_layout(layout_name("csv", "plate,,state", "|")) == ("csv", "plate,,state", "|")


PLAIN = st.text(st.sampled_from("ABCDEFGHJKLMNPRSTUVWXYZ123456789"), min_size=2, max_size=8)


@given(PLAIN.filter(lambda plate: len(set(plate)) > 1), PLAIN)
def test_what_is_written_by_positions_or_with_a_delimiter_is_read_again(plate: str, reference: str) -> None:
    mapped = 'category = "stolen_vehicle"\n[columns]\nreference = "1-10"\nplate = "11-20"\n'
    ((_number, fixed),) = rows(mapped, f"{reference:10}{plate:10}")
    written = io.StringIO()
    csv.writer(written).writerow([reference, plate])
    cut = 'category = "stolen_vehicle"\ndelimiter = ","\n[columns]\nreference = 1\nplate = 2\n'
    ((_number, delimited),) = rows(cut, written.getvalue())
    if isinstance(fixed, RefusedError):
        assert fixed.reason == "junk"  # a placeholder such as TEST
    else:
        assert (fixed["reference"], fixed["plate"]) == (reference, plate)
        assert fixed == delimited


@given(st.text(max_size=200))
def test_any_line_is_an_entry_or_a_refusal(line: str) -> None:
    for toml in (FIXED, DELIMITED):
        for _number, fields in rows(toml, "", line):
            assert isinstance(fields, RefusedError) or fields["reference"]
