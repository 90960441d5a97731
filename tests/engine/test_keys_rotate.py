"""`platestream keys rotate`: an act of an administrator, and statements that ClickHouse knows."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from platestream.cli.main import app
from platestream.edges.clickhouse_client import DatabaseError, Dsn
from platestream.operations import rotation
from tests.support.database import Database
from tests.support.door import signed_in_as, staffed

Command = Callable[..., Result]
LOG = "SELECT who, outcome, change FROM platestream.inquiry_log WHERE kind = 'keys_rotate' ORDER BY at"


@pytest.fixture
def rotate(database: Database, monkeypatch: pytest.MonkeyPatch) -> Command:
    staffed(database)
    for name in [name for name in os.environ if name.startswith("PLATESTREAM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(database.data))

    def run(*words: str, who: str = "vale") -> Result:
        signed_in_as(monkeypatch, who)
        return CliRunner().invoke(app, ["keys", "rotate", *words])

    return run


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """The folder of a server's accounts."""
    folder = tmp_path / "server"
    folder.mkdir()
    for job in ("admin", "flows", "retention"):
        (folder / f"clickhouse_{job}").write_text(
            f"https://platestream_{job}:old@ch.example:8443/platestream\n"
        )
    return folder


def password(file: Path) -> str:
    return Dsn.parse(file.read_text().strip()).password


def test_an_officer_rotates_nothing_and_without_accounts_nobody_does(
    rotate: Command, database: Database
) -> None:
    assert rotate().exit_code == 1, "the embedded database has no accounts"
    assert rotate(who="lee").exit_code == 1
    assert [row[1] for row in database.rows(LOG)] == ["refused", "refused"]


def test_a_server_is_told_in_its_own_words_and_the_account_that_tells_it_comes_last(
    rotate: Command, database: Database, server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result: list[str] = []
    monkeypatch.setattr(rotation, "_prove", lambda _door, _dsn: None)
    monkeypatch.setattr(rotation, "_command", lambda _door, _admin, statement: result.append(statement))
    done = rotate("--accounts", str(server))
    assert done.stdout == "New passwords: flows, retention, admin.\n", done.output
    assert database.rows(LOG)[-1] == ("vale", "allowed", "new passwords of flows, retention, admin")
    for statement in result:
        assert database.rows(f"EXPLAIN AST {statement}")[0][0].startswith("CreateUserQuery"), statement
    assert [one.partition(" WITH")[0].partition(" METHODS")[0] for one in result[:2]] == [
        "ALTER USER `platestream_flows` ADD IDENTIFIED",
        "ALTER USER `platestream_flows` RESET AUTHENTICATION",
    ]
    new = [password(file) for file in server.iterdir()]
    assert "old" not in new
    assert len(set(new)) == 3
    assert not [one for one in new if one in done.output + "".join(result)]


def test_an_account_of_a_servers_users_file_keeps_its_password(
    rotate: Command, server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def command(self, _statement: str) -> None:
            raise DatabaseError("changing", rotation.READ_ONLY, passing=False)

        def close(self) -> None: ...

    def connected(*_arguments: object, **_options: Any) -> Refusing:
        return Refusing()

    monkeypatch.setattr(rotation, "connect", connected)
    done = rotate("flows", "--accounts", str(server))
    assert done.exit_code == 1
    assert "users file" in str(done.exception)
    assert password(server / "clickhouse_flows") == "old"
