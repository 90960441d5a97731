import socket

import pytest
from typer.testing import CliRunner

from platestream.boards.server import Boards, app
from platestream.cli.main import app as cli
from platestream.edges.clickhouse_client import DASHBOARD, connect
from platestream.runtime.http_server import serve
from tests.support.database import Database


def test_a_database_without_tables_is_refused(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", empty_database.dsn)
    result = CliRunner().invoke(cli, ["board"])
    assert "run `platestream migrate`" in str(result.exception)


def test_a_port_that_is_taken_is_refused(empty_database: Database) -> None:
    boards = Boards(connect(empty_database.dsn, DASHBOARD), None)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with pytest.raises(OSError, match="in use"):
            serve(app(boards), listening.getsockname()[1])
