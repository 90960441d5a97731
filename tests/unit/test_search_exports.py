"""Exports of a search: safe in a spreadsheet, and valid for the programs that read them."""

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pypdfium2 import PdfDocument
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

from platestream.access.gate import Row
from platestream.inquiries import export_formats
from platestream.inquiries.case_report import case_report
from platestream.inquiries.export import (
    COMPANION,
    FIELDS,
    PICTURED,
    CaseExport,
    exported_fields,
    exported_meeting,
    exported_pass,
)
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.flows import jpeg

KML = "{http://www.opengis.net/kml/2.2}"
DANGEROUS = "=+-@\t\r"
BEGINNINGS = [*DANGEROUS, " =", "\n", "'=", "\uff1d", "\ufeff="]
TEXT = st.text(max_size=30) | st.builds(str.__add__, st.sampled_from(BEGINNINGS), st.text(max_size=10))


@st.composite
def rows(draw: st.DrawFn) -> Row:
    return {
        "detection_id": uuid4(),
        "captured_at": draw(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001
        "camera_id": draw(TEXT),
        "latitude": draw(st.floats(-90, 90)),
        "longitude": draw(st.floats(-180, 180)),
        "plate": draw(TEXT),
        "confidence": draw(st.floats(0, 1)),
        "state": draw(st.none() | TEXT),
        "vehicle_colour": draw(TEXT),
        "vehicle_make": draw(TEXT),
        "vehicle_model": draw(TEXT),
        "vehicle_body": draw(TEXT),
        "vehicle_other": draw(st.just({}) | st.builds(lambda one: {"direction": one}, TEXT)),
    }


def case(found: list[Row], reason: str = "", number: str = "26-001234") -> CaseExport:
    return CaseExport(
        agency="St. Johns Police Department",
        who="ana",
        at=NOW,
        zone=UTC,
        inquiry_id=uuid4(),
        why={"case_number": number, "reason": reason},
        query="plate AST*",
        unshown=(),
        passes=[exported_pass(row) for row in found],
        rows=found,
    )


def numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and not text[:1].isspace()


@given(st.lists(rows(), min_size=1, max_size=4), TEXT, TEXT)
@example([], '=HYPERLINK("https://x")', "@SUM(1)")
def test_no_cell_is_a_formula_and_each_line_has_its_documentation(
    found: list[Row], reason: str, number: str
) -> None:
    made = case(found, reason, number)
    (head, *lines) = csv.reader(io.StringIO(export_formats.csv(made).decode(), newline=""))
    assert head[: len(FIELDS)] == list(FIELDS)
    assert len(lines) == len(found)
    for line in lines:
        assert len(line) == len(head)
        result = dict(zip(head, line, strict=True))
        assert (result["inquiry_id"], result["exported_by"]) == (str(made.inquiry_id), "ana")
        assert result["passes_sha256"] == made.sha256
        for cell in line:
            assert cell[:1] not in DANGEROUS or not cell or numeric(cell), cell


@given(st.lists(rows(), max_size=4), TEXT)
def test_geojson_is_read_back_as_it_was(found: list[Row], reason: str) -> None:
    made = case(found, reason)
    read: dict[str, Any] = json.loads(export_formats.geojson(made))
    assert read["type"] == "FeatureCollection"
    assert read["inquiry"] == made.documentation
    for feature, row in zip(read["features"], found, strict=True):
        assert feature["type"] == "Feature"
        assert feature["geometry"]["type"] == "Point"
        assert feature["geometry"]["coordinates"] == [row["longitude"], row["latitude"]]
        assert feature["properties"]["plate"] == row["plate"]
        assert datetime.fromisoformat(feature["properties"]["captured_at"]) == row["captured_at"]


@given(st.lists(rows(), max_size=4), TEXT)
@example([], "\x00\x1b]\ud800\ufffe")
def test_kml_is_well_formed_whatever_the_text(found: list[Row], reason: str) -> None:
    made = case(found, reason)
    root = ElementTree.fromstring(export_formats.kml(made))
    assert root.tag == f"{KML}kml"
    marks = root.findall(f"{KML}Document/{KML}Placemark")
    for mark, row in zip(marks, found, strict=True):
        where = (mark.findtext(f"{KML}Point/{KML}coordinates") or "").split(",")
        assert [float(one) for one in where] == [row["longitude"], row["latitude"]]
        at = mark.findtext(f"{KML}TimeStamp/{KML}when") or ""
        assert datetime.fromisoformat(at) == row["captured_at"]
    result = root.findall(f"{KML}Document/{KML}ExtendedData/{KML}Data")
    assert {one.get("name") for one in result} == set(made.documentation)


@given(st.lists(rows(), min_size=1, max_size=3), st.integers(0, 2))
def test_the_hash_is_of_the_passes_and_of_each_of_their_fields(found: list[Row], place: int) -> None:
    made = case(found)
    assert made.sha256 == case(found, reason="another").sha256
    changed = [dict(row) for row in found]
    changed[place % len(found)]["plate"] += "X"
    assert case(changed).sha256 != made.sha256


@pytest.mark.parametrize("field", ["state", "direction", "match"])
def test_what_is_not_known_is_empty(field: str) -> None:
    row: Row = dict.fromkeys(FIELDS, "") | {"captured_at": NOW, "state": None, "vehicle_other": {}}
    assert exported_pass(row)[field] == ""


def told_row(plate: str, reason: str = "") -> Row:
    known = {"camera_id": "north", "latitude": 34.5, "longitude": -109.4, "confidence": 0.98, "state": "AZ"}
    described = {
        "vehicle_colour": "gray",
        "vehicle_make": "Ford",
        "vehicle_model": "",
        "vehicle_body": reason,
    }
    counted = {"agreeing": 3, "opinion": "", "camera_plate": "", "frames": 3, "vehicle_other": {}}
    return {"detection_id": uuid4(), "captured_at": NOW, "plate": plate, **known, **described, **counted}


def pages_of(report: bytes) -> list[str]:
    with PdfDocument(report) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def test_a_case_report_has_documentation_passes_and_pictures() -> None:
    found = [told_row(f"AST308{number}") for number in range(4)]
    images = {row["detection_id"]: {"crop": jpeg(9), "vehicle": jpeg(20)} for row in found[:2]}
    images[found[2]["detection_id"]] = {"vehicle": b"no picture"}
    made = replace(case(found, "Hit & <b>run</b>"), images=images, unshown=("Some are left out.",))
    report = case_report(made)
    assert report == case_report(made), "the same content has the same bytes"
    text = " ".join(" ".join(pages_of(report)).split())
    result = (
        "St. Johns Police Department",
        "CASE REPORT",
        "26-001234",
        "Hit & <b>run</b>",
        str(made.inquiry_id),
    )
    for words in (*result, made.sha256, "Some are left out.", "No picture is stored", "cannot be shown"):
        assert words in text, words
    for row in found:
        assert text.count(row["plate"]) == 2
    with PdfDocument(report) as document:
        pictures = [one for page in document for one in page.get_objects() if one.type == FPDF_PAGEOBJ_IMAGE]
    assert len(pictures) == 4


@given(TEXT, TEXT)
@settings(max_examples=20)
def test_no_text_breaks_a_case_report(plate: str, reason: str) -> None:
    assert case_report(case([told_row(plate, reason)], reason)).startswith(b"%PDF-")


def test_a_long_result_shows_the_pictures_of_its_first_passes_and_lists_all() -> None:
    found = [told_row(f"AA{number:05}") for number in range(PICTURED + 30)]
    text = " ".join(pages_of(case_report(case(found))))
    counts = Counter(text.count(row["plate"]) for row in found)
    assert counts == {2: PICTURED, 1: 30}


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=3), st.booleans())
@settings(max_examples=30)
def test_meetings_and_companions_are_safe_in_every_format(
    found: list[tuple[str, str, str]], placed: bool
) -> None:
    where = RegistryRecord(kind="camera", id="x", name="x", latitude=34.5, longitude=-109.4)
    met = [
        {
            **{"camera_id": camera, "captured_at": NOW, "plate": plate, "detection_id": uuid4()},
            **{"other_captured_at": NOW, "other_plate": other, "other_detection_id": uuid4()},
            "seconds_behind": -1.5,
        }
        for camera, plate, other in found
    ]
    beside = [
        {"plate": plate, "meetings": 2, "cameras_met": 1, "first_at": NOW, "last_at": NOW}
        for plate, _other, _more in found
    ]
    for noun, rows_, result in (
        ("meeting", met, [exported_meeting(row, where if placed else None) for row in met]),
        ("companion", beside, [exported_fields(row, COMPANION) for row in beside]),
    ):
        made = replace(case([]), passes=result, rows=rows_, noun=noun)
        (head, *lines) = csv.reader(io.StringIO(export_formats.csv(made).decode(), newline=""))
        assert f"{noun}s_sha256" in head
        for cell in (cell for line in lines for cell in line):
            assert cell[:1] not in DANGEROUS or not cell or numeric(cell), cell
        read = json.loads(export_formats.geojson(made))
        assert [bool(one["geometry"]) for one in read["features"]] == [noun == "meeting" and placed] * len(
            result
        )
        somewhere = noun == "meeting" and placed
        root = ElementTree.fromstring(export_formats.kml(made))
        points = root.findall(f"{KML}Document/{KML}Placemark/{KML}Point")
        assert len(points) == (len(result) if somewhere else 0)
        assert case_report(made).startswith(b"%PDF-")
