"""What the last 30 days saw of an entry that is new, through the gate, on the embedded database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from connectors.clickhouse import ClickHouseTables
from connectors.clickhouse_client import ANALYST
from connectors.edge import Edge
from connectors.memory import MemoryTopics
from schemas import tables, topics
from schemas.alert_hit import hit_id
from schemas.detection import Alternative, Detection
from schemas.fields import Vehicle
from schemas.hotlist import HotListEntry
from services.hotlist import lookback as hotlist_lookback
from services.hotlist.lookback import look_back, publish_hits, search_pattern
from tests.support.database import Database
from tests.support.flows import LISTED, detection

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = 24 * 3600.0


def entry(plate: str, name: str = "sjpd:1", **told: Any) -> HotListEntry:
    named = {"plate": plate, "entry_id": name, "listed_at": NOW, "expires_at": NOW + timedelta(days=9)}
    return msgspec.structs.replace(LISTED, **{**named, **told})


def store(edge: Edge, *seen: Detection) -> None:
    for table in (tables.DETECTIONS, tables.IMAGES):
        sink: Any = edge.tables.insert(table)
        part = sink.build_part("t", sink.list_parts()[0], None)
        part.write_batch(list(seen))
        part.snapshot()


@pytest.fixture
def edge(database: Database) -> Any:
    stored = ClickHouseTables(database.dsn, follow=False)
    yield Edge(MemoryTopics(), stored)
    stored.close()


def test_what_was_seen_before_the_listing_is_a_historical_hit_with_its_picture(
    edge: Edge, database: Database
) -> None:
    store(edge, detection("AST3087", -5 * DAY), detection("A5T3087", -2 * DAY), detection("XYZ1234", -DAY))
    found = look_back(edge, database.client(ANALYST), [entry("AST3087")], "", NOW)
    hits = edge.topics.records(topics.ALERT_HITS)  # type: ignore[attr-defined]
    assert found == len(hits) == 2
    assert {(hit.match, hit.historical) for hit in hits} == {("exact", True), ("look_alike", True)}
    assert all(hit.detection.picture for hit in hits)
    rows = (
        database.client()
        .query("SELECT historical, rank FROM platestream.alert_hits ORDER BY rank")
        .result_rows
    )
    assert rows == [(True, 0), (True, 1)]


def test_a_look_back_is_documented_by_the_entrys_case(edge: Edge, database: Database) -> None:
    look_back(edge, database.client(ANALYST), [entry("AST3087")], "", NOW)
    told = (
        database.client()
        .query("SELECT DISTINCT case_number, kind, tool FROM platestream.inquiry_log")
        .result_rows
    )
    assert set(told) == {
        ("26-001234", "hits", hotlist_lookback.TOOL),
        ("26-001234", "search", hotlist_lookback.TOOL),
    }


def test_what_alerted_when_it_passed_does_not_come_again(edge: Edge, database: Database) -> None:
    seen = detection("AST3087", -DAY)
    store(edge, seen)
    client = database.client(ANALYST)
    assert look_back(edge, client, [entry("AST3087")], "", NOW) == 1
    assert look_back(edge, client, [entry("AST3087")], "", NOW) == 0
    assert look_back(edge, client, [entry("AST3?87")], "", NOW) == 0
    assert look_back(edge, client, [entry("AST3?87", "sjpd:2")], "", NOW) == 1


def test_what_passes_after_the_listing_is_left_to_the_flow(edge: Edge, database: Database) -> None:
    store(edge, detection("AST3087", -DAY))
    listed = NOW - timedelta(days=2)
    assert look_back(edge, database.client(ANALYST), [entry("AST3087", listed_at=listed)], "", NOW) == 0


def test_a_description_is_looked_for_by_the_week(edge: Edge, database: Database) -> None:
    store(edge, detection("AST3087", -20 * DAY))
    described = entry("*", vehicle=Vehicle(make="Ford", colour="white"))
    assert look_back(edge, database.client(ANALYST), [described], "", NOW) == 1


def test_many_entries_are_looked_for_in_all_reads_a_day_at_a_time(edge: Edge, database: Database) -> None:
    other = msgspec.structs.replace(
        detection("QQQ1111", -8 * DAY), alternatives=(Alternative("AB00007", 0.1),)
    )
    store(edge, detection("AB00003", -3 * DAY), other)
    many = [entry(f"AB{n:05}", f"sjpd:{n}") for n in range(hotlist_lookback.ONE_BY_ONE + 1)]
    assert look_back(edge, database.client(ANALYST), many, "", NOW) == 2
    hits = edge.topics.records(topics.ALERT_HITS)  # type: ignore[attr-defined]
    assert sorted(hit.match for hit in hits) == ["alternative", "exact"]
    assert {hit.hit_id for hit in hits} >= {hit_id(other.detection_id, "sjpd:7")}


def test_nothing_found_publishes_nothing(edge: Edge) -> None:
    publish_hits(edge, [])
    assert edge.topics.records(topics.ALERT_HITS) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("plate", "budget", "pattern"), [("AC3087", 1, "AC3??7"), ("AC3087", 0, "AC3087"), ("A?*", 1, "A?*")]
)
def test_the_question_leaves_open_what_may_be_misread(plate: str, budget: int, pattern: str) -> None:
    assert search_pattern(entry(plate, vehicle=Vehicle(make="a", model="b")), budget) == pattern
