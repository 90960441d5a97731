"""The API: what programs of dispatch and records systems do with a token, and what they may not."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from starlette.testclient import TestClient

from platestream.access import tokens
from platestream.schemas import tables
from platestream.schemas.acts import Role
from platestream.schemas.alert_hit import NOTICE
from platestream.web.app import app
from tests.support.console import Pages
from tests.support.database import Database
from tests.support.door import person, shift
from tests.support.hits import FOUND, put_hit

WHY = {"case_number": "26-001234"}


class Program:
    """A program with a token of `who`."""

    def __init__(self, pages: Pages, who: str, *parts: tokens.Part, days: int = 90) -> None:
        self.pages = pages
        self.token, self.text = tokens.stored_tokens(pages.settings).make(
            who, "CAD", parts or tokens.PARTS, pages.clock() + timedelta(days=days)
        )
        self.client = TestClient(app(pages.console), "https://localhost")
        self.client.headers["Authorization"] = f"Bearer {self.text}"

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(f"/api{path}", json=body)

    def get(self, path: str) -> Any:
        return self.client.get(f"/api{path}")


@pytest.fixture
def officer(pages: Pages) -> Program:
    pages.staff(person("vale", "officer"), person("ana", "analyst"), person("aud", "auditor"))
    pages.put(shift("vale"))
    return Program(pages, "vale")


def logged(database: Database) -> list[tuple[str, str, str, str]]:
    rows: list[tuple[str, str, str, str]] = database.rows(
        "SELECT who, tool, kind, outcome FROM platestream.inquiry_log"
        " WHERE kind != 'account_sign_in' ORDER BY at"
    )
    return rows


def test_a_hit_is_verified_step_by_step_and_all_of_it_is_the_persons(pages: Pages, officer: Program) -> None:
    hit = put_hit(pages.database, 1)
    found = officer.post("/hits/look", **WHY)
    assert found.status_code == 200
    (shown,) = found.json()["hits"]
    assert (shown["hit_id"], shown["status"], shown["verified"]) == (str(hit), "unverified", False)
    assert (shown["notice"], shown["entry"]["instructions"]) == (NOTICE, FOUND.entry.instructions)
    assert officer.get(f"/hits/{hit}").json() == shown
    early = officer.post(f"/hits/{hit}/steps", kind="action_taken", result="arrest")
    assert early.status_code == 409
    assert early.headers["content-type"] == "application/problem+json"
    assert "compare plate and state" in early.json()["detail"]
    officer.post(f"/hits/{hit}/steps", kind="plate_and_state_confirmed")
    officer.post(f"/hits/{hit}/steps", kind="confirmed_current", checked_with="ncic")
    done = officer.post(f"/hits/{hit}/steps", kind="action_taken", result="arrest", actionable=True, **WHY)
    assert done.status_code == 201
    assert (done.json()["status"], [one["by"] for one in done.json()["steps"]]) == ("acted", ["vale"] * 3)
    assert pages.database.rows("SELECT status, result FROM platestream.hit_states") == [("acted", "arrest")]
    assert {(who, tool) for who, tool, _kind, _outcome in logged(pages.database)} == {("vale", "api/CAD")}


def test_a_program_of_dispatch_sees_who_on_shift_is_connected(pages: Pages, officer: Program) -> None:
    (alone,) = officer.get("/shifts").json()
    assert (alone["user"], alone["connected_since"]) == ("vale", None)
    pages.console.devices.record_heartbeat(pages.console.door(""), "vale", pages.clock(), sound=False)
    (shown,) = officer.get("/shifts").json()
    assert shown["connected_since"]
    assert shown["sound"] is False


def test_a_search_is_documented_or_refused_and_finds_plates_vehicles_and_pictures(
    pages: Pages, officer: Program
) -> None:
    seen = msgspec.structs.replace(FOUND.detection, captured_at=pages.clock(), best_at=pages.clock())
    for table in (tables.DETECTIONS, tables.IMAGES):
        pages.database.put(table, seen)
    refused = officer.post("/inquiries/search", plate="ABC*")
    assert refused.status_code == 403
    assert "case number" in refused.json()["detail"]
    found = officer.post("/inquiries/search", plate=FOUND.detection.plate, **WHY).json()
    (shown,) = found["detections"]
    assert (shown["plate"], found["found"], found["left_out"]) == (FOUND.detection.plate, 1, 0)
    picture = officer.post(
        "/inquiries/picture",
        detection_id=shown["detection_id"],
        captured_at=shown["captured_at"],
        kind="crop",
        **WHY,
    )
    assert (picture.status_code, picture.content) == (200, FOUND.detection.crop)
    alike = officer.post("/inquiries/look-alikes", plate=FOUND.detection.plate, colour="purple", **WHY).json()
    assert (alike["detections"], alike["left_out"]) == ([], 0)
    assert officer.post("/inquiries/companions", plate=FOUND.detection.plate, **WHY).json()["found"] == 0
    pair = officer.post("/inquiries/meetings", plate=FOUND.detection.plate, other_plate="XYZ9876", **WHY)
    assert (pair.json()["meetings"], pair.json()["found"]) == ([], 0)


def test_an_own_entry_is_put_changed_seen_and_taken_away(pages: Pages, officer: Program) -> None:
    entry = {
        "reference": "26-001234",
        "category": "stolen_vehicle",
        "plate": "ABC1234",
        "case_number": "26-001234",
        "reason": "stolen from the mill",
        "requested_by": "Sgt. Vale",
        "contact": "928 555 0100",
        "instructions": "Do not stop, contact member of Alert Hit",
        "expires_at": "2027-01-31",
    }
    lacking = officer.post("/hotlist/entries", **{**entry, "reason": " "})
    assert (lacking.status_code, "reason" in lacking.json()["detail"]) == (409, True)
    mistyped = officer.post("/hotlist/entries", **entry, colr="red")
    assert mistyped.status_code == 422
    assert [one["field"] for one in mistyped.json()["fields"]] == ["colr"]
    added = officer.post("/hotlist/entries", **entry)
    assert (added.status_code, added.json()["entry"]["plate"]) == (201, "ABC1234")
    officer.post("/hotlist/entries", **{**entry, "colour": "red"})
    listed = officer.post("/hotlist/look", source="sjpd").json()
    assert [one["vehicle"] for one in listed["entries"]] == [{"colour": "red"}]
    removed = officer.post("/hotlist/remove", entry_id="sjpd:26-001234")
    assert removed.json()["case_number"] == "26-001234"
    assert officer.post("/hotlist/look").json()["found"] == 0


def test_an_auditor_exports_the_sealed_log(pages: Pages, officer: Program) -> None:
    assert officer.post("/log/export", **WHY).status_code == 403  # an officer may not
    auditor = Program(pages, "aud")
    answer = auditor.post("/log/export", reason="audit of the quarter")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    assert '"last_seal"' in answer.text


@pytest.mark.parametrize("sent", ["", "Bearer ", "Bearer x", "Basic dmFsZTp4", "Bearer platestream_0_0"])
def test_without_a_token_that_is_in_force_nothing_is_done(pages: Pages, officer: Program, sent: str) -> None:
    officer.client.headers["Authorization"] = sent
    answer = officer.post("/hits/look", **WHY)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert logged(pages.database) == []


def test_a_token_ends_when_it_said_and_when_it_is_taken_away(pages: Pages, officer: Program) -> None:
    assert officer.post("/hits/look", **WHY).status_code == 200
    pages.clock.forward(days=91)
    assert officer.post("/hits/look", **WHY).status_code == 401
    later = Program(pages, "vale")
    assert later.post("/hits/look", **WHY).status_code == 200
    tokens.stored_tokens(pages.settings).end(later.token.id)
    assert later.post("/hits/look", **WHY).status_code == 401


def test_a_token_of_another_is_guessed_50_times_and_then_waits(pages: Pages, officer: Program) -> None:
    right = officer.client.headers["Authorization"]
    officer.client.headers["Authorization"] = f"Bearer platestream_{officer.token.id}_guess"
    assert [officer.post("/hits/look", **WHY).status_code for _ in range(50)] == [401] * 50
    officer.client.headers["Authorization"] = right
    answer = officer.post("/hits/look", **WHY)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")


def test_a_token_is_for_its_parts_alone_and_a_session_is_no_token(pages: Pages, officer: Program) -> None:
    narrow = Program(pages, "vale", "hits")
    assert narrow.post("/hits/look", **WHY).status_code == 200
    for path in ("/inquiries/search", "/hotlist/look", "/log/export"):
        assert narrow.post(path, **WHY).status_code == 403
    browser = pages.browser("vale")
    assert browser.client.post("/api/hits/look", json=WHY).status_code == 401
    assert {kind for _who, _tool, kind, _outcome in logged(pages.database)} == {"hits"}


def test_a_person_who_was_ended_has_a_token_that_is_let_do_nothing(pages: Pages, officer: Program) -> None:
    pages.put(person("vale", "officer", active=False))
    assert officer.post("/hits/look", **WHY).status_code == 401
    assert officer.get(f"/hits/{UUID(int=7)}").status_code == 401
    assert logged(pages.database) == []


def test_what_is_too_large_or_does_not_say_how_large_is_not_read(officer: Program) -> None:
    assert officer.post("/hits/look", reason="x" * 100_001).status_code == 413
    chunks = officer.client.post("/api/hits/look", content=iter([b"{}"]))
    assert chunks.status_code == 413


def test_no_answer_of_the_api_is_kept_and_none_names_what_was_typed(officer: Program) -> None:
    answer = officer.post("/hits/look", plate=["ABC1234"])
    assert (answer.status_code, answer.headers["cache-control"]) == (422, "no-store")
    assert "ABC1234" not in answer.text


OF_ROLES: dict[Role, set[str]] = {
    "officer": {"hits", "inquiries", "hotlist"},
    "supervisor": {"hits", "inquiries", "hotlist"},
    "analyst": {"hits", "inquiries", "hotlist"},
    "administrator": {"hotlist"},
    "auditor": {"log"},
    "custodian": set(),
}
ASKS: dict[tokens.Part, tuple[str, dict[str, str]]] = {
    "hits": ("/hits/look", WHY),
    "inquiries": ("/inquiries/search", {"plate": "ABC*", **WHY}),
    "hotlist": ("/hotlist/look", {}),
    "log": ("/log/export", WHY),
}


@pytest.mark.parametrize("role", OF_ROLES)
def test_what_a_program_may_is_what_its_person_may(pages: Pages, role: Role) -> None:
    pages.staff(person("vale"), person("one", role))
    program = Program(pages, "one")
    allowed = {part for part, (path, body) in ASKS.items() if program.post(path, **body).status_code == 200}
    assert allowed == OF_ROLES[role]


def test_a_time_that_no_clock_shows_is_refused(officer: Program) -> None:
    fields = {"detection_id": str(UUID(int=7)), "kind": "crop", **WHY}
    for at in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-05-04T18:00:00"):
        assert officer.post("/inquiries/picture", captured_at=at, **fields).status_code == 422
        assert officer.post("/hits/look", since=at, **WHY).status_code == 422
