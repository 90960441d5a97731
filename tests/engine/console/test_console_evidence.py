"""Evidence in the console: held from what a search found, exported by a custodian."""

import re
from datetime import timedelta
from hashlib import sha256
from html import unescape
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from platestream.evidence import package
from platestream.evidence.channels.folder import MARK
from platestream.evidence.transfer_job import TransferJob
from platestream.schemas.registry import RegistryRecord
from tests.support.console import Pages, Person
from tests.support.door import person
from tests.support.searching import CASE, put, text

ASKED = {"way": "search", "plate": "AST*", "case_number": CASE}
TERMS = {"case_number": CASE, "authority": "Det. Begay", "schedule": "felony"}


@pytest.fixture
def analyst(pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Ana, where the agency has a key that signs packages."""
    package.new_key(tmp_path / "agency.pem")
    monkeypatch.setattr(pages.settings, "evidence_key_file", tmp_path / "agency.pem")
    pages.staff(person("ana", "analyst"), person("cust", "custodian"), person("aud", "auditor"))
    browser = pages.browser("ana")
    browser.get("/search")
    return browser


def rows(page: str) -> list[str]:
    """What stands in the form for each row, the latest first."""
    return [unescape(one) for one in re.findall(r'name="pass" value="([^"]+)"', page)]


def held(pages: Pages) -> list[tuple[str, str, str, int]]:
    found: list[tuple[str, str, str, int]] = pages.database.rows(
        "SELECT toString(hold_id), case_number, who, detections FROM platestream.evidence_holds FINAL"
    )
    return found


def on_record(pages: Pages, act: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = pages.database.rows(
        f"SELECT who, outcome FROM platestream.inquiry_log WHERE kind = '{act}' ORDER BY at"
    )
    return found


def hold_one(pages: Pages, analyst: Person) -> str:
    put(pages, "AST3087")
    analyst.send("/search", **ASKED)
    assert analyst.send("/evidence", **TERMS, **{"pass": rows(analyst.page)}).status_code == 200
    return held(pages)[0][0]


def test_chosen_rows_are_held_with_their_pictures(pages: Pages, analyst: Person) -> None:
    first = put(pages, "AST3087", "north")
    put(pages, "AST3088", "north", 1)
    third = put(pages, "A5T3087", "south", 2)
    analyst.send("/search", way="fuzzy", plate="AST3087", case_number=CASE)
    chosen = [one for one in rows(analyst.page) if one.startswith((first, third))]
    assert len(chosen) == 2
    analyst.send("/evidence", **TERMS, **{"pass": chosen})
    assert "2 detections with 4 pictures are held for case 26-001234" in text(analyst.page)
    assert [one[1:] for one in held(pages)] == [(CASE, "ana", 2)]
    kept = pages.database.rows("SELECT toString(detection_id) FROM platestream.evidence_detections FINAL")
    assert {one for (one,) in kept} == {first, third}
    assert ("ana", "allowed") in on_record(pages, "evidence_hold")


def test_nothing_is_held_without_rows_or_terms(pages: Pages, analyst: Person) -> None:
    put(pages, "AST3087")
    analyst.send("/search", **ASKED)
    found = analyst.page
    assert analyst.send("/evidence", **TERMS).status_code == 400
    assert "nothing was chosen" in text(analyst.page)
    for wrong, rule in (
        ({"authority": ""}, "who ordered it"),
        ({"schedule": "never"}, "no such series"),
        ({"release": "2026-12-01"}, "section J.2"),
    ):
        analyst.page = found
        answer = analyst.send("/evidence", **{**TERMS, **wrong}, **{"pass": rows(found)})
        assert answer.status_code == 409
        assert rule in text(analyst.page)
    assert held(pages) == []
    assert on_record(pages, "evidence_hold") == [("ana", "refused")] * 3


def test_a_row_that_nobody_was_shown_is_refused(pages: Pages, analyst: Person) -> None:
    put(pages, "AST3087")
    analyst.send("/search", **ASKED)
    found = analyst.page
    for forged in ("x", "no-uuid 1 A north", "00000000-0000-0000-0000-000000000001 1790000000000000 A north"):
        analyst.page = found
        assert analyst.send("/evidence", **TERMS, **{"pass": [forged]}).status_code == 400
    assert held(pages) == []


def test_a_custodian_sees_what_is_held_and_exports_it_as_a_package(pages: Pages, analyst: Person) -> None:
    hold = hold_one(pages, analyst)
    custodian = pages.browser("cust")
    assert 'href="/evidence"' in custodian.page
    custodian.get("/evidence")
    assert f"Case {CASE}" in text(custodian.page)
    answer = custodian.send(f"/evidence/{hold}/export", receiver="Evidence.com")
    assert answer.headers["content-type"] == "application/zip"
    assert f'filename="evidence-{hold}.zip"' in answer.headers["content-disposition"]
    with ZipFile(BytesIO(answer.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest, faults = package.verify(files)
    assert faults == []
    assert manifest is not None
    assert (manifest.exported_by, manifest.receiver) == ("cust", "Evidence.com")
    assert on_record(pages, "evidence_export") == [("cust", "allowed")]


def test_who_is_no_custodian_exports_nothing_and_the_attempt_is_on_record(
    pages: Pages, analyst: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = hold_one(pages, analyst)
    auditor = pages.browser("aud")
    auditor.get("/evidence")
    assert "Export package" not in auditor.page
    assert auditor.send(f"/evidence/{hold}/export", receiver="me").status_code == 403
    assert on_record(pages, "evidence_export") == [("aud", "refused")]
    monkeypatch.setattr(pages.settings, "evidence_key_file", None)
    analyst.get("/search")
    assert analyst.send(f"/evidence/{hold}/export", receiver="me").status_code == 403
    assert analyst.get("/evidence").status_code == 403
    assert on_record(pages, "evidence_show")[-2:] == [("ana", "refused")] * 2


def test_without_a_key_nothing_is_exported_and_the_page_says_so(
    pages: Pages, analyst: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = hold_one(pages, analyst)
    monkeypatch.setattr(pages.settings, "evidence_key_file", None)
    custodian = pages.browser("cust")
    custodian.get("/evidence")
    assert custodian.send(f"/evidence/{hold}/export", receiver="x").status_code == 400
    assert "PLATESTREAM_EVIDENCE_KEY_FILE is not set" in text(custodian.page)
    assert on_record(pages, "evidence_export") == []


def test_a_hold_is_kept_longer_and_never_shorter(pages: Pages, analyst: Person) -> None:
    hold = hold_one(pages, analyst)
    custodian = pages.browser("cust")
    custodian.get("/evidence")
    path = f"/evidence/{hold}/keep"
    answer = custodian.send(path, authority="Subpoena", case_number="26-CV-18", release="2061-01-01")
    assert answer.url.path == "/evidence"
    assert "2061-01-01" in text(custodian.page)
    refused = custodian.send(path, authority="Subpoena", case_number="26-CV-18", release="2051-01-01")
    assert refused.status_code == 409
    assert "never shortened" in text(custodian.page)


def test_what_was_typed_is_text_and_never_a_tag(pages: Pages, analyst: Person) -> None:
    put(pages, "AST3087")
    analyst.send("/search", **ASKED)
    evil = "<script>alert(1)</script>"
    analyst.send("/evidence", **{**TERMS, "authority": evil}, **{"pass": rows(analyst.page)})
    assert "&lt;script&gt;" in analyst.page
    assert evil not in analyst.page


def test_an_empty_page_says_so(pages: Pages, analyst: Person) -> None:
    custodian = pages.browser("cust")
    custodian.get("/evidence")
    assert "Nothing is held yet. Detections that you hold from search results will be listed here." in text(
        custodian.page
    )


def test_a_hold_is_sent_to_an_evidence_system_and_its_page_shows_the_receipt(
    pages: Pages, analyst: Person, tmp_path: Path
) -> None:
    share = tmp_path / "share"
    share.mkdir()
    (share / MARK).write_text("vault")
    pages.put(RegistryRecord(kind="evidence_system", id="vault", name="Vault", transfer_place=str(share)))
    hold = hold_one(pages, analyst)
    custodian = pages.browser("cust")
    custodian.get("/evidence")
    assert custodian.send(f"/evidence/{hold}/send", system="elsewhere").status_code == 409
    custodian.get("/evidence")
    answer = custodian.send(f"/evidence/{hold}/send", system="vault")
    assert answer.url.path == "/evidence"
    assert "Sent to vault: waits to be sent" in text(custodian.page)
    said: list[str] = []
    job = TransferJob(pages.console.door("cust"), lambda _file, what: said.append(what))
    (share / MARK).unlink()
    job.run_once(pages.clock())
    custodian.get("/evidence")
    assert "Sent to vault: not delivered yet" in text(custodian.page)
    (share / MARK).write_text("vault")
    job.run_once(pages.clock() + timedelta(hours=1))
    custodian.get("/evidence")
    assert "Sent to vault: received" in text(custodian.page)
    assert "read back with the same SHA-256" in text(custodian.page)
    (arrived,) = (one for one in share.iterdir() if one.name != MARK)
    assert sha256(arrived.read_bytes()).hexdigest() in custodian.page
    auditor = pages.browser("aud")
    auditor.get("/evidence")
    assert "Sent to vault: received" in text(auditor.page)
    assert auditor.send(f"/evidence/{hold}/send", system="vault").status_code == 403
    assert "no export of this name" in text(custodian.send("/evidence/transfers/again", file="x").text)
    assert on_record(pages, "evidence_receipt") == [("evidence", "allowed")]
