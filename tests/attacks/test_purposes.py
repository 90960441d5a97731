"""Prohibited purposes that are stated beside the reason: in other texts of a search, or of an entry."""

from dataclasses import replace

import pytest

from platestream.access import gate_rules
from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.edges.clickhouse_client import DOOR
from platestream.hotlist import entries
from platestream.hotlist.list_changes import listed
from platestream.runtime.clock import utc_now
from tests.support.agency import Agency
from tests.support.database import Database
from tests.support.door import door_of, person, staffed
from tests.support.hotlist_samples import ENTRY_FIELDS
from tests.support.rules import put_columns
from tests.unit.operators.test_folded import EVASIONS, INNOCENT, PATTERNS

STATED = "For personal use"
SEARCHES = (
    {"requester": "A friend, for his personal use", "legal_basis": "court order 7"},
    {"requester": "Acme", "legal_basis": "he has a personal interest"},
    {"case_number": "personal use"},
    {"requester": "Acme", "legal_basis": "court order 7, p.e.r.s.o.n.a.l u.s.e"},
)


@pytest.fixture
def door(database: Database) -> Door:
    staffed(database, person("vale", "officer"), person("lee", "administrator"))
    return door_of(database)


@pytest.mark.parametrize("texts", SEARCHES, ids=lambda texts: ", ".join(texts))
def test_a_purpose_beside_the_reason_of_a_search_is_refused(
    database: Database, door: Door, texts: dict[str, str]
) -> None:
    documented = {"reason": "Stolen truck of last night", "on_behalf_of": "vale"}
    row = database.logged(database.ask(DOOR, kind="search", pattern="AB*", **documented, **texts))
    assert "prohibited purpose" in row["refusal"]


@pytest.mark.parametrize("field", ["instructions", "other"])
def test_a_purpose_in_any_text_of_an_entry_lists_no_vehicle(door: Door, field: str) -> None:
    with pytest.raises(RefusedInquiry, match="prohibited purpose"):
        entries.add(door, "sjpd", {**ENTRY_FIELDS, field: f"{STATED} of the owner of the yard"}, utc_now())
    assert listed(door.streams) == {}


@pytest.mark.parametrize("field", ["reason", "instructions", "other"])
def test_an_entry_behind_the_door_for_a_prohibited_purpose_is_found(database: Database, field: str) -> None:
    agency = Agency(database, database.data)
    agency.list("1", acted="", prefix="sjpd", source="sjpd", **{field: STATED})
    agency.list("2", acted="", prefix="sjpd", source="sjpd")
    (result,) = agency.results("purposes").values()
    assert "listed for a prohibited purpose: sjpd:1" in result.faults


def test_words_of_two_texts_together_state_no_purpose(database: Database) -> None:
    """`Port of Seattle` after a word that ends in `de` reads like `deport` where only letters count."""
    rules = gate_rules.in_force(database.client())
    put_columns(door_of(database), replace(rules, prohibited=("deport",)), "chief")
    texts = {"reason": "Homicide", "requester": "Port of Seattle", "legal_basis": "court order 7"}
    row = database.logged(database.ask(kind="search", pattern="AB*", **texts))
    assert row["outcome"] == "allowed", row["refusal"]


def test_the_gate_finds_what_the_audit_flow_finds(database: Database) -> None:
    """However it is written; a name that only reads like one after the end of another word is none."""
    rules = gate_rules.in_force(database.client())
    put_columns(door_of(database), replace(rules, prohibited=PATTERNS), "chief")
    for text in (*EVASIONS, *INNOCENT):
        row = database.logged(database.ask(kind="search", pattern="AB*", reason=f"Stolen truck, {text}"))
        assert ("prohibited purpose" in row["refusal"]) == (text in EVASIONS), text
