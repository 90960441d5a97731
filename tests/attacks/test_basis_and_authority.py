"""Requests without a legal basis, evidence that nobody ordered, cameras that nobody approved."""

from typing import Any

import pytest

from platestream.edges.clickhouse_client import DOOR
from platestream.schemas import tables
from platestream.schemas.registry import RegistryRecord
from tests.support.agency import CASE, DAY, HOUR, Agency, read
from tests.support.clock import NOW

NOTHING = ("aaaaa", "11111", "xxxxxx", "n/a n/a n/a", "- - - - -", "needed for work", "\u0430" * 5)


@pytest.mark.parametrize("basis", NOTHING)
def test_a_request_from_outside_needs_a_legal_basis_that_says_something(agency: Agency, basis: str) -> None:
    said = {"on_behalf_of": "smith", "requester": "Acme Recovery", "case_number": CASE}
    row = agency.database.logged(agency.database.ask(DOOR, **said, legal_basis=basis))
    assert "without its legal basis (order, section I.4)" in row["refusal"]


@pytest.mark.parametrize("basis", ["court order 7", "A.R.S. 39-121", "Subpoena CV2026-001234"])
def test_a_legal_basis_is_accepted(agency: Agency, basis: str) -> None:
    agency.enter("search", who="smith", pattern="AB*", requester="Acme", case_number=CASE, legal_basis=basis)
    agency.follow()
    assert agency.outcomes("requests") == {"requests": "held"}


def test_a_basis_that_a_changed_gate_let_through_is_found(agency: Agency) -> None:
    agency.log(requester="Acme Recovery", legal_basis="11111", case_number=CASE)
    agency.follow()
    (result,) = agency.results("requests").values()
    assert result.outcome == "not_held"


@pytest.mark.parametrize("act", ["evidence_hold", "evidence_keep"])
@pytest.mark.parametrize("authority", [".", "x", "aaaa", "123", "n/a"])
def test_evidence_names_who_ordered_it(agency: Agency, act: str, authority: str) -> None:
    said = {"kind": act, "on_behalf_of": "chief", "case_number": CASE, "pattern": ""}
    row = agency.database.logged(agency.database.ask(DOOR, **said, reason=f"Evidence: {authority}"))
    assert "who ordered the evidence is not named" in row["refusal"]


@pytest.mark.parametrize(
    ("approver", "found"), [("x", True), ("aaaa", True), ("Chief", False), ("4471", False)]
)
def test_a_camera_is_approved_by_somebody(agency: Agency, approver: str, found: bool) -> None:
    place: dict[str, Any] = {"latitude": 34.5, "longitude": -109.4, "approved_at": NOW - DAY}
    agency.register(RegistryRecord(kind="camera", id="c9", name="C 9", approved_by=approver, **place))
    agency.database.put(tables.DETECTIONS, read(HOUR, camera="c9"))
    (result,) = agency.results("cameras").values()
    assert ("ended, or without an approval on record: c9" in result.faults) == found
