"""Reads of cameras beside the reader's: stored, shown, searched, counted, and judged by comparisons."""

import json
from html import unescape
from typing import Any
from uuid import UUID

import msgspec
import pytest

from platestream.cameras.second_opinions import SecondOpinions, second_opinions
from platestream.evidence import package_page
from platestream.hotlist.lookback import detection
from platestream.operators.matching.entry_match import match_entry
from platestream.schemas import tables
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.hit_action import ActionKind
from tests.support.console import Pages
from tests.support.database import Database
from tests.support.door import door_of, person, staffed
from tests.support.hit_actions import action
from tests.support.hits import FOUND, put_hit
from tests.support.nightly import nightly

CAMERA = CameraRead(format="hikvision", plate="A8T3O4I", confidence=0.9, lane="2")


def seen(opinion: str, camera: str = "elm", **more: Any) -> dict[str, Any]:
    read = None if opinion in ("", "reader_only") else CAMERA
    return {"camera_id": camera, "opinion": opinion, "camera_read": read, **more}


@pytest.mark.parametrize(
    ("opinion", "words", "red"),
    [
        ("", "", False),
        ("agree", "The camera and the reader read the same plate.", False),
        ("disagree", f"THE READS DIFFER: the camera read A8T3O4I, the reader {FOUND.detection.plate}.", True),
        *nightly(
            ("camera_only", "ONLY THE CAMERA read a plate", True),
            ("reader_only", "Only the reader read this plate", False),
            ("unseen", "NOT SEEN BY US", True),
        ),
    ],
)
def test_a_hit_shows_how_both_reads_compare_and_a_doubt_in_red(
    pages: Pages, opinion: str, words: str, red: bool
) -> None:
    pages.staff(person("vale", "officer"))
    hit = put_hit(pages.database, 1, seen=seen(opinion))
    officer = pages.browser("vale")
    officer.get("/hits")
    officer.send("/shift/begin", hours="8")
    officer.get(f"/hits/{hit}")
    page = unescape(officer.page)
    assert (words in page) == bool(words or not opinion)
    assert ('<strong class="refused" role="alert">' in page) == red
    if opinion:
        assert page.index(words) > page.index("Listed")
    officer.get("/hits")
    assert ('<strong class="refused" role="alert">' in unescape(officer.page)) == red, "also in the list"


def test_a_search_shows_and_returns_both_reads(pages: Pages) -> None:
    pages.staff(person("ana", "analyst"))
    now = pages.database.value("SELECT now64(3)")
    read = msgspec.structs.replace(FOUND.detection, captured_at=now, best_at=now, **seen("disagree"))
    pages.database.put(tables.DETECTIONS, read)
    pages.database.put(tables.IMAGES, read)
    analyst = pages.browser("ana")
    analyst.get("/search")
    analyst.send("/search", way="search", plate=read.plate, case_number="26-001234", reason="Stolen vehicle")
    assert "THE READS DIFFER: the camera read A8T3O4I" in unescape(analyst.page)


def test_a_look_back_judges_a_stored_read_as_the_match_flow_did(database: Database) -> None:
    for opinion in ("", "agree", "disagree", "camera_only", "reader_only", "unseen"):
        read = msgspec.structs.replace(
            FOUND.detection, crop=b"", picture=b"", alternatives=(), confidence=0.5, state_confidence=0.5,
            **seen(opinion),
        )  # fmt: skip
        row = dict(zip(tables.DETECTIONS.columns, tables.DETECTIONS.rows(read)[0], strict=True))
        again = detection(row)
        assert again == read
        entry = msgspec.structs.replace(FOUND.entry, plate=read.plate, state=None, cameras=(), areas=())
        assert (match_entry(again, entry) is None) == (opinion == "unseen")
    assert database


def test_evidence_has_the_camera_s_read_and_older_evidence_none(database: Database) -> None:
    read = msgspec.structs.replace(FOUND.detection, **seen("disagree"))
    database.put(tables.DETECTIONS, read)
    record = json.loads(database.value("SELECT record FROM platestream.recordings"))
    assert (record["opinion"], record["camera_plate"]) == ("disagree", CAMERA.plate)
    assert json.loads(record["camera_read"])["lane"] == "2"
    page = package_page._detection(record, [])
    assert "THE READS DIFFER: the camera read A8T3O4I" in page
    for name in ("opinion", "camera_plate", "camera_read"):
        del record[name]
    assert "own read" not in package_page._detection(record, [])


VERDICTS: list[tuple[str, str, ActionKind, tuple[int, int, int, int]]] = [
    ("agree", "", "plate_and_state_confirmed", (1, 0, 1, 0)),
    ("agree", "", "misread", (0, 1, 0, 1)),
    ("disagree", "", "plate_and_state_confirmed", (1, 0, 0, 1)),
    ("disagree", "", "misread", (0, 1, 0, 0)),
    ("disagree", CAMERA.plate, "plate_and_state_confirmed", (0, 1, 1, 0)),
    ("disagree", CAMERA.plate, "misread", (0, 0, 0, 1)),
    ("camera_only", "", "plate_and_state_confirmed", (0, 1, 1, 0)),
    ("unseen", "", "plate_and_state_confirmed", (0, 0, 1, 0)),
    ("reader_only", "", "plate_and_state_confirmed", (1, 0, 0, 1)),
    ("", "", "plate_and_state_confirmed", (0, 0, 0, 0)),
]


def test_who_was_right_is_counted_by_camera_when_an_officer_compared(database: Database) -> None:
    staffed(database)
    for number, (opinion, matched, kind, _expected) in enumerate(VERDICTS, 1):
        hit = put_hit(database, number, seen=seen(opinion, f"cam-{number}"), matched=matched)
        database.put(tables.HIT_ACTIONS, action(kind, number=number, hit=UUID(hit)))
    door = door_of(database)
    for number, (opinion, _matched, _kind, expected) in enumerate(VERDICTS, 1):
        found = second_opinions(door, f"cam-{number}")
        assert (found.reader_right, found.reader_wrong, found.camera_right, found.camera_wrong) == expected
        assert found.compared == bool(opinion)


def test_the_camera_page_has_the_figures_and_no_plate(pages: Pages) -> None:
    pages.staff(person("lee", "administrator"))
    now = pages.database.value("SELECT now64(3)")
    for number, opinion in enumerate(["agree", "agree", "disagree", "unseen", ""], 1):
        read = msgspec.structs.replace(
            FOUND.detection, detection_id=UUID(int=number), captured_at=now, **seen(opinion)
        )
        pages.database.put(tables.DETECTIONS, read, read)
    assert second_opinions(door_of(pages.database, "lee"), "elm") == SecondOpinions(
        {"agree": 2, "disagree": 1, "unseen": 1}, 0, 0, 0, 0, 0
    )
    admin = pages.browser("lee")
    admin.get("/administration/cameras/elm")
    assert "2 agree, 1 differ, 1 not seen by us" in admin.page
    assert CAMERA.plate not in admin.page
    admin.get("/administration/cameras/oak")
    assert "Second opinion" not in admin.page, "a camera that does not read"
