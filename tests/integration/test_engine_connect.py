"""clickhouse-connect, and the project's own client code upon it, at work on the engine."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any
from uuid import uuid4

import clickhouse_connect
import pytest
from clickhouse_connect.driver import options
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from platestream.clickhouse import migrate
from platestream.edges.clickhouse_client import ANALYST, INGEST, connect, run
from platestream.edges.clickhouse_client import DatabaseError as OwnError
from platestream.schemas import tables
from tests.support.engine import Engine, password
from tests.support.flows import detection

AT = datetime(2026, 1, 1, 12, 0, 0, 123000, tzinfo=UTC)
TYPES = (
    "id UUID, at DateTime64(3, 'UTC'), s String, low LowCardinality(String), n Nullable(Int32), "
    "tags Array(String), box Tuple(x UInt16, y UInt16), d Decimal(9, 2), "
    "m Map(String, UInt8), f Float32, b Bool"
)
ROW: list[Any] = [
    *(
        uuid4(),
        AT,
        "it's \\ tab\t",
        "low",
        None,
        ["a", "b"],
        {"x": 1, "y": 2},
        Decimal("12.34"),
        {"k": 1},
        0.5,
        True,
    ),
]


def opened(engine: Engine, **options: Any) -> Any:
    return clickhouse_connect.get_client(
        host="127.0.0.1",
        port=engine.port,
        username="owner",
        password=password("owner"),
        tz_mode="aware",
        **options,
    )


@pytest.mark.parametrize("compress", [False, True, "lz4", "zstd", "gzip"])
@pytest.mark.parametrize("session", [False, True])
def test_native_types_go_in_and_come_out(engine: Engine, compress: bool | str, session: bool) -> None:
    client = opened(engine, compress=compress, autogenerate_session_id=session)
    table = f"platestream.types_{uuid4().hex}"
    client.command(f"CREATE TABLE {table} ({TYPES}) ENGINE = MergeTree ORDER BY id")
    done = client.insert(table, [ROW] * 3)
    assert done.written_rows == 3
    found = client.query(f"SELECT * FROM {table}")
    assert [list(row) for row in found.result_rows] == [ROW] * 3
    assert found.summary["read_rows"] == "3"
    client.command(f"DROP TABLE {table}")


@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip"])
def test_a_large_insert_comes_in_many_frames(engine: Engine, compress: str) -> None:
    client = opened(engine, compress=compress)
    client.command("CREATE OR REPLACE TABLE platestream.frames (n UInt32, s String) ENGINE = Memory")
    client.insert("platestream.frames", [[n, f"row {n}" * 20] for n in range(60_000)])
    assert engine.rows("SELECT count(), uniqExact(n) FROM platestream.frames") == [[60_000, 60_000]]


def test_parameters_and_parameterised_views(engine: Engine) -> None:
    client = opened(engine)
    view = "SELECT number AS n FROM numbers(10) WHERE n > {least:UInt8}"
    client.command(f"CREATE OR REPLACE VIEW platestream.above AS {view}")
    found = client.query("SELECT * FROM platestream.above(least = {least:UInt8})", parameters={"least": 7})
    assert found.result_rows == [(8,), (9,)]
    one = client.query("SELECT {a:Array(String)}, {d:DateTime64(3)}", parameters={"a": ["x'", "\\"], "d": AT})
    assert one.result_rows == [(["x'", "\\"], AT)]


def test_rows_are_streamed(engine: Engine) -> None:
    with opened(engine).query_rows_stream("SELECT number, toString(number) FROM numbers(500000)") as rows:
        assert sum(1 for _ in rows) == 500_000


def test_a_stream_that_fails_says_so(engine: Engine) -> None:
    stream = opened(engine).query_rows_stream("SELECT throwIf(number = 6000000) FROM numbers(8000000)")
    with stream as rows, pytest.raises(StreamFailureError):
        for _ in rows:
            pass


def test_settings_names_and_raw_formats(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "pd", import_module("pandas"))  # which our own clients do without
    client = opened(engine, settings={"max_threads": 1})
    assert client.command("SELECT getSetting('max_threads')") == 1
    assert client.query("SELECT 1 AS n LIMIT 0").column_names == ("n",)
    assert client.raw_query("SELECT 1 AS n", fmt="JSONEachRow") == b'{"n":1}\n'
    assert client.query_df("SELECT number FROM numbers(3)")["number"].tolist() == [0, 1, 2]
    assert client.raw_query("SELECT 1 AS n", fmt="Arrow").startswith(b"ARROW1")
    assert client.command("SHOW TABLES FROM platestream LIKE 'detections'") == "detections"


def test_errors_have_their_codes(engine: Engine) -> None:
    with pytest.raises(DatabaseError) as error:
        opened(engine).query("SELECT * FROM platestream.nothing")
    assert error.value.code == 60
    with pytest.raises(DatabaseError) as error:
        clickhouse_connect.get_client(host="127.0.0.1", port=engine.port, username="owner", password="wrong")
    assert error.value.code == 516


def test_the_asynchronous_client_works(engine: Engine) -> None:
    async def ask() -> Any:
        client = await clickhouse_connect.get_async_client(
            host="127.0.0.1", port=engine.port, username="owner", password=password("owner")
        )
        answers = await asyncio.gather(*(client.query("SELECT currentUser()") for _ in range(8)))
        await client.close()
        return {answer.result_rows[0][0] for answer in answers}

    assert asyncio.run(ask()) == {"owner"}


def test_the_projects_own_client_takes_a_plain_dsn(engine: Engine) -> None:
    client = connect(engine.dsn("owner"))
    assert migrate.apply(client) == []
    assert {entry.state for entry in migrate.list_migrations(client)} == {"applied"}
    with pytest.raises(OwnError, match="code 516"):
        connect(engine.dsn("owner").replace("owner-", "other-"))


def test_the_flows_account_writes_and_cannot_read(engine: Engine) -> None:
    dsn = f"http://platestream_flows:{password('flows')}@127.0.0.1:{engine.port}/platestream"
    client = connect(dsn, INGEST)
    rows = tables.DETECTIONS.rows(detection("ABC123", 0, "engine-test"))
    client.insert("platestream.detections", rows, column_names=list(tables.DETECTIONS.columns))
    with pytest.raises(OwnError) as error:
        run("reading", lambda: client.query("SELECT count() FROM platestream.detections"))
    assert error.value.code == 497
    with pytest.raises(OwnError) as error:
        run("taking a role", lambda: connect(dsn, ANALYST).query("SELECT 1"))
    assert error.value.code == 512
