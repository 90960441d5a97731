"""Attempts to put a vehicle on the hot list, or to search by one, without what section H asks for."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platestream.access import gate_rules
from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.audit.yearly.draw import inquiries_between
from platestream.edges.clickhouse_client import AUDITOR, DOOR
from platestream.hotlist import entries
from platestream.hotlist.list_changes import listed
from platestream.operators.inquiry_checks.reasons import meaningless_fields
from platestream.runtime.clock import utc_now
from platestream.schemas.hotlist import HotListEntry
from tests.support.agency import Agency
from tests.support.database import Database
from tests.support.door import door_of, person, staffed
from tests.support.hotlist_samples import ENTRY_FIELDS

NOTHING = (
    ".",
    "-",
    "n/a",
    "n/a n/a",
    "none",
    "asdfgh",
    "00000",
    "xxx",
    "n\u043en\u0435",
    "\u200bn\u200b/a\u200b",
    "ņóne",
)
FIELDS = ("reason", "requested_by", "contact", "instructions")


@pytest.fixture
def door(database: Database) -> Door:
    staffed(database, person("vale", "officer"), person("lee", "administrator"))
    return door_of(database)


@pytest.mark.parametrize(("field", "text"), list(zip(FIELDS, NOTHING, strict=False)))
def test_words_that_say_nothing_list_no_vehicle_and_search_nothing(
    door: Door, database: Database, field: str, text: str
) -> None:
    with pytest.raises(RefusedInquiry, match=r"section H\.[3-6]"):
        entries.add(door, "sjpd", {**ENTRY_FIELDS, field: text}, utc_now())
    assert listed(door.streams) == {}
    assert database.rows("SELECT kind, outcome FROM platestream.inquiry_log") == [("hotlist_add", "refused")]


def test_the_gate_refuses_words_that_say_nothing_in_any_field(door: Door, database: Database) -> None:
    tried = [{**ENTRY_FIELDS, field: text} for field in FIELDS for text in NOTHING]
    rows = [
        [uuid4(), "hotlist_add", "vale", "26-001234", {name: one[name] for name in FIELDS}] for one in tried
    ]
    names = ["inquiry_id", "kind", "on_behalf_of", "case_number", "fields"]
    database.client(DOOR).insert("platestream.inquire", rows, column_names=names)
    found = database.rows("SELECT outcome, refusal LIKE '%section H.%' FROM platestream.inquiry_log")
    assert found == [("refused", 1)] * len(tried)


def test_a_case_number_that_is_none_lists_no_vehicle(door: Door) -> None:
    for case in (".", "none", "n/a", "stolen"):
        with pytest.raises(RefusedInquiry, match=r"section H\.2"):
            entries.add(door, "sjpd", {**ENTRY_FIELDS, "case_number": case}, utc_now())
    assert listed(door.streams) == {}


def test_an_entry_is_not_blanked_afterwards(door: Door) -> None:
    entries.add(door, "sjpd", ENTRY_FIELDS, utc_now())
    before = listed(door.streams)
    for field in FIELDS:
        with pytest.raises(RefusedInquiry):
            entries.add(door, "sjpd", {**ENTRY_FIELDS, field: "."}, utc_now())
    assert listed(door.streams) == before


def test_an_entry_of_before_these_rules_is_not_put_back_without_words(door: Door, database: Database) -> None:
    was = entries.add(door, "sjpd", ENTRY_FIELDS, utc_now()).entry
    bare = HotListEntry.from_json(was.to_json().replace(b"P/C for arrest", b"."))
    entries.remove(door, was.entry_id)
    with pytest.raises(RefusedInquiry, match=r"section H\.6"):
        entries.restore(door, bare, None, utc_now())
    assert listed(door.streams) == {}


def test_an_act_by_sql_without_the_words_is_refused(door: Door, database: Database) -> None:
    fields: dict[str, Any] = {"kind": "hotlist_add", "on_behalf_of": "vale", "case_number": "26-001234"}
    assert database.logged(database.ask(DOOR, **fields))["outcome"] == "refused"
    words = {name: ENTRY_FIELDS[name] for name in FIELDS}
    assert database.logged(database.ask(DOOR, **fields, fields=words))["outcome"] == "allowed"
    for field in FIELDS:
        asked = database.ask(DOOR, **fields, fields={**words, field: "."})
        assert database.logged(asked)["outcome"] == "refused"


@pytest.mark.parametrize("field", FIELDS)
def test_an_entry_behind_the_door_that_says_nothing_is_found(database: Database, field: str) -> None:
    agency = Agency(database, database.data)
    agency.list("1", acted="", prefix="sjpd", source="sjpd", **{field: "n/a n/a"})
    (result,) = agency.results("complete").values()
    assert result.outcome == "not_held"
    assert f"sjpd:1 ({field})" in result.faults[0]


def population(database: Database) -> list[Any]:
    client = database.client(AUDITOR)
    return inquiries_between(client, utc_now() - timedelta(days=1), utc_now() + timedelta(days=1))


def browsed(database: Database) -> set[tuple[Any, ...]]:
    return set(
        database.rows(
            "SELECT kind, who, automatic, case_number, outcome FROM platestream.inquiry_log "
            "WHERE kind IN ('search', 'hits')"
        )
    )


def test_a_look_back_is_a_browsing_inquiry_of_who_listed_the_vehicle_and_is_drawn(
    door: Door, database: Database
) -> None:
    assert population(database) == []
    entries.add(door, "sjpd", ENTRY_FIELDS, utc_now())
    row = ("vale", False, "26-001234", "allowed")
    assert browsed(database) == {("search", *row), ("hits", *row)}
    assert len(population(database)) == 2


def test_it_stays_drawn_when_the_entry_is_removed_at_once(door: Door, database: Database) -> None:
    entries.add(door, "sjpd", ENTRY_FIELDS, utc_now())
    entries.remove(door, "sjpd:26-1")
    assert len(population(database)) == 2


def test_another_plate_under_the_same_entry_is_another_inquiry(door: Door, database: Database) -> None:
    for plate in ("AST3087", "XYZ1234", "AST4087"):
        entries.add(door, "sjpd", {**ENTRY_FIELDS, "plate": plate}, utc_now())
    assert len(population(database)) == 6


def test_an_administrator_who_does_not_search_lists_and_sees_nothing_of_the_past(
    door: Door, database: Database
) -> None:
    added = entries.add(door_of(database, "lee"), "sjpd", ENTRY_FIELDS, utc_now())
    assert (added.historical_hits, added.not_searched[:4]) == (None, "none")
    assert {row[4] for row in browsed(database)} == {"refused"}


def test_a_search_is_not_hidden_from_the_draw_by_the_name_of_its_tool(door: Door, database: Database) -> None:
    asked = database.ask(on_behalf_of="vale", tool="platestream look-back")
    assert database.logged(asked)["outcome"] == "allowed"
    assert population(database) == [asked]


WORDS = st.lists(
    st.sampled_from(
        [
            "stolen",
            "n/a",
            "none",
            "asdf",
            "928-555-0114",
            "xx",
            "vale",
            "n\u043en\u0435",
            "é",
            ".",
            "0",
            "\u200b",
        ]
    )
    | st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6),
    max_size=3,
).map(" ".join)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(FIELDS, WORDS)), min_size=40, max_size=40))
def test_gate_and_check_judge_words_alike(door: Door, database: Database, more: list[dict[str, str]]) -> None:
    rules = gate_rules.in_force(database.client())
    asked = {uuid4(): fields for fields in more}
    rows = [[one, "hotlist_add", "vale", "26-001234", fields] for one, fields in asked.items()]
    names = ["inquiry_id", "kind", "on_behalf_of", "case_number", "fields"]
    database.client(DOOR).insert("platestream.inquire", rows, column_names=names)
    found = database.rows(
        "SELECT inquiry_id, refusal FROM platestream.inquiry_log WHERE inquiry_id IN {ids:Array(UUID)}",
        ids=[str(one) for one in asked],
    )
    assert len(found) == len(asked)
    for one, refusal in found:
        lacks = list(meaningless_fields({**asked[one], "case_number": "26-001234"}, rules))
        assert bool(refusal) == bool(lacks), (asked[one], refusal)
