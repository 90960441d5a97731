"""The engine has the tables that commands wrote before it started, and those that an older engine made."""

from pathlib import Path

from platestream.engine.folder_lock import database_folder
from platestream.settings import embedded_dsn


def test_engine_and_commands_have_one_folder(tmp_path: Path) -> None:
    assert embedded_dsn(tmp_path) == f"chdb://{database_folder(tmp_path)}"


def test_tables_of_an_older_engine_stay_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "clickhouse" / "metadata").mkdir(parents=True)
    assert database_folder(tmp_path) == tmp_path / "clickhouse"
