"""One contract for the tables of every edge: in memory, and ClickHouse (here the embedded engine)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import bytewax.operators as op
import msgspec
import pytest
from bytewax.dataflow import Dataflow
from bytewax.errors import BytewaxRuntimeError
from bytewax.testing import TestingSource, run_main
from clickhouse_connect.driver.client import Client

from docs.generators.catalogue import example
from platestream.edges.clickhouse import BufferedWriter, TableSink
from platestream.edges.clickhouse_client import INGEST, DatabaseError
from platestream.edges.writer import TableWriter
from platestream.schemas import tables
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.delivery import Delivery
from platestream.schemas.deployment import DeploymentFinding
from platestream.schemas.finding import Finding
from platestream.schemas.frame_count import CountedFrame
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.tables import TABLES, Table
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.flows import ACTION, INQUIRY, detection, recovery, run
from tests.support.memory_edge import MemoryTables

ONE_EPOCH = timedelta(hours=1)
COUNT = 10


class Store(Protocol):
    """A store under test: its sink, and what is in it."""

    def sink(self, table: Table[Any]) -> Any: ...
    def writer(self, table: Table[Any]) -> TableWriter[Any]: ...
    def rows(self, table: Table[Any]) -> list[dict[str, Any]]: ...
    def inserts(self, table: Table[Any]) -> int: ...


class InMemory:
    def __init__(self) -> None:
        self._tables = MemoryTables()

    def sink(self, table: Table[Any]) -> Any:
        return self._tables.insert(table)

    def writer(self, table: Table[Any]) -> TableWriter[Any]:
        return self._tables.writer(table)

    def rows(self, table: Table[Any]) -> list[dict[str, Any]]:
        return self._tables.rows(table)

    def inserts(self, table: Table[Any]) -> int:
        return self._tables.inserts[table.name]


class Counting:
    """A client that counts inserts and fails on order: `failing` holds the errors to come."""

    def __init__(self, database: Database) -> None:
        self._client = database.client(INGEST)
        self._owner = database.client()  # the registry's table is written by acts alone, which no flow has
        self.blocks: list[list[Any]] = []
        self.failing: list[Exception] = []

    def create_insert_context(self, *args: Any) -> Any:
        return self._of(args[0]).create_insert_context(*args)

    def insert(self, name: str, rows: list[Any], **options: Any) -> None:
        self.blocks.append(rows)
        if self.failing:
            raise self.failing.pop(0)
        self._of(name).insert(name, rows, **options)

    def _of(self, name: str) -> Client:
        return self._owner if name == "platestream.registry" else self._client


def _no_sleep(_seconds: float) -> None:
    """A retry comes at once."""


class InClickHouse:
    def __init__(self, database: Database) -> None:
        self.database, self.client = database, Counting(database)
        for table in TABLES:
            database.client().command(f"SYSTEM STOP MERGES platestream.{table.name}")

    def sink(self, table: Table[Any], **options: Any) -> Any:
        return TableSink(partial(self.writer, table, **options))

    def writer(self, table: Table[Any], **options: Any) -> BufferedWriter[Any]:
        return BufferedWriter(table, lambda: self.client, sleep=_no_sleep, **options)  # type: ignore[arg-type, return-value]

    def rows(self, table: Table[Any]) -> list[dict[str, Any]]:
        """By FINAL, and the same by LIMIT 1 BY."""
        columns, key = ", ".join(table.columns), ", ".join(table.identity)
        final = self._read(f"SELECT {columns} FROM platestream.{table.name} FINAL ORDER BY {key}", table)
        first = f"SELECT {columns} FROM platestream.{table.name} ORDER BY {key} LIMIT 1 BY {key}"
        assert self._read(first, table) == final
        return final

    def inserts(self, table: Table[Any]) -> int:
        return len(self.client.blocks)

    def _read(self, sql: str, table: Table[Any]) -> list[dict[str, Any]]:
        formats: Any = dict.fromkeys(table.binary, "bytes")
        return list(self.database.client().query(sql, column_formats=formats).named_results())


@pytest.fixture(params=["memory", pytest.param("clickhouse", marks=pytest.mark.clickhouse)])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return InMemory()
    return InClickHouse(request.getfixturevalue("database"))


@pytest.fixture
def clickhouse(database: Database) -> InClickHouse:
    return InClickHouse(database)


def records(table: Table[Any], count: int = COUNT) -> list[Any]:
    """Different records of a table, of the last hours."""
    times = [NOW - timedelta(hours=1 + number) for number in range(count)]
    if table in (tables.DETECTIONS, tables.IMAGES):
        return [seen(at) for at in times]
    if table in (tables.ALERT_HITS, tables.HIT_FACTS):
        hit = AlertHit.from_json(bytes(example("alert_hit").accepted))
        return [msgspec.structs.replace(hit, hit_id=uuid4(), detection=seen(at)) for at in times]
    if table is tables.HIT_ACTIONS:
        return [msgspec.structs.replace(ACTION, action_id=uuid4(), at=at) for at in times]
    if table is tables.REGISTRY:
        agency = RegistryRecord(kind="agency", id="a", name="A", shares_cameras=("cam",), changed_at=NOW)
        return [msgspec.structs.replace(agency, id=f"a{n}", mou_from=at) for n, at in enumerate(times)]
    if table is tables.INQUIRY_FINDINGS:
        asked = [msgspec.structs.replace(INQUIRY, at=at) for at in times]
        return [Finding.of(one, "volume", "unusual", "more than usual") for one in asked]
    if table is tables.DELIVERIES:
        result = Delivery.from_json(bytes(example("delivery").accepted))
        return [msgspec.structs.replace(result, delivery_id=uuid4(), at=at, captured_at=at) for at in times]
    if table is tables.DEPLOYMENT_FINDINGS:
        return [DeploymentFinding.of(f"camera-{n}", "ended", at) for n, at in enumerate(times)]
    if table is tables.FRAMES_COUNTED:
        counted = CountedFrame(camera_id="cam", outcome="read", epoch="0123456789abcdef", lost='{"full":2}')
        return [msgspec.structs.replace(counted, number=n + 1, mark=n) for n, _at in enumerate(times)]
    assert table is tables.DEAD_LETTERS, "a table without records to test it by"
    letter = DeadLetter.from_json(bytes(example("dead_letter").accepted))
    return [
        msgspec.structs.replace(letter, offset=number, key=b"\xff\x00", value=bytes(range(256)), timestamp=at)
        for number, at in enumerate(times)
    ]


def seen(at: datetime) -> Any:
    return msgspec.structs.replace(detection("ABC123"), captured_at=at, best_at=at, detection_id=uuid4())


def insert(store: Store, table: Table[Any], *batches: Sequence[Any]) -> None:
    """Each batch is an epoch."""
    part = store.sink(table).build_part("out", "0", None)
    for batch in batches:
        part.write_batch(list(batch))
        part.snapshot()


@pytest.mark.parametrize("table", [tables.DETECTIONS, tables.REGISTRY], ids=lambda table: table.name)
def test_what_a_writer_inserts_is_there_when_it_returns(store: Store, table: Table[Any]) -> None:
    store.writer(table).insert(records(table))
    assert len(store.rows(table)) == COUNT
    store.writer(table).insert([])
    assert store.inserts(table) == 1


def stream(items: Sequence[Any], sink: Any, batch_size: int = 2) -> Dataflow:
    flow = Dataflow("insert")
    source = op.input("in", flow, TestingSource(items, batch_size))
    op.output("out", op.key_on("key", source, lambda _item: "key"), sink)
    return flow


def by_identity(table: Table[Any], rows: list[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    return {tuple(row[column] for column in table.identity): row for row in rows}


def plain(value: Any) -> Any:
    """Values as both stores give them: sequences as lists, named tuples as tuples, floats of 32 bits."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return round(value, 5) if isinstance(value, float) else value


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_rows_come_back_as_they_were_written(store: Store, table: Table[Any]) -> None:
    sent = records(table)
    insert(store, table, sent)
    written = [dict(zip(table.columns, row, strict=True)) for one in sent for row in table.rows(one)]
    stored = by_identity(table, store.rows(table))
    assert stored.keys() == by_identity(table, written).keys()
    for key, row in by_identity(table, written).items():
        for column, value in row.items():
            got = stored[key][column]
            if isinstance(got, dict) and isinstance(value, tuple):
                got = tuple(got.values())
            if isinstance(got, list) and got and isinstance(got[0], dict):
                got = [tuple(one.values()) for one in got]
            assert plain(got) == plain(value), column


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_replay_with_other_borders_changes_nothing(store: Store, table: Table[Any]) -> None:
    sent = records(table)
    insert(store, table, sent[:7], sent[7:])
    before = by_identity(table, store.rows(table))
    insert(store, table, sent[:3], sent[3:8], sent[5:])
    assert by_identity(table, store.rows(table)) == before
    assert len(store.rows(table)) == sum(len(table.rows(one)) for one in sent)


def test_a_newer_row_of_one_identity_replaces_the_older(store: Store) -> None:
    (first,) = records(tables.DETECTIONS, 1)
    insert(store, tables.DETECTIONS, [first], [msgspec.structs.replace(first, plate="XYZ789")])
    assert [row["plate"] for row in store.rows(tables.DETECTIONS)] == ["XYZ789"]


def test_an_epoch_is_one_insert(store: Store) -> None:
    sent = records(tables.DETECTIONS)
    run_main(stream(sent, store.sink(tables.DETECTIONS)), epoch_interval=ONE_EPOCH)
    assert store.inserts(tables.DETECTIONS) == 1
    run(stream(sent, store.sink(tables.DETECTIONS)))
    assert store.inserts(tables.DETECTIONS) == 1 + COUNT / 2
    assert len(store.rows(tables.DETECTIONS)) == COUNT


def test_an_epoch_without_records_inserts_nothing(store: Store) -> None:
    insert(store, tables.DETECTIONS, [], [])
    assert store.inserts(tables.DETECTIONS) == 0


def test_a_crash_before_the_epochs_end_loses_and_doubles_nothing(store: Store, tmp_path: Path) -> None:
    sent = records(tables.DETECTIONS)
    kept = recovery(tmp_path / "recovery")
    script = [*sent[:5], TestingSource.ABORT(), *sent[5:]]
    run(stream(script, store.sink(tables.DETECTIONS)), kept)
    run(stream(script, store.sink(tables.DETECTIONS)), kept)
    assert len(store.rows(tables.DETECTIONS)) == COUNT


def test_an_insert_that_fails_raises_and_its_epoch_comes_again(
    clickhouse: InClickHouse, tmp_path: Path
) -> None:
    sent = records(tables.DETECTIONS)
    kept = recovery(tmp_path / "recovery")
    run(stream([*sent[:4], TestingSource.EOF(), *sent[4:]], clickhouse.sink(tables.DETECTIONS)), kept)
    clickhouse.client.failing = [DatabaseError("inserting", 60, passing=False)]
    script = [*sent[:4], TestingSource.EOF(), *sent[4:]]
    with pytest.raises(BytewaxRuntimeError) as error:
        run(stream(script, clickhouse.sink(tables.DETECTIONS)), kept)
    assert str(error.value.__cause__) == "inserting: ClickHouse code 60"
    assert len(clickhouse.rows(tables.DETECTIONS)) == 4
    run(stream(script, clickhouse.sink(tables.DETECTIONS)), kept)
    assert len(clickhouse.rows(tables.DETECTIONS)) == COUNT


@pytest.mark.parametrize("code", [None, 202, 243, 252])
def test_what_passes_is_tried_again_with_the_very_same_rows(
    clickhouse: InClickHouse, code: int | None
) -> None:
    clickhouse.client.failing = [DatabaseError("inserting", code, passing=True)] * 3
    insert(clickhouse, tables.DETECTIONS, records(tables.DETECTIONS))
    assert len(clickhouse.client.blocks) == 4
    assert all(block is clickhouse.client.blocks[0] for block in clickhouse.client.blocks)
    assert len(clickhouse.rows(tables.DETECTIONS)) == COUNT


def test_patience_ends(clickhouse: InClickHouse) -> None:
    clickhouse.client.failing = [DatabaseError("inserting", 243, passing=True)] * 3
    part = clickhouse.sink(tables.DETECTIONS, patience=timedelta(0)).build_part("out", "0", None)
    part.write_batch(records(tables.DETECTIONS))
    with pytest.raises(DatabaseError, match="code 243"):
        part.snapshot()


@pytest.mark.parametrize("limit", [{"max_rows": 4}, {"max_bytes": 1000}])
def test_a_full_buffer_is_inserted_before_its_epoch_ends(
    clickhouse: InClickHouse, limit: dict[str, int]
) -> None:
    part = clickhouse.sink(tables.DETECTIONS, **limit).build_part("out", "0", None)
    part.write_batch(records(tables.DETECTIONS))
    early = len(clickhouse.client.blocks)
    assert early >= 2
    assert part.snapshot() == COUNT
    assert len(clickhouse.rows(tables.DETECTIONS)) == COUNT


def test_a_block_that_is_sent_again_byte_for_byte_makes_no_second_row(clickhouse: InClickHouse) -> None:
    sent = records(tables.DETECTIONS)
    insert(clickhouse, tables.DETECTIONS, sent, sent)
    assert clickhouse.database.value("SELECT count() FROM platestream.detections") == COUNT


def test_many_hours_of_pictures_go_in_as_one_block(clickhouse: InClickHouse) -> None:
    insert(clickhouse, tables.IMAGES, records(tables.IMAGES, 150))
    assert len(clickhouse.rows(tables.IMAGES)) == 300
