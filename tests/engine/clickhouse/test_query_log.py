"""Queries beside the gate, from a table of the shape of a server's `system.query_log`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from platestream.edges.clickhouse_client import SEALER
from platestream.edges.query_log import OVERLAP, QueryLogPart, QueryLogSource
from platestream.flows import audit_flow
from platestream.schemas import tables
from platestream.schemas.finding import Finding
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.flows import awake, memory_edge, run

LOG = "platestream.query_log"
CREATE = f"""
CREATE TABLE {LOG} (
    type Enum8(
        'QueryStart' = 1, 'QueryFinish' = 2, 'ExceptionBeforeStart' = 3, 'ExceptionWhileProcessing' = 4),
    event_date Date MATERIALIZED toDate(event_time_microseconds), event_time_microseconds DateTime64(6),
    query_start_time_microseconds DateTime64(6), read_rows UInt64, query String,
    query_kind LowCardinality(String), tables Array(LowCardinality(String)), exception_code Int32,
    user LowCardinality(String), query_id String
) ENGINE = MergeTree ORDER BY event_time_microseconds
"""
DIRECT = "SELECT plate FROM platestream.detections WHERE plate = 'CANARY7'"


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Iterator[Database]:
    with copied(migrated, tmp_path) as made:
        made.client().command(CREATE)
        yield made


def asked(database: Database, query: str = DIRECT, age: timedelta = timedelta(minutes=1), **more: Any) -> str:
    row = {
        "type": "QueryFinish",
        "event_time_microseconds": NOW - age,
        "query_start_time_microseconds": NOW - age,
        "read_rows": 42,
        "query": query,
        "query_kind": "Select",
        "tables": ["platestream.detections"],
        "user": "smith",
        "query_id": str(uuid4()),
        **more,
    }
    database.client().insert(LOG, [list(row.values())], column_names=list(row))
    return str(row["query_id"])


def part(database: Database, after: datetime = NOW - timedelta(days=1)) -> QueryLogPart:
    return QueryLogPart(database.client, after, follow=True, log=LOG)


def found(database: Database) -> list[Finding]:
    return part(database).next_batch()


def test_a_query_of_a_person_that_reads_plates_beside_the_gate_is_a_breach(database: Database) -> None:
    query = asked(database)
    (one,) = found(database)
    assert (one.who, one.kind, one.rule, one.grade) == ("smith", "sql", "unlogged", "breach")
    assert one.detail == f"detections read beside the gate, 42 rows; query {query}"
    assert "CANARY7" not in str(one)
    assert found(database) == [one], "the same query is the same finding"


@pytest.mark.parametrize(
    "fields",
    [
        {"query": "SELECT * FROM platestream.search(inquiry = '7c0e')", "tables": ["platestream.search"]},
        {
            "query": "SELECT * FROM platestream.search(inquiry = '7c0e')",
            "tables": ["platestream.search", "platestream.detections"],
        },
        {"query": "SELECT 1", "tables": []},
        {"query_kind": "Insert"},
        {"type": "QueryStart"},
        {"type": "ExceptionBeforeStart", "exception_code": 62},
        {"user": "platestream_retention_job"},
        {"user": "platestream_grafana"},
    ],
)
def test_looks_through_the_gate_and_the_work_of_the_pipeline_are_no_findings(
    database: Database, fields: dict[str, Any]
) -> None:
    asked(database, **fields)
    assert found(database) == []


def test_words_of_tables_in_a_documented_search_are_no_finding_within_ten_minutes(database: Database) -> None:
    database.ask()  # of the account `default`
    later: dict[str, Any] = {"query_start_time_microseconds": datetime.now(UTC) + timedelta(minutes=1)}
    search: dict[str, Any] = {
        "query": "SELECT count() AS detections FROM platestream.search(inquiry = '7c0e')",
        "tables": ["platestream.search", "platestream.detections"],
    }
    asked(database, user="default", **search, **later)
    assert found(database) == []
    too_late = datetime.now(UTC) + timedelta(minutes=30)
    asked(database, user="default", **search, query_start_time_microseconds=too_late)
    asked(database, user="smith", **search, **later)
    assert len(found(database)) == 2, "too late, and another's inquiry"


def test_a_documented_search_permits_no_read_of_the_tables_behind_it(database: Database) -> None:
    database.ask()
    query = asked(
        database, user="default", query_start_time_microseconds=datetime.now(UTC) + timedelta(minutes=1)
    )
    (one,) = found(database)
    assert one.detail == f"detections read beside the gate, 42 rows; query {query}"


def test_a_join_of_a_view_with_the_table_behind_it_is_found(database: Database) -> None:
    views = ["platestream.search", "platestream.detections"]
    asked(
        database,
        "SELECT d.plate FROM platestream.search(inquiry='7') s, platestream.detections d",
        tables=views,
    )
    assert [one.rule for one in found(database)] == ["unlogged"]


def test_an_attempt_that_was_denied_is_noted(database: Database) -> None:
    asked(database, type="ExceptionBeforeStart", exception_code=497, tables=[], read_rows=0)
    (one,) = found(database)
    assert (one.rule, one.grade) == ("denied", "unusual")


def test_the_log_is_followed_once_a_minute_and_a_restart_goes_on_from_there(database: Database) -> None:
    asked(database, age=timedelta(hours=5))
    asked(database)
    following = part(database)
    assert len(following.next_batch()) == 2
    assert following.next_batch() == []
    assert awake(following) is not None
    again = QueryLogSource(database.client, follow=False, log=LOG).build_part(
        "s", "log", following.snapshot()
    )
    assert len(again.next_batch()) == 1, "the last minute comes again: the server writes late"
    assert datetime.fromisoformat(again.snapshot()) == NOW - timedelta(minutes=1) - OVERLAP
    with pytest.raises(StopIteration):
        again.next_batch()


def test_the_embedded_engine_has_no_such_log(database: Database) -> None:
    """A source that follows does not end for that: an ended one lets Bytewax spin for ever."""
    here = QueryLogSource(lambda: database.client(SEALER), follow=True).build_part("s", "log", None)
    assert [here.next_batch(), here.next_batch()] == [[], []]
    assert awake(here) is not None
    ends = QueryLogSource(lambda: database.client(SEALER), follow=False).build_part("s", "log", None)
    assert ends.next_batch() == []
    with pytest.raises(StopIteration):
        ends.next_batch()


def test_findings_about_queries_reach_the_table(database: Database) -> None:
    asked(database)
    edge, _streams, store = memory_edge()
    store.beside += found(database)
    run(audit_flow.build(edge))
    assert [(row["who"], row["rule"]) for row in store.rows(tables.INQUIRY_FINDINGS)] == [
        ("smith", "unlogged")
    ]
