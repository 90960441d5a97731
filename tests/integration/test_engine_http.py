"""ClickHouse's HTTP interface as its documentation tells it, asked with a plain HTTP client."""

import asyncio
import gzip
import json
import os
import subprocess
import sys
import threading
import time
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest
from backports import zstd

from platestream.engine import compression
from platestream.retention.expiry import clear
from tests.support.engine import Engine, password

SLOW = "SELECT sum(sleepEachRow(0.1)) FROM numbers(600) SETTINGS max_block_size = 1"


def running(engine: Engine) -> int:
    sql = (
        "SELECT count() FROM system.processes"
        " WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE '%processes%'"
    )
    return int(engine.rows(sql)[0][0])


def until(true: object, within: float = 5) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if callable(true) and true():
            return True
        time.sleep(0.05)
    return False


def test_a_query_comes_in_the_url_or_in_the_body_or_in_both(engine: Engine) -> None:
    auth = (b"owner", password("owner").encode())
    assert httpx.get(engine.url, params={"query": "SELECT 1"}, auth=httpx.BasicAuth(*auth)).text == "1\n"
    assert engine.ask("SELECT 2").text == "2\n"
    assert engine.ask("number FROM numbers(2)", params={"query": "SELECT"}).text == "0\n1\n"
    assert httpx.get(engine.url).text == "Ok.\n"


def test_a_form_may_hold_query_and_parameters(engine: Engine) -> None:
    fields: Any = {"query": (None, "SELECT {n:UInt8} + 1"), "param_n": (None, "6")}
    auth = httpx.BasicAuth(b"owner", password("owner").encode())
    assert httpx.post(engine.url, files=fields, auth=auth).text == "7\n"


def test_external_tables_are_refused_with_a_sentence(engine: Engine) -> None:
    fields: Any = {
        "query": (None, "SELECT * FROM t"),
        "t": ("t.tsv", b"1\n"),
        "t_structure": (None, "n UInt8"),
    }
    answer = httpx.post(engine.url, files=fields, auth=httpx.BasicAuth(b"owner", password("owner").encode()))
    assert answer.status_code == 501
    assert "external tables are not supported" in answer.text


def test_get_only_reads(engine: Engine) -> None:
    auth = httpx.BasicAuth(b"owner", password("owner").encode())
    answer = httpx.get(engine.url, params={"query": "DROP TABLE platestream.detections"}, auth=auth)
    assert answer.headers["x-clickhouse-exception-code"] == "164"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "PATCH"])
def test_other_methods_do_nothing(engine: Engine, method: str) -> None:
    auth = httpx.BasicAuth(b"owner", password("owner").encode())
    asked = {"query": "CREATE TABLE platestream.other_method (n UInt8) ENGINE = Memory"}
    answer = httpx.request(method, engine.url, params=asked, auth=auth)
    assert answer.status_code != 200
    assert engine.rows("EXISTS TABLE platestream.other_method") == [[0]]


def test_the_head_tells_of_query_server_and_work(engine: Engine) -> None:
    head = engine.ask("SELECT number FROM numbers(10)", params={"query_id": "of-mine"}).headers
    assert head["x-clickhouse-query-id"] == "of-mine"
    assert head["x-clickhouse-format"] == "TabSeparated"
    assert head["x-clickhouse-timezone"] == "Etc/UTC"
    assert head["x-clickhouse-server-display-name"]
    assert json.loads(head["x-clickhouse-summary"])["read_rows"] == "10"


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ({"default_format": "JSONCompactEachRow"}, '[1, "a"]\n'),
        ({"default_format": "CSVWithNames"}, '"n","s"\n1,"a"\n'),
        ({}, "1\ta\n"),
    ],
)
def test_results_come_in_the_format_asked_for(engine: Engine, asked: dict[str, str], given: str) -> None:
    assert engine.ask("SELECT 1 AS n, 'a' AS s", params=asked).text == given
    assert engine.ask("SELECT 1 AS n, 'a' AS s FORMAT Values", params=asked).text == "(1,'a')"
    assert engine.ask("SELECT 1 AS n FORMAT Null", params=asked).text == ""


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEC 1", 400, 62),
        ("SELECT 1; SELECT 2", 400, 62),
        ("", 400, 62),
        ("SELECT * FROM platestream.nothing", 404, 60),
        ("SELECT no_such_function(1)", 404, 46),
        ("SELECT throwIf(1, 'my words')", 500, 395),
        ("SELECT {n:UInt8}", 400, 456),
        ("INSERT INTO platestream.nothing FORMAT TSV\n1", 404, 60),
    ],
)
def test_errors_have_status_and_code(engine: Engine, sql: str, status: int, code: int) -> None:
    answer = engine.ask(sql)
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (status, str(code))
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
    assert "formatQuery" not in answer.text


def test_parameters_are_values_and_never_sql(engine: Engine) -> None:
    nasty = "') ; SET ROLE x -- \\ ' \" ` é"
    result = nasty.replace("\\", "\\\\")
    assert engine.ask("SELECT {s:String} FORMAT TSVRaw", params={"param_s": result}).text == nasty + "\n"
    assert engine.ask("SELECT {s:Array(String)}[2]", params={"param_s": "['a','b']"}).text == "b\n"
    assert engine.ask("SELECT {s:Nullable(String)} IS NULL", params={"param_s": "\\N"}).text == "1\n"


def test_a_session_keeps_settings_and_database(engine: Engine) -> None:
    session = {"session_id": str(uuid4())}
    engine.ask("SET max_block_size = 77", params=session)
    engine.ask("USE platestream", params=session)
    asked = "SELECT getSetting('max_block_size'), currentDatabase()"
    assert engine.ask(asked, params=session).text == "77\tplatestream\n"
    assert engine.ask(asked).text == "65409\tdefault\n"


def test_a_session_is_its_accounts_own(engine: Engine) -> None:
    session = {"session_id": str(uuid4())}
    engine.ask("SET max_block_size = 77", params=session)
    other = engine.ask("SELECT getSetting('max_block_size')", "smith", params=session)
    assert other.text == "65409\n"
    assert engine.code("SELECT 1", params={"session_id": "none-such", "session_check": "1"}) == 372


def test_a_session_serves_one_request_at_a_time(engine: Engine) -> None:
    session = {"session_id": str(uuid4()), "query_id": str(uuid4())}
    slow = threading.Thread(target=engine.ask, args=(SLOW,), kwargs={"params": session})
    slow.start()
    assert until(lambda: running(engine))
    assert engine.code("SELECT 1", params={"session_id": session["session_id"]}) == 373
    assert engine.code("SELECT 1", params={"query_id": session["query_id"]}) == 216
    engine.ask(f"KILL QUERY WHERE query_id = '{session['query_id']}'")
    slow.join()


def test_only_whose_it_is_and_the_owner_may_kill_a_query(engine: Engine) -> None:
    answers: list[httpx.Response] = []
    query_id = str(uuid4())
    kill = f"KILL QUERY WHERE query_id = '{query_id}'"
    asked = {"params": {"query_id": query_id}}
    slow = threading.Thread(target=lambda: answers.append(engine.ask(SLOW, "smith", **asked)))
    slow.start()
    assert until(lambda: running(engine))
    assert engine.ask(kill, "jones").text == ""
    assert engine.ask(kill, "smith").text == f"waiting\t{query_id}\tsmith\n"
    slow.join()
    assert answers[0].headers["x-clickhouse-exception-code"] == "394"
    assert engine.code("KILL QUERY WHERE 1", "smith") == 497


def test_a_client_that_leaves_ends_its_query(engine: Engine) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            engine.url, content=SLOW, timeout=1, auth=httpx.BasicAuth(b"owner", password("owner").encode())
        )
    assert until(lambda: running(engine) == 0)


def test_a_client_that_leaves_amid_results_ends_its_query(engine: Engine) -> None:
    auth = httpx.BasicAuth(b"owner", password("owner").encode())
    endless = "SELECT number, 'sleepEachRow' FROM numbers(100000000000)"
    with httpx.stream("POST", engine.url, content=endless, auth=auth) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        assert running(engine) == 1
    assert until(lambda: running(engine) == 0)


def test_an_error_amid_results_is_marked_and_breaks_the_answer_off(engine: Engine) -> None:
    auth = httpx.BasicAuth(b"owner", password("owner").encode())
    sql = "SELECT throwIf(number = 3000000) FROM numbers(4000000)"
    got = bytearray()
    with httpx.stream("POST", engine.url, content=sql, auth=auth) as answer, broken_off():
        _all(answer, got)
    tag = answer.headers["x-clickhouse-exception-tag"]
    assert f"__exception__\r\n{tag}\r\nCode: 395".encode() in got
    whole = engine.ask(sql, params={"wait_end_of_query": "1"})
    assert (whole.status_code, whole.headers["x-clickhouse-exception-code"]) == (500, "395")


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "br", "deflate"])
def test_answers_are_compressed_where_asked(engine: Engine, encoding: str) -> None:
    sql = "SELECT number FROM numbers(100000)"
    asked = {"params": {"enable_http_compression": "1"}, "headers": {"Accept-Encoding": encoding}}
    auth = httpx.BasicAuth(b"owner", password("owner").encode())
    with httpx.stream("POST", engine.url, content=sql, auth=auth, **asked) as answer:  # type: ignore[arg-type]
        packed = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == encoding
    assert len(packed) < 300_000
    if encoding == "zstd":
        assert zstd.decompress(packed).endswith(b"\n99999\n")
    if encoding == "gzip":
        assert gzip.decompress(packed).endswith(b"\n99999\n")


def test_blocks_of_clickhouse_go_both_ways(engine: Engine) -> None:
    engine.ask("CREATE OR REPLACE TABLE platestream.blocks (n UInt32) ENGINE = Memory")
    data = "\n".join(str(n) for n in range(300_000)).encode()
    packed = compression.encode_blocks(data)
    into = {"query": "INSERT INTO platestream.blocks FORMAT TSV", "decompress": "1"}
    assert engine.ask(packed, params=into).status_code == 200
    whole = engine.ask("SELECT n FROM platestream.blocks ORDER BY n", params={"compress": "1"}).content
    assert b"".join(compression.BlockDecoder().decompress(whole)).strip() == data
    broken = packed[:100] + bytes([packed[100] ^ 1]) + packed[101:]
    assert engine.ask(broken, params=into).headers["x-clickhouse-exception-code"] == "40"
    assert engine.ask(packed[:-1], params=into).headers["x-clickhouse-exception-code"] == "271"
    assert engine.rows("SELECT count() FROM platestream.blocks") == [[300_000]]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_bodies_may_be_compressed(engine: Engine, encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zstd.compress
    assert engine.ask(pack(b"SELECT 5"), headers={"Content-Encoding": encoding}).text == "5\n"
    assert engine.ask(b"SELECT 5", headers={"Content-Encoding": encoding}).status_code == 400
    assert engine.ask(b"SELECT 5", headers={"Content-Encoding": "compress"}).status_code == 400


def test_a_body_that_is_cut_off_inserts_nothing(engine: Engine) -> None:
    engine.ask("CREATE OR REPLACE TABLE platestream.cut (n UInt32) ENGINE = Memory")

    async def send() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", engine.port)
        head = (
            "POST /?query=INSERT+INTO+platestream.cut+FORMAT+TSV&user=owner&password=owner-p%C3%A4ss"
            " HTTP/1.1\r\n"
            "Host: x\r\nContent-Length: 1000\r\n\r\n1\n2\n3\n"
        )
        writer.write(head.encode())
        await writer.drain()
        await asyncio.sleep(0.3)
        writer.close()

    asyncio.run(send())
    time.sleep(0.3)
    assert engine.rows("SELECT count() FROM platestream.cut") == [[0]]


def test_large_results_are_streamed_and_not_collected(engine: Engine) -> None:
    auth = httpx.BasicAuth(b"owner", password("owner").encode())
    before = _resident(engine.pid)
    sql = "SELECT number, repeat('x', 100) FROM numbers(10000000) FORMAT RowBinary"
    size = 0
    with httpx.stream("POST", engine.url, content=sql, auth=auth, timeout=120) as answer:
        for piece in answer.iter_raw():
            size += len(piece)
    assert size == 10_000_000 * 109
    assert _resident(engine.pid) - before < 300_000_000  # of 1,090,000,000


def test_a_body_larger_than_the_limit_is_refused(own_engine: Engine) -> None:
    own_engine._options = ("--body-mib", "1", "--seconds", "1")
    own_engine.start()
    big = b"1\n" * 600_000
    answer = own_engine.ask(big, params={"query": "INSERT INTO platestream.x FORMAT TSV"})
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (413, "307")
    bomb = gzip.compress(b"0" * (64 << 20))
    answer = own_engine.ask(bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 413
    answer = own_engine.ask(SLOW)
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (408, "159")


def test_a_second_engine_on_the_folder_is_refused_with_a_sentence(engine: Engine) -> None:
    second = subprocess.run(
        engine.command, env=engine.environment, capture_output=True, text=True, timeout=30
    )
    assert second.returncode == 2
    assert f"(process {engine.pid}): stop it first, or connect to it" in second.stderr


def test_it_listens_on_loopback_unless_told_otherwise(own_engine: Engine) -> None:
    command = [*own_engine.command, "--listen", "0.0.0.0"]
    refused = subprocess.run(command, env=own_engine.environment, capture_output=True, text=True, timeout=30)
    assert refused.returncode == 2
    assert "unencrypted" in refused.stderr
    assert sys.executable in command


def test_more_requests_than_there_are_places_wait_or_are_told_so(own_engine: Engine) -> None:
    own_engine._options = ("--queries", "1")  # and four that wait, two of them of one account
    own_engine.start()
    codes: list[int] = []
    asked = [
        threading.Thread(
            target=lambda: codes.append(own_engine.code("SELECT sleepEachRow(0.2) FROM numbers(2)", "owner"))
        )
        for _ in range(8)
    ]
    for thread in asked:
        thread.start()
    for thread in asked:
        thread.join()
    assert sorted(codes) == [0, 0, 0, 202, 202, 202, 202, 202]


def test_parts_that_go_leave_no_threads_behind(own_engine: Engine) -> None:
    own_engine.start()
    made = "(n UInt32) ENGINE = MergeTree ORDER BY n PARTITION BY n SETTINGS old_parts_lifetime = 0"
    owner = own_engine.client("owner")
    for sql in ("CREATE DATABASE many", f"CREATE TABLE many.parts {made}"):
        owner.command(sql)
    for first in (0, 90):
        owner.command(f"INSERT INTO many.parts SELECT number + {first} FROM numbers(90)")
    before = len(os.listdir(f"/proc/{own_engine.pid}/task"))
    owner.command("TRUNCATE TABLE many.parts")
    parts = "SELECT count() FROM system.parts WHERE database = 'many'"
    while owner.query(parts).result_rows[0][0]:
        time.sleep(0.1)
    # Deleted by a pool of the engine's own, they would leave 126 more, each with an allocator's cache.
    assert len(os.listdir(f"/proc/{own_engine.pid}/task")) < before + 20


def test_bytes_that_somebody_still_reads_are_off_the_disk_too_when_retention_has_run(
    own_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    own_engine.start()
    owner = own_engine.client("owner")
    made = "(n UInt32) ENGINE = MergeTree ORDER BY n SETTINGS old_parts_lifetime = 1"
    for sql in ("CREATE DATABASE platestream", f"CREATE TABLE platestream.aged {made}"):
        owner.command(sql)
    owner.command("INSERT INTO platestream.aged SELECT * FROM numbers(14)")
    read = "SELECT sleepEachRow(0.2) FROM platestream.aged"  # 2.8 s
    reader = threading.Thread(target=partial(own_engine.rows, read))
    reader.start()
    parts = "SELECT count() FROM system.parts WHERE table = 'aged' AND "
    assert until(lambda: own_engine.rows(parts + "refcount > 1") != [[0]]), "somebody reads"
    owner.command("ALTER TABLE platestream.aged DELETE WHERE n = 1", settings={"mutations_sync": 2})
    clear(owner, ["aged"])
    assert own_engine.rows(parts + "NOT active") == [[0]]
    assert not caplog.records
    reader.join()


def broken_off() -> Any:
    return pytest.raises(httpx.RemoteProtocolError)


def _all(answer: httpx.Response, into: bytearray) -> None:
    for piece in answer.iter_raw():
        into += piece


def _resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096
