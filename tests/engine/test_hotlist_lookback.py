"""What the last 30 days saw of an entry that is new, through the gate, on the embedded database."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from platestream.access.door import Door
from platestream.edges.changelog import read_to_end
from platestream.edges.edge import Edge
from platestream.hotlist import lookback as hotlist_lookback
from platestream.hotlist.lookback import look_back, search_pattern
from platestream.schemas import tables, topics
from platestream.schemas.alert_hit import AlertHit, hit_id
from platestream.schemas.detection import Alternative, Detection
from platestream.schemas.fields import Vehicle
from platestream.schemas.hotlist import HotListEntry
from platestream.settings import open_edge
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of, staffed
from tests.support.flows import LISTED, detection

pytestmark = pytest.mark.slow

DAY = 24 * 3600.0


def entry(plate: str, name: str = "sjpd:1", **changes: Any) -> HotListEntry:
    named = {"plate": plate, "entry_id": name, "listed_at": NOW, "expires_at": NOW + timedelta(days=9)}
    return msgspec.structs.replace(LISTED, **{**named, **changes})


def store(edge: Edge, *seen: Detection) -> None:
    for table in (tables.DETECTIONS, tables.IMAGES):
        sink: Any = edge.tables.insert(table)
        part = sink.build_part("t", sink.list_parts()[0], None)
        part.write_batch(list(seen))
        part.snapshot()


@pytest.fixture
def edge(door: Door) -> Any:
    opened = open_edge(door.settings, follow=False)
    yield opened
    opened.tables.close()  # type: ignore[attr-defined]


@pytest.fixture
def door(database: Database) -> Door:
    staffed(database)
    return door_of(database)


def published(door: Door) -> list[AlertHit]:
    return [topics.ALERT_HITS.decode(one) for one in read_to_end(door.streams, topics.ALERT_HITS)]


def test_what_was_seen_before_the_listing_is_a_historical_hit_with_its_picture(
    edge: Edge, door: Door, database: Database
) -> None:
    store(edge, detection("AST3087", -5 * DAY), detection("A5T3087", -2 * DAY), detection("XYZ1234", -DAY))
    found = look_back(door, [entry("AST3087")], NOW)
    hits = published(door)
    assert found == len(hits) == 2
    assert {(hit.match, hit.historical) for hit in hits} == {("exact", True), ("look_alike", True)}
    assert all(hit.detection.picture for hit in hits)
    rows = (
        database.client()
        .query("SELECT historical, rank FROM platestream.alert_hits ORDER BY rank")
        .result_rows
    )
    assert rows == [(True, 0), (True, 1)]


def test_a_look_back_is_an_inquiry_of_the_person_documented_by_the_entry(
    edge: Edge, door: Door, database: Database
) -> None:
    look_back(door, [entry("AST3087")], NOW)
    said = "Look-back of hot list entry sjpd:1: Stolen from 1st West on 11-23"
    rows = database.rows(
        "SELECT DISTINCT kind, case_number, reason, tool, who, automatic, set_off_by, outcome "
        "FROM platestream.inquiry_log ORDER BY kind"
    )
    theirs = ("26-001234", said, "test", "vale", False, "", "allowed")
    assert rows == [("hits", *theirs), ("search", *theirs)]


def test_what_alerted_when_it_passed_does_not_come_again(edge: Edge, door: Door) -> None:
    seen = detection("AST3087", -DAY)
    store(edge, seen)
    assert look_back(door, [entry("AST3087")], NOW) == 1
    assert look_back(door, [entry("AST3087")], NOW) == 0
    assert look_back(door, [entry("AST3?87")], NOW) == 0
    assert look_back(door, [entry("AST3?87", "sjpd:2")], NOW) == 1


def test_what_passes_after_the_listing_is_left_to_the_flow(
    edge: Edge, door: Door, database: Database
) -> None:
    store(edge, detection("AST3087", -DAY))
    listed = NOW - timedelta(days=2)
    assert look_back(door, [entry("AST3087", listed_at=listed)], NOW) == 0


def test_what_still_stood_there_when_it_was_listed_is_left_to_the_flow(edge: Edge, door: Door) -> None:
    store(edge, msgspec.structs.replace(detection("AST3087", -30), stayed_ms=31_000))
    assert look_back(door, [entry("AST3087")], NOW) == 0


def test_a_description_is_looked_for_by_the_week(edge: Edge, door: Door) -> None:
    store(edge, detection("AST3087", -20 * DAY))
    described = entry("*", vehicle=Vehicle(make="Ford", colour="white"))
    assert look_back(door, [described], NOW) == 1


@pytest.mark.nightly
def test_many_entries_are_looked_for_in_all_reads_a_day_at_a_time(
    edge: Edge, door: Door, database: Database
) -> None:
    other = msgspec.structs.replace(
        detection("QQQ1111", -8 * DAY), alternatives=(Alternative("AB00007", 0.1),)
    )
    store(edge, detection("AB00003", -3 * DAY), other)
    many = [entry(f"AB{n:05}", f"sjpd:{n}") for n in range(hotlist_lookback.MAX_SINGLE_SEARCHES + 1)]
    assert look_back(door.system_job("import"), many, NOW) == 2
    hits = published(door)
    assert sorted(hit.match for hit in hits) == ["alternative", "exact"]
    assert {hit.hit_id for hit in hits} >= {hit_id(other.detection_id, "sjpd:7")}


def test_nothing_found_publishes_nothing(door: Door) -> None:
    assert look_back(door, [entry("AST3087")], NOW) == 0
    assert published(door) == []


@pytest.mark.parametrize(
    ("plate", "budget", "pattern"), [("AC3087", 1, "AC3??7"), ("AC3087", 0, "AC3087"), ("A?*", 1, "A?*")]
)
def test_the_question_leaves_open_what_may_be_misread(plate: str, budget: int, pattern: str) -> None:
    assert search_pattern(entry(plate, vehicle=Vehicle(make="a", model="b")), budget) == pattern
