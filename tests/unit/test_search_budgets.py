"""Rows read by each way to look stay within their budget: a share of the table, as of 10 million rows.

A search reads granules of 8,192 rows, so on this small table the least that can be read weighs more.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.clickhouse_client import ANALYST
from platestream.bench.search import DAYS, fill, looks, rows_read
from tests.support.database import Database, copied

ROWS = 560_000
GRANULE = 8192
BUDGETS = {
    "exact": 2 * DAYS * GRANULE,  # a sighting a day, a granule each
    "partial": ROWS // 2,
    "partial, end": ROWS // 2,
    "one edit or look-alike": 2 * DAYS * GRANULE,
    "camera, 2 h": 3 * GRANULE,
    "co-travel": 4 * DAYS * GRANULE,
    "companions": 2 * ROWS,
}


@pytest.fixture(scope="module")
def database(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with copied(migrated, tmp_path_factory.mktemp("budgets")) as made:
        fill(made.client(), ROWS)
        made.client().command("OPTIMIZE TABLE platestream.detections")
        yield made


@pytest.mark.parametrize("name", BUDGETS)
def test_a_look_reads_no_more_rows_than_its_budget(database: Database, name: str) -> None:
    look = dict(looks(database.client(ANALYST)))[name]
    found: list[object] = []
    read = rows_read(database.client(), lambda: found.extend(look()))
    assert 0 < read <= BUDGETS[name], read


def test_the_ways_to_look_find_what_was_put_there(database: Database) -> None:
    by_name = dict(looks(database.client(ANALYST)))
    assert len(by_name["exact"]()) == DAYS
    assert len(by_name["co-travel"]()) == DAYS
    assert [row["plate"] for row in by_name["companions"]()][:1] == ["MATE456"]
    assert len(by_name["camera, 2 h"]()) > 0
