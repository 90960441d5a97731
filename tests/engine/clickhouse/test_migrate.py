import shutil
from pathlib import Path

import pytest

from platestream.clickhouse import migrate, view_files
from platestream.clickhouse.sql_files import MigrationError, statements
from tests.support.database import Database


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two small migrations of one's own, the recording tables first, and room for views."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    shutil.copy(migrate.ROOT / "migrations/0100_schema.sql", folder)
    (folder / "0101_one.sql").write_text("CREATE TABLE platestream.one (a UInt8) ENGINE = Memory;\n")
    (tmp_path / "views").mkdir()
    return tmp_path


def states(database: Database, root: Path) -> list[str]:
    return [entry.state for entry in migrate.list_migrations(database.client(), root)]


def test_all_files_are_applied_in_order_and_listed_with_their_checksums(database: Database) -> None:
    entries = migrate.list_migrations(database.client())
    files = [(one.title, one.sha256) for one in migrate.load()]
    files += [(one.title, one.sha256) for one in migrate.load_views()]
    assert [(entry.title, entry.sha256) for entry in entries] == files
    assert {entry.state for entry in entries} == {"applied"}


def test_applying_twice_changes_nothing(database: Database) -> None:
    def schema() -> list[object]:
        return database.rows(
            "SELECT name, create_table_query, metadata_modification_time FROM system.tables"
            " WHERE database = 'platestream' ORDER BY name"
        )

    before = schema()
    assert migrate.apply(database.client()) == []
    assert schema() == before
    assert database.value("SELECT count() FROM platestream.schema_migrations") == len(migrate.load())


def test_an_interrupted_file_can_be_applied_again_for_every_statement_can(database: Database) -> None:
    for migration in migrate.load():
        for statement in statements(migration.sql):
            database.client().command(statement)
    for view in migrate.load_views():
        view_files.apply(database.client(), view)


def test_a_dry_run_names_what_is_pending_and_does_nothing(empty_database: Database, files: Path) -> None:
    pending = migrate.apply(empty_database.client(), files, dry_run=True)
    assert pending == ["0100_schema", "0101_one"]
    assert empty_database.value("EXISTS DATABASE platestream") == 0
    assert states(empty_database, files) == ["pending", "pending"]


def test_only_what_is_new_is_applied(empty_database: Database, files: Path) -> None:
    migrate.apply(empty_database.client(), files)
    (files / "migrations" / "0102_two.sql").write_text(
        "CREATE TABLE platestream.two (a UInt8) ENGINE = Memory;"
    )
    assert states(empty_database, files) == ["applied", "applied", "pending"]
    assert migrate.apply(empty_database.client(), files) == ["0102_two"]
    assert empty_database.value("EXISTS TABLE platestream.two") == 1


def test_a_changed_file_is_refused_and_nothing_after_it_applied(
    empty_database: Database, files: Path
) -> None:
    migrate.apply(empty_database.client(), files)
    (files / "migrations" / "0101_one.sql").write_text(
        "CREATE TABLE platestream.other (a UInt8) ENGINE = Memory;"
    )
    (files / "migrations" / "0102_two.sql").write_text(
        "CREATE TABLE platestream.two (a UInt8) ENGINE = Memory;"
    )
    assert states(empty_database, files) == ["applied", "changed", "pending"]
    with pytest.raises(MigrationError, match="0101_one: changed"):
        migrate.apply(empty_database.client(), files)
    assert empty_database.value("EXISTS TABLE platestream.two") == 0


def test_a_database_of_a_newer_release_is_left_alone(empty_database: Database, files: Path) -> None:
    migrate.apply(empty_database.client(), files)
    (files / "migrations" / "0101_one.sql").unlink()
    assert states(empty_database, files) == ["applied", "unknown"]
    with pytest.raises(MigrationError, match="newer release"):
        migrate.apply(empty_database.client(), files)


def test_on_a_newer_release_that_only_adds_an_older_one_runs_with_its_own_views(
    empty_database: Database, files: Path, tmp_path: Path
) -> None:
    shutil.copy(migrate.ROOT / "migrations/0140_older_releases.sql", files / "migrations")
    view = "CREATE OR REPLACE VIEW platestream.seen AS SELECT {} FROM platestream.one;\n"
    (files / "views" / "seen.sql").write_text(view.format("a"))
    newer = tmp_path / "newer"
    shutil.copytree(files, newer, ignore=shutil.ignore_patterns("newer"))
    adds = "-- older releases: run\nALTER TABLE platestream.one ADD COLUMN IF NOT EXISTS b UInt8 DEFAULT 7;\n"
    (newer / "migrations" / "0141_two.sql").write_text(adds)
    (newer / "views" / "seen.sql").write_text(view.format("a, b"))
    client = empty_database.client()
    migrate.apply(client, files)
    assert migrate.apply(client, newer) == ["0141_two", "views/seen"]
    assert states(empty_database, files) == ["applied", "applied", "applied", "newer", "pending"]
    assert migrate.apply(client, files) == ["views/seen"], "it goes back to its own text of the view"
    client.insert("platestream.one", [[1]], column_names=["a"])
    assert migrate.apply(client, newer) == ["views/seen"]
    assert empty_database.rows("SELECT a, b FROM platestream.seen") == [(1, 7)]
    (newer / "migrations" / "0142_three.sql").write_text("ALTER TABLE platestream.one DROP COLUMN a;\n")
    (newer / "views" / "seen.sql").write_text(view.format("b"))
    migrate.apply(client, newer)
    with pytest.raises(MigrationError, match="0142_three: applied by a newer release, and this one does not"):
        migrate.apply(client, files)


def test_a_failing_statement_names_file_and_number_and_is_not_recorded(
    empty_database: Database, files: Path
) -> None:
    (files / "migrations" / "0101_one.sql").write_text(
        "SELECT 1;\nCREATE TABLE platestream.one (a Nonsense) ENGINE = Memory;"
    )
    with pytest.raises(MigrationError, match="0101_one: statement 2 failed"):
        migrate.apply(empty_database.client(), files)
    assert states(empty_database, files) == ["applied", "pending"]


def test_numbers_may_have_gaps_and_none_is_there_twice(files: Path) -> None:
    (files / "migrations" / "0114_late.sql").write_text("SELECT 1;")
    assert [one.version for one in migrate.load(files)] == [100, 101, 114]
    (files / "migrations" / "0114_again.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match="0114_again has this number"):
        migrate.load(files)


def test_a_file_that_is_not_named_like_a_migration_is_refused(files: Path) -> None:
    (files / "migrations" / "14_late.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=r"14_late\.sql: expected NNNN_name.sql"):
        migrate.load(files)


def test_statements_end_with_a_semicolon_at_the_end_of_a_line_only() -> None:
    sql = "-- a comment;\nSELECT 'a;b' -- why\n, 2;  \n\nSELECT 3;\n"
    assert list(statements(sql)) == ["SELECT 'a;b' -- why\n, 2", "SELECT 3"]


def as_after_the_old_migrations(database: Database, versions: set[int]) -> None:
    """The same tables and views, recorded as the migrations that the baseline holds now."""
    client = database.client()
    client.command("TRUNCATE TABLE platestream.schema_migrations")
    client.command("DROP TABLE platestream.schema_views")
    rows = [[version, "old", "0" * 64] for version in sorted(versions)]
    client.insert(migrate.TABLE, rows, column_names=list(migrate.COLUMNS))


def test_a_database_with_all_old_migrations_is_taken_over_as_it_is(database: Database) -> None:
    def schema() -> list[object]:
        return database.rows(
            "SELECT name, create_table_query FROM system.tables WHERE database = 'platestream' ORDER BY name"
        )

    before = schema(), database.rows("SELECT * FROM platestream.gate_rules")
    inquiry = database.ask()
    as_after_the_old_migrations(database, set(migrate.FOLDED))
    assert set(migrate.apply(database.client())) >= {"0100_schema", "views/gate"}
    assert (schema(), database.rows("SELECT * FROM platestream.gate_rules")) == before
    assert database.logged(inquiry)["outcome"] == "allowed"
    assert {entry.state for entry in migrate.list_migrations(database.client())} == {"applied", "folded"}
    assert migrate.apply(database.client()) == []


def test_a_database_with_a_part_of_the_old_migrations_is_refused(database: Database) -> None:
    as_after_the_old_migrations(database, set(migrate.FOLDED) - {41, 42})
    with pytest.raises(MigrationError, match=r"a part of them only \(41, 42 missing\)"):
        migrate.apply(database.client())
    assert database.value("EXISTS TABLE platestream.schema_views") == 0
