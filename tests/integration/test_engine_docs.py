"""The SQL of docs/how-to/analyst/sql.md: `platestream sql` runs each block and prints the answer on the page.

`python -m tests.integration.test_engine_docs` writes the answers into the page.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from docs.generators.catalogue import example
from platestream.clickhouse import migrate
from platestream.edges.clickhouse import INSERT_SETTINGS
from platestream.schemas import tables
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.tables import Table
from tests.support.engine import ROOT, Engine
from tests.support.flows import READ

PAGE = ROOT / "docs/how-to/analyst/sql.md"
_BLOCK = re.compile(
    r"```sql\n-- (?P<who>.+?)\n(?P<sql>.*?)```\n(?:\n```text\n(?P<answer>.*?)```\n)?", re.DOTALL
)
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Z]{3}")
ACCOUNTS = {"analyst": "smith", "another analyst": "jones", "auditor": "check"}
PASSES = (("CKR4572", "us1-north", 50), ("CKR4572", "us1-south", 44), ("BHT2210", "us1-north", 31))


def furnished(folder: Path) -> Engine:
    """An engine with three passes of the last hour, one of them a hit."""
    engine = Engine(folder)
    engine.start()
    client = engine.client("owner")
    migrate.apply(client)
    reads = []
    for number, (plate, camera, minutes) in enumerate(PASSES):
        at = datetime.now(UTC).replace(microsecond=250_000) - timedelta(minutes=minutes)
        reads.append(
            msgspec.structs.replace(
                READ, detection_id=UUID(int=number), camera_id=camera, plate=plate, captured_at=at
            )
        )
    hit = msgspec.structs.replace(
        AlertHit.from_json(bytes(example("alert_hit").accepted)), detection=reads[0]
    )
    _put(client, tables.DETECTIONS, *reads)
    _put(client, tables.ALERT_HITS, hit)
    return engine


def _put(client: Client, table: Table[Any], *records: Any) -> None:
    rows = [row for record in records for row in table.rows(record)]
    names = list(table.columns)
    client.insert(f"platestream.{table.name}", rows, column_names=names, settings=INSERT_SETTINGS)


def answer(engine: Engine, who: str, sql: str) -> str:
    """What a terminal shows, without blank lines."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLATESTREAM_")}
    environment["PLATESTREAM_CLICKHOUSE"] = engine.dsn(ACCOUNTS[who])
    command = [sys.executable, "-m", "platestream", "sql", "-c", sql]
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines() if line.strip())


@pytest.fixture(scope="module")
def furnished_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = furnished(tmp_path_factory.mktemp("docs") / "engine")
    yield engine
    engine.stop()


def test_each_block_says_who_asks_and_what_comes() -> None:
    blocks = list(_BLOCK.finditer(PAGE.read_text()))
    assert len(blocks) == PAGE.read_text().count("```sql")
    assert all(block["answer"] for block in blocks)


@pytest.mark.nightly
def test_what_is_pasted_is_answered_as_the_page_shows(furnished_engine: Engine) -> None:
    for block in _BLOCK.finditer(PAGE.read_text()):
        came = answer(furnished_engine, block["who"], block["sql"])
        assert _TIME.sub("TIME", came) == _TIME.sub("TIME", block["answer"]), block["sql"]


@pytest.mark.parametrize(
    ("sql", "failure", "advice"),
    [
        (
            'SELECT 1 SETTINGS log_comment = \'{"account": "somebody else"}\'',
            "code 452: the setting log_comment is not for clients of this engine",
            "this setting is not yours to choose",
        ),
        (
            "SELECT number FROM numbers(1000000)",
            "code 396: Limit for result exceeded, max rows: 100.00 thousand",
            "add a LIMIT, or ask for a shorter time",
        ),
    ],
)
def test_codes_of_the_page_come_with_advice(
    furnished_engine: Engine, sql: str, failure: str, advice: str
) -> None:
    said, hint = answer(furnished_engine, "analyst", sql).splitlines()
    assert said.startswith(failure)
    assert hint == advice


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = furnished(Path(folder) / "engine")

        def filled(block: re.Match[str]) -> str:
            came = answer(engine, block["who"], block["sql"])
            return f"```sql\n-- {block['who']}\n{block['sql']}```\n\n```text\n{came}```\n"

        PAGE.write_text(_BLOCK.sub(filled, PAGE.read_text()))
        engine.stop()


if __name__ == "__main__":
    main()
