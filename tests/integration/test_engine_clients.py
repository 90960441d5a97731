"""The official JavaScript client and the JDBC driver at work on the engine, as on any ClickHouse."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from tests.conftest import skip_unless_ci
from tests.support import clients
from tests.support.engine import Engine

T = TypeVar("T")


def told(talk: Callable[[Engine, str], T], engine: Engine) -> T:
    try:
        return talk(engine, "owner")
    except clients.ClientUnavailableError as error:
        skip_unless_ci(str(error))


@pytest.mark.node
@pytest.mark.timeout(400)
def test_the_javascript_client_works(engine: Engine) -> None:
    found = told(clients.javascript, engine)
    aborted = found.pop("aborted_ms")
    assert 250 < aborted < 5000
    assert found == {
        "ping": True,
        "who": "owner",
        "inserted": "1000",
        "row": {
            "at": "2026-01-01 00:00:00.123",
            "n": 1003,
            "tags": ["a", "b3"],
            "box": {"x": 1, "y": 2},
            "maybe": None,
        },
        "parameters": {"a": ["x'y", "b"], "d": "2026-02-03 04:05:06.789", "s": "tab\tline\nend"},
        "streamed": 300_000,
        "json": 2,
        "text": "1,2\n",
        "session": 7,
        "setting": 1,
        "query_id": True,
        "syntax": {"code": "62", "type": "SYNTAX_ERROR"},
        "unknown": {"code": "60", "type": "UNKNOWN_TABLE"},
        "password": {"code": "516", "type": "AUTHENTICATION_FAILED"},
        "outfile": {"code": "497", "type": "ACCESS_DENIED"},
        "late": "395",
    }


@pytest.mark.nightly
@pytest.mark.java
@pytest.mark.timeout(400)
def test_the_jdbc_driver_works(engine: Engine) -> None:
    found = told(clients.jdbc, engine)
    assert 300 < int(found.pop("cancelled")) < 8000  # of 10 s, cancelled after half a second
    assert found == {
        "product": "ClickHouse",
        "valid": "true",
        "who": "owner",
        "values": "2",
        "batch": "100",
        "row": "11 2026-01-01T00:00:00.123 file('/etc/passwd') \\ 11 [a, b11] null 12.34",
        "tables": "jdbc",
        "columns": "6",
        "syntax": "62",
        "unknown": "60",
        "role": "497",
        "rows": "300000",
        "password": "516",
        "plain": "102",
        "packed": "202",
        "packed_error": "60",
    }
