"""`platestream keys rewrap`: an act of an administrator."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from platestream.cli.main import app
from platestream.keys.key_folder import MASTER, KeyFolder
from platestream.keys.master import MasterFile
from tests.support.database import Database
from tests.support.door import signed_in_as, staffed

Command = Callable[..., Result]
LOG = "SELECT who, outcome, change FROM platestream.inquiry_log WHERE kind = 'keys_rewrap' ORDER BY at"


@pytest.fixture
def rewrap(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    staffed(database)
    for name in [name for name in os.environ if name.startswith("PLATESTREAM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(database.data))
    monkeypatch.setenv("PLATESTREAM_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("PLATESTREAM_MASTER_KEY_FILE", str(tmp_path / "new.key"))

    def run(old: str, who: str = "vale") -> Result:
        signed_in_as(monkeypatch, who)
        return CliRunner().invoke(app, ["keys", "rewrap", old])

    return run


def test_the_master_key_is_changed_on_record(rewrap: Command, database: Database, tmp_path: Path) -> None:
    old, new = tmp_path / "keys" / MASTER, tmp_path / "new.key"
    assert rewrap(str(old)).exit_code == 1, "there is no key yet"
    sealed = KeyFolder(tmp_path / "keys").seal("frames", None, b"picture")
    assert rewrap(str(new)).exit_code == 1, "it is the one of the settings"
    assert rewrap(str(old)).exit_code == 1, "the new one is not made by itself"
    new.write_bytes(os.urandom(32))
    done = rewrap(str(old))
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "1 key wrapped, 0 before.")
    assert KeyFolder(tmp_path / "keys", MasterFile(new)).open("frames", sealed) == b"picture"
    assert [row[1] for row in database.rows(LOG)] == ["refused", "refused", "allowed", "allowed"]
    assert database.rows(LOG)[-1][2] == f"keys that {old} wrapped are wrapped by {new}"


def test_an_officer_changes_no_master_key(rewrap: Command, database: Database, tmp_path: Path) -> None:
    sealed = KeyFolder(tmp_path / "keys").seal("frames", None, b"picture")
    (tmp_path / "new.key").write_bytes(os.urandom(32))
    assert rewrap(str(tmp_path / "keys" / MASTER), "lee").exit_code == 1
    assert database.rows(LOG)[-1][:2] == ("lee", "refused")
    assert KeyFolder(tmp_path / "keys").open("frames", sealed) == b"picture"


def test_a_process_that_uses_the_keys_is_named_and_nothing_changes(
    rewrap: Command, database: Database, tmp_path: Path
) -> None:
    keys, new = tmp_path / "keys", tmp_path / "new.key"
    sealed = KeyFolder(keys).seal("frames", None, b"picture")
    new.write_bytes(os.urandom(32))
    holds = f"import sys, platestream.keys.in_use as one, pathlib; one.note_use(pathlib.Path({str(keys)!r}))"
    command = [sys.executable, "-c", f"{holds}; print(flush=True); sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        refused = rewrap(str(keys / MASTER))
        process.kill()
    assert refused.exit_code == 1
    assert f"process {process.pid} " in str(refused.exception)
    assert database.rows(LOG)[-1][:2] == ("vale", "refused")
    assert KeyFolder(keys).open("frames", sealed) == b"picture"
    assert rewrap(str(keys / MASTER)).exit_code == 0
