"""Rows read by each way to look stay within their budget: a share of the table, as of 10 million rows. What
compares a month has a budget of memory.

A search reads granules of 2,048 rows, so on this small table the least that can be read weighs more. What is
asserted here in rows, `platestream bench search` measures at 10 million.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from benchmarks.search import DAYS, fill, looks, rows_read
from platestream.edges.clickhouse_client import ANALYST, RETENTION
from platestream.retention import hourly_counts, tally
from platestream.retention.service import run, start_scheduled
from platestream.schemas import tables
from platestream.schemas.tally import Counts
from tests.support.database import Database, copied
from tests.support.door import door_of
from tests.support.flows import READ

ROWS = 280_000
GRANULE = 2048
MEMORY = 60_000_000
"""Bytes for ROWS / DAYS rows. All of them at once take twice as much."""
HOUR_OF_PICTURES = 3 * 64
BUDGETS = {
    "exact": 2 * DAYS * GRANULE,  # a sighting a day, a granule each
    "partial": ROWS // 2,
    "partial, end": ROWS // 2,
    "partial, four at the end": ROWS // 4,
    "one edit or look-alike": 2 * DAYS * GRANULE,
    "camera, 2 h": 3 * GRANULE,
    "co-travel": 4 * DAYS * GRANULE,
    "exact, to hold": 6 * DAYS * GRANULE,  # the search three times, its rows and its pictures
    "companions": 2 * ROWS,
    "picture": 10 * HOUR_OF_PICTURES,
}


@pytest.fixture(scope="module")
def database(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with copied(migrated, tmp_path_factory.mktemp("budgets")) as made:
        fill(made.client(), ROWS)
        yield made


@pytest.mark.parametrize("name", BUDGETS)
def test_a_look_reads_no_more_rows_than_its_budget(database: Database, name: str) -> None:
    look = dict(looks(database.client(ANALYST), database.client()))[name]
    found: list[object] = []
    read = rows_read(database.client(), lambda: found.extend(look()))
    assert 0 < read <= BUDGETS[name], read


def test_the_ways_to_look_find_what_was_put_there(database: Database) -> None:
    by_name = dict(looks(database.client(ANALYST), database.client()))
    assert len(by_name["exact"]()) == DAYS
    assert [one.pictures[0][0] for one in by_name["exact, to hold"]()] == ["crop"] * DAYS
    assert len(by_name["co-travel"]()) == DAYS
    assert [row["plate"] for row in by_name["companions"]()][:1] == ["MATE456"]
    assert len(by_name["camera, 2 h"]()) > 0
    assert by_name["picture"]() == ["crop"]


@pytest.mark.nightly
def test_a_month_is_compared_in_the_memory_of_a_day(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "AT_ONCE", ROWS // DAYS)
    tally.seal(start_scheduled(door_of(database)), datetime.now(UTC) + timedelta(minutes=10))
    client = database.client(RETENTION)
    client.set_client_setting("max_memory_usage", MEMORY)
    assert tally.compare(client).faults == []
    with pytest.raises(DatabaseError) as refused:
        client.query("SELECT * FROM platestream.completeness(since = now() - INTERVAL 30 DAY)")
    assert refused.value.code == 241, "all days at once take more"


def test_an_hour_is_sealed_without_reading_what_was_counted_before(database: Database) -> None:
    client, now = database.client(RETENTION), datetime.now(UTC) + timedelta(minutes=10)
    assert rows_read(database.client(), lambda: tally._groups(client, now, [now + tally.EVERY])) < ROWS / 10


def test_what_arrived_in_an_hour_is_counted_by_the_days_that_it_is_of(database: Database) -> None:
    client, began = database.client(RETENTION), database.value("SELECT now64(6, 'UTC')")
    database.put(
        tables.DETECTIONS, msgspec.structs.replace(READ, detection_id=uuid4(), captured_at=datetime.now(UTC))
    )
    found: list[Counts] = []
    read = rows_read(
        database.client(),
        lambda: found.append(
            hourly_counts.count(client, began, began + tally.EVERY, None, timedelta(days=30))
        ),
    )
    assert [sum(hour.cameras.values()) for hour in found[0].passes] == [1]
    assert read < ROWS / 10


@pytest.mark.nightly
def test_a_run_in_which_nothing_is_due_reads_the_oldest_rows(database: Database) -> None:
    older = "ALTER TABLE platestream.tallied UPDATE tallied_at = tallied_at - INTERVAL 2 DAY WHERE 1"
    database.client().command(older, settings={"mutations_sync": 2})  # the clock goes by what came in a day
    job = start_scheduled(door_of(database))
    period = timedelta(days=4 * DAYS)
    whole = rows_read(database.client(), lambda: run(job, period))
    assert whole > ROWS, "the first run of a day compares all rows"
    assert rows_read(database.client(), lambda: run(job, period)) < 8 * ROWS // DAYS, "less than days have"


def test_a_granule_is_as_small_as_the_budgets_suppose(database: Database) -> None:
    made = database.value("SELECT create_table_query FROM system.tables WHERE name = 'detections'")
    assert f"index_granularity = {GRANULE}" in made
    rows, marks = database.rows(
        "SELECT sum(rows), sum(marks) FROM system.parts"
        " WHERE database = 'platestream' AND table = 'detections' AND active"
    )[0]
    assert rows / marks < GRANULE
