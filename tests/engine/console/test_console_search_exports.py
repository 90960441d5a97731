"""Exports of a search: each is an act with the hash of its file, from the page, a command and the API."""

import csv
import io
import re
from base64 import b64encode
from datetime import timedelta
from functools import partial
from hashlib import sha256
from html import unescape
from pathlib import Path
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from platestream.access import tokens
from platestream.cli.main import app as cli
from tests.support.console import Pages, Person
from tests.support.door import person, signed_in_as
from tests.support.nightly import nightly
from tests.support.searching import CASE, OF_PEOPLE, looks, put, text

FORMATS = {"pdf": b"%PDF-", "csv": b"detection_id,", "geojson": b"{", "kml": b"<?xml"}


@pytest.mark.parametrize("layout", FORMATS)
def test_an_export_is_an_act_with_the_hash_of_its_file(pages: Pages, analyst: Person, layout: str) -> None:
    for number in range(3):
        put(pages, f"AST308{number}", minutes=number)
    analyst.send("/search", way="search", plate="AST*", case_number=CASE)
    address = re.findall(r'formaction="([^"]+)"', analyst.page)[0]
    answer = analyst.send(address, format=layout)
    assert answer.status_code == 200
    assert answer.content.startswith(FORMATS[layout])
    assert answer.headers["content-disposition"].endswith(f'.{layout}"')
    digest = sha256(answer.content)
    assert answer.headers["repr-digest"] == f"sha-256=:{b64encode(digest.digest()).decode()}:"
    rows = pages.database.rows(
        f"SELECT kind, case_number, other, change FROM platestream.inquiry_log WHERE {OF_PEOPLE} ORDER BY at"
    )
    pictures = ["picture"] * 3 if layout == "pdf" else []
    assert [row[0] for row in rows] == ["search", *pictures, "search_export"]
    _kind, case, about, change = rows[-1]
    assert (case, f"/search/{about}/export") == (CASE, address)
    assert digest.hexdigest() in change
    assert "AST308" not in change
    assert f"{layout}, 3 passes" in change


MET: dict[str, dict[str, str]] = {
    "companions": {"way": "companions", "plate": "AST3087", "within": "30"},
    "meetings": {"way": "cotravel", "plate": "AST3087", "other_plate": "MATE456", "within": "30"},
}
FIRST_FIELD = {"companions": b"plate,meetings,cameras_met,", "meetings": b"camera_id,captured_at,plate,"}


@pytest.mark.parametrize("layout", ["csv", *nightly("pdf", "geojson", "kml")])
@pytest.mark.parametrize("what", MET)
def test_companions_and_meetings_are_exported_by_the_same_act(
    pages: Pages, analyst: Person, what: str, layout: str
) -> None:
    for minutes, where in ((0, "north"), (20, "south")):
        put(pages, "AST3087", where, minutes)
        put(pages, "MATE456", where, minutes + 0.1)
    analyst.send("/search", case_number=CASE, **MET[what])
    address = re.findall(r'formaction="([^"]+/export)"', analyst.page)[0]
    answer = analyst.send(address, format=layout)
    assert answer.status_code == 200
    assert answer.content.startswith(FIRST_FIELD[what] if layout == "csv" else FORMATS[layout])
    found = 1 if what == "companions" else 2
    noun = what if found > 1 else "companion"
    rows = pages.database.rows(
        f"SELECT kind, case_number, change FROM platestream.inquiry_log WHERE {OF_PEOPLE} ORDER BY at"
    )
    assert [row[0] for row in rows] == [MET[what]["way"], "search_export"], "no picture is opened"
    _kind, case, change = rows[-1]
    assert case == CASE
    assert change.startswith(f"{layout}, {found} {noun}, {what} ")
    assert sha256(answer.content).hexdigest() in change
    if layout == "geojson":
        places = [one["geometry"] and one["geometry"]["coordinates"] for one in answer.json()["features"]]
        assert places == ([None] if what == "companions" else [[-109.37, 34.49], [-109.37, 34.51]])
    if layout == "csv":
        (first, *_others) = csv.DictReader(io.StringIO(answer.text))
        assert first[f"{what}_sha256"] in change
        assert "MATE456" in (first["plate"], first.get("other_plate"))


def test_command_and_api_export_companions_as_the_page_does(
    pages: Pages, analyst: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for minutes, where in ((0, "north"), (20, "south")):
        put(pages, "AST3087", where, minutes)
        put(pages, "MATE456", where, minutes + 0.1)
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", pages.database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(pages.data))
    signed_in_as(monkeypatch, "ana")
    made = tmp_path / "met.csv"
    words = ["search", "AST3087", "--companions", "--case", CASE, "--export", str(made)]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    _made, token = tokens.stored_tokens(pages.settings).make(
        "ana", "RMS", tokens.PARTS, pages.clock() + timedelta(days=9)
    )
    post = partial(analyst.client.post, headers={"Authorization": f"Bearer {token}"})
    fields = {"plate": "AST3087", "case_number": CASE}
    found = post("/api/inquiries/companions", json=fields).json()
    answer = post("/api/inquiries/export", json={"inquiry_id": found["inquiry_id"], "format": "csv"})
    read = [list(csv.DictReader(io.StringIO(one))) for one in (made.read_text(), answer.text)]
    assert [one["companions_sha256"] for one in read[0]] == [one["companions_sha256"] for one in read[1]]
    assert [one["plate"] for one in read[0]] == ["MATE456"]
    met = post("/api/inquiries/meetings", json={**fields, "other_plate": "MATE456"}).json()
    kml = post("/api/inquiries/export", json={"inquiry_id": met["inquiry_id"], "format": "kml"})
    assert kml.text.count("<Placemark") == met["found"] == 2
    page = post("/api/inquiries/page", json={"inquiry_id": met["inquiry_id"]})
    assert page.status_code == 404, "it has no detections"


def test_a_case_report_too_long_for_paper_is_refused_before_any_picture_is_looked_at(
    pages: Pages, analyst: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platestream.inquiries.export.REPORTED", 2)
    for number in range(3):
        put(pages, f"AST308{number}", minutes=number)
    analyst.send("/search", way="search", plate="AST*", case_number=CASE)
    address = re.findall(r'formaction="([^"]+)"', analyst.page)[0]
    assert analyst.send(address, format="pdf").status_code == 400
    assert "select rows, or export CSV" in text(analyst.page)
    assert [row[1] for row in looks(pages)] == ["search"]


def test_selected_rows_are_exported_alone_with_who_why_and_which_inquiry(
    pages: Pages, analyst: Person
) -> None:
    for number in range(3):
        put(pages, f"AST308{number}", minutes=number)
    analyst.send("/search", way="search", plate="AST*", reason="=Hit and run on Main Street")
    values = [unescape(one) for one in re.findall(r'name="pass" value="([^"]+)"', analyst.page)]
    address = re.findall(r'formaction="([^"]+)"', analyst.page)[0]
    answer = analyst.send(address, format="csv", **{"pass": values[1:]})
    read = list(csv.DictReader(io.StringIO(answer.text)))
    assert [one["plate"] for one in read] == ["AST3081", "AST3080"]
    (first, _second) = read
    assert first["reason"] == "'=Hit and run on Main Street"
    assert first["exported_by"] == "ana"
    assert first["inquiry_id"] in address


def test_an_export_of_another_session_or_of_nothing_is_refused(pages: Pages, analyst: Person) -> None:
    put(pages, "AST3087")
    analyst.send("/search", way="search", plate="AST*", case_number=CASE)
    address = re.findall(r'formaction="([^"]+)"', analyst.page)[0]
    pages.staff(person("bob", "analyst"))
    other = pages.browser("bob")
    other.get("/search")
    assert other.send(address, format="csv").status_code == 410
    assert analyst.send(address, format="doc").status_code == 400
    analyst.get("/search")
    assert analyst.send(address, format="csv", **{"pass": [f"{uuid4()} 1 X y"]}).status_code == 400
    assert "search_export" not in [row[1] for row in looks(pages)]


def test_command_and_api_export_what_the_page_does(
    pages: Pages, analyst: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number in range(3):
        put(pages, f"AST308{number}", minutes=number)
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", pages.database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(pages.data))
    signed_in_as(monkeypatch, "ana")
    made = tmp_path / "found.csv"
    words = ["search", "AST*", "--case", CASE, "--export"]
    done = CliRunner().invoke(cli, [*words, str(made)])
    assert done.exit_code == 0, done.output
    assert made.stat().st_mode & 0o077 == 0
    again = CliRunner().invoke(cli, [*words, str(made)])
    assert "name a new file" in again.output
    assert "--export writes" in CliRunner().invoke(cli, [*words, str(tmp_path / "x.doc")]).output

    _made, token = tokens.stored_tokens(pages.settings).make(
        "ana", "RMS", tokens.PARTS, pages.clock() + timedelta(days=9)
    )
    post = partial(analyst.client.post, headers={"Authorization": f"Bearer {token}"})
    found = post("/api/inquiries/search", json={"plate": "AST*", "case_number": CASE}).json()
    asked = {"inquiry_id": found["inquiry_id"], "format": "csv"}
    answer = post("/api/inquiries/export", json=asked)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"

    analyst.get("/search")
    analyst.send("/search", way="search", plate="AST*", case_number=CASE)
    page = analyst.send(re.findall(r'formaction="([^"]+)"', analyst.page)[0], format="csv")
    files = (made.read_text(), answer.text, page.text)
    read = [[one["passes_sha256"] for one in csv.DictReader(io.StringIO(file))] for file in files]
    assert read[0] == read[1] == read[2]
    assert len(set(read[0])) == 1
    first = found["detections"][0]["detection_id"]
    alone = post("/api/inquiries/export", json={**asked, "detections": [first]})
    assert [one["detection_id"] for one in csv.DictReader(io.StringIO(alone.text))] == [first]
    assert post("/api/inquiries/export", json={**asked, "inquiry_id": str(uuid4())}).status_code == 404
    assert [row[1] for row in looks(pages, "platestream search")] == ["search", "search_export"]
