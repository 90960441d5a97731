"""Layouts of other agencies' lists."""

import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.hotlist.entry import make_entry
from platestream.hotlist.files import codes
from platestream.hotlist.files.formats import FORMATS, own_csv, parser
from platestream.hotlist.files.lines import Fields, TextLines
from platestream.operators.matching.limits import in_hours
from platestream.schemas.hotlist import Hours
from platestream.schemas.message import RefusedError
from tests.support.hotlist_samples import SAMPLES

NCIC = SAMPLES["ncic"]


def read(layout: str, *lines: str) -> list[Fields | str]:
    """Fields of each line, or what it is refused with."""
    return [
        f"{number} {result.detail}" if isinstance(result, RefusedError) else result
        for number, result in FORMATS[layout](line + "\n" for line in lines)
    ]


def fields(layout: str, line: str, *names: str) -> tuple[str, ...]:
    (result,) = read(layout, line)
    assert isinstance(result, dict), result
    return tuple(result[name] for name in names)


def test_an_ncic_line_is_read_by_its_columns() -> None:
    result = read("ncic", "HEADER 20261124", NCIC)[0]
    assert result == {
        "reference": "V123456789",
        "category": "stolen_vehicle",
        "plate": "AB123456",
        "state": "CA",
        "make": "Yamaha",
        "model": "CYL",
        "body": "motorcycle",
        "colour": "black",
        "reason": "Stolen vehicle",
        "other": "NIC V123456789, ORI LA0570200, entered 20190509",
    }


def test_an_ncic_line_may_end_after_the_state() -> None:
    assert fields("ncic", NCIC[:39], "plate", "state", "make") == ("AB123456", "CA", "")


def test_letters_written_as_zero_are_read_as_what_they_mean() -> None:
    line = NCIC.replace("AB123456  CA", "D0G1234   0H").replace("YAMA", "D0DG").replace("BLK", "0NG")
    assert fields("ncic", line, "plate", "state", "make", "colour") == ("D0G1234", "OH", "Dodge", "orange")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (NCIC[:38], "1 the line ends before `state`"),
        ("V12345678X" + NCIC[10:], "`nic` is not nine digits"),
        ("Z" + NCIC[1:], "`type` is none of the record types"),
        (NCIC.replace("AB123456", "UNKN0WN "), "`plate` is none"),
        (NCIC.replace("AB123456", "000     "), "`plate` is none"),
    ],
)
def test_a_bad_line_is_refused_with_line_and_field_and_without_its_plate(line: str, said: str) -> None:
    # A line before it, so that a bad first line is not taken for a header.
    refused = read("ncic", NCIC, line)[1]
    assert isinstance(refused, str)
    assert refused.startswith("2 ")
    assert said.removeprefix("1 ") in refused
    assert "AB123456" not in refused


@pytest.mark.parametrize(
    ("layout", "plate", "category", "make"),
    [
        ("texas", "ABC1 TX", "stolen_vehicle", "Chevrolet"),
        ("iowa", "ABC123 IA", "stolen_vehicle", ""),
        ("california-svs", "7ABC123 CA", "stolen_vehicle", ""),
        ("california-sfr", "7ABC123 CA", "wanted_person", ""),
        ("california-slr", "7ABC123 CA", "stolen_plate", ""),
        ("new-york", "ABC1234 NY", "stolen_vehicle", "Buick"),
        ("colorado", "ABC123 CO", "suspect_vehicle", "Ford"),
        ("illinois", "AB12345 IL", "stolen_vehicle", "Dodge"),
        ("ohio", "ABC1 OH", "stolen_vehicle", "Dodge"),
    ],
)
def test_state_layouts_are_read(layout: str, plate: str, category: str, make: str) -> None:
    found = fields(layout, SAMPLES[layout], "plate", "state", "category", "make")
    assert found == (*plate.split(), category, make)


@pytest.mark.parametrize("layout", sorted(set(FORMATS) - {"csv", "ncic"}))
def test_an_id_that_is_made_up_shows_no_plate(layout: str) -> None:
    plate, reference = fields(layout, SAMPLES[layout], "plate", "reference")
    assert plate not in reference


def test_a_layout_without_names_is_told_its_columns() -> None:
    read_line = parser("csv", "plate,,state,reason,case_number", ";")
    ((number, result),) = read_line(["abc 123;x;MN;Stolen plate;26-1"])
    assert (number, isinstance(result, dict)) == (1, True)
    assert isinstance(result, dict)
    assert (result["plate"], result["state"], result["category"]) == ("ABC123", "MN", "stolen_plate")


def test_a_column_may_be_spelled_as_in_this_country() -> None:
    (line,) = own_csv(["plate,color\n", "ABC1234,black\n"])
    assert line[1] == {"plate": "ABC1234", "colour": "black"}
    with pytest.raises(RefusedError, match="1 unknown column;"):
        list(own_csv(["plate,colors\n"]))


@pytest.mark.parametrize(
    ("name", "columns"), [("none", ""), ("csv", "plate,colour,nonsense"), ("csv", "state")]
)
def test_a_layout_that_is_none_is_refused(name: str, columns: str) -> None:
    with pytest.raises(RefusedError):
        parser(name, columns)


@pytest.mark.parametrize(("text", "said"), [("WHI/BLK", "white"), ("gr0wn", "gr0wn"), ("", "")])
def test_of_two_colours_the_first_counts(text: str, said: str) -> None:
    assert codes.colour(text) == said


OWN = {
    "reference": "26-1", "plate": "a?t-30*", "category": "suspect_vehicle", "expires_at": "2026-12-31",
    "case_number": "26-1", "reason": "Seen at a burglary", "requested_by": "Ofc. Vale", "contact": "555-0114",
    "instructions": "Do not stop", "marks": "sticker=moose; rack=yes", "cameras": "a; b",
    "areas": "34.5 -109.4 800", "hours": "mon tue 22:00-06:00; 12:00-13:00", "look_alikes": "2",
}  # fmt: skip


def test_limits_marks_and_partial_plates_are_read_from_text() -> None:
    entry = make_entry("sjpd", OWN)
    assert (entry.plate, entry.is_pattern) == ("A?T30*", True)
    assert entry.vehicle.other == {"sticker": "moose", "rack": "yes"}
    assert entry.cameras == ("a", "b")
    assert entry.areas[0].radius_m == 800
    assert [(one.days, one.start) for one in entry.hours] == [(("mon", "tue"), "22:00"), ((), "12:00")]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("reference", ""), ("expires_at", "soon"), ("areas", "here"), ("hours", "always"), ("marks", "moose"),
        ("look_alikes", "many"), ("look_alikes", "3"), ("plate", "AST30871234"), ("hours", "25:00-26:00"),
        ("state", "ZZ"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_and_not_repeated(field: str, text: str) -> None:
    with pytest.raises(RefusedError, match=field) as refusal:
        make_entry("sjpd", {**OWN, field: text})
    assert "AST3087" not in refusal.value.detail


def test_states_of_the_us_canada_and_mexico_are_states_and_zz_is_none() -> None:
    for code in ("AZ", "DC", "PR", "ON", "PQ", "MX"):
        assert make_entry("sjpd", {**OWN, "state": code.lower()}).state == code
        assert codes.state(code) == code
    assert codes.state("ZZ") == ""


@pytest.mark.parametrize(
    ("zone", "ends"),
    [("America/Phoenix", "2027-01-01T06:59:59Z"), ("America/New_York", "2027-01-01T04:59:59Z")],
)
def test_a_date_ends_at_the_end_of_that_day_in_the_agencys_zone(zone: str, ends: str) -> None:
    entry = make_entry("sjpd", {**OWN, "valid_from": "2026-12-30"}, ZoneInfo(zone))
    assert entry.expires_at == datetime.fromisoformat(ends)
    assert entry.valid_from == entry.expires_at - timedelta(days=2) + timedelta(seconds=1)


def test_hours_follow_the_zones_daylight_saving_and_older_entries_their_offset() -> None:
    (zoned,) = make_entry("sjpd", {**OWN, "hours": "22:00-23:00"}, ZoneInfo("America/New_York")).hours
    winter, summer = datetime(2026, 1, 5, 3, 30, tzinfo=UTC), datetime(2026, 7, 5, 2, 30, tzinfo=UTC)
    assert in_hours(winter, (zoned,))
    assert in_hours(summer, (zoned,))
    old = msgspec.json.decode(b'{"start":"22:00","end":"23:00","offset_minutes":-300}', type=Hours)
    assert (in_hours(winter, (old,)), in_hours(summer, (old,))) == (True, False)
    with pytest.raises(msgspec.ValidationError, match="IANA"):
        msgspec.json.decode(b'{"start":"22:00","end":"23:00","zone":"Mars/Base"}', type=Hours)


GOOD = {layout: line.encode() for layout, line in SAMPLES.items()}
BAD = {
    "a field of 200,000 characters": (b"1,AST3087," + b"A" * 200_000, "longer than"),
    "a carriage return inside": (b"1,AST\r3087,AZ", "control character (U+000D)"),
    "a NUL": (b"1,AST\x003087,AZ", "control character (U+0000)"),
    "Latin-1": (b"1,AST3087,\xe9", "not in UTF-8"),
}


def lines(layout: str, *content: bytes) -> list[tuple[int, str]]:
    """Number of each line, and what it is refused with or nothing."""
    head = [b"reference,plate,state"] if layout == "csv" else []
    text = TextLines(io.BytesIO(b"\n".join([*head, *content])))
    return [
        (number - len(head), result.detail if isinstance(result, RefusedError) else "")
        for number, result in FORMATS[layout](text)
    ]


@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("name", BAD)
def test_a_line_that_is_no_text_is_refused_with_its_number_and_nothing_else_is_lost(
    layout: str, name: str
) -> None:
    content, said = BAD[name]
    first, second, third = lines(layout, GOOD[layout], content, GOOD[layout])
    assert (first, third) == ((1, ""), (3, ""))
    assert second[0] == 2
    assert said in second[1]
    assert "AST" not in second[1]


def test_a_quote_that_is_not_closed_loses_its_own_line_only() -> None:
    first, second, third = lines("csv", b'1,"AST3087,AZ', GOOD["csv"], b"1,AST3087")
    assert (first[1], second[1]) == ("the quotes in the line do not match", "")
    assert third[1] == "2 columns, expected 3 as in line 1"


def test_a_file_in_utf_16_is_refused_whole_and_says_so() -> None:
    with pytest.raises(RefusedError, match="UTF-16"):
        list(TextLines(io.BytesIO("reference,plate".encode("utf-16"))))


@pytest.mark.parametrize("layout", FORMATS)
@given(st.lists(st.binary(max_size=80).map(lambda one: one.replace(b"\n", b" ")), max_size=5))
def test_whatever_bytes_come_each_line_is_read_or_refused_and_good_ones_stay(
    layout: str, content: list[bytes]
) -> None:
    good = GOOD[layout]
    found = dict(lines(layout, good, *content, good))
    assert found[1] == ""
    assert found[len(content) + 2] == ""
    assert set(found) <= set(range(1, len(content) + 3))
