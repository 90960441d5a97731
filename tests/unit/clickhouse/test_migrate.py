import shutil
from pathlib import Path

import pytest

from clickhouse import migrate
from clickhouse.migrate import Migration, MigrationError
from tests.support.database import Database


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two small files of one's own, the recording table first."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    shutil.copy(migrate.FOLDER / "0001_schema_migrations.sql", folder)
    (folder / "0002_one.sql").write_text("CREATE TABLE platestream.one (a UInt8) ENGINE = Memory;\n")
    return folder


def states(database: Database, folder: Path) -> list[str]:
    return [entry.state for entry in migrate.list_migrations(database.client(), folder)]


def test_all_files_are_applied_in_order_and_listed_with_their_checksums(database: Database) -> None:
    files = migrate.load()
    entries = migrate.list_migrations(database.client())
    assert [entry.title for entry in entries] == [file.title for file in files]
    assert [entry.sha256 for entry in entries] == [file.sha256 for file in files]
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
        for statement in migration.statements():
            database.client().command(statement)


def test_a_dry_run_names_what_is_pending_and_does_nothing(empty_database: Database, files: Path) -> None:
    pending = migrate.apply(empty_database.client(), files, dry_run=True)
    assert pending == ["0001_schema_migrations", "0002_one"]
    assert empty_database.value("EXISTS DATABASE platestream") == 0
    assert states(empty_database, files) == ["pending", "pending"]


def test_only_what_is_new_is_applied(empty_database: Database, files: Path) -> None:
    migrate.apply(empty_database.client(), files)
    (files / "0003_two.sql").write_text("CREATE TABLE platestream.two (a UInt8) ENGINE = Memory;")
    assert states(empty_database, files) == ["applied", "applied", "pending"]
    assert migrate.apply(empty_database.client(), files) == ["0003_two"]
    assert empty_database.value("EXISTS TABLE platestream.two") == 1


def test_a_changed_file_is_refused_and_nothing_after_it_applied(
    empty_database: Database, files: Path
) -> None:
    migrate.apply(empty_database.client(), files)
    (files / "0002_one.sql").write_text("CREATE TABLE platestream.other (a UInt8) ENGINE = Memory;")
    (files / "0003_two.sql").write_text("CREATE TABLE platestream.two (a UInt8) ENGINE = Memory;")
    assert states(empty_database, files) == ["applied", "changed", "pending"]
    with pytest.raises(MigrationError, match="0002_one: changed"):
        migrate.apply(empty_database.client(), files)
    assert empty_database.value("EXISTS TABLE platestream.two") == 0


def test_a_database_of_a_newer_release_is_left_alone(empty_database: Database, files: Path) -> None:
    migrate.apply(empty_database.client(), files)
    (files / "0002_one.sql").unlink()
    assert states(empty_database, files) == ["applied", "unknown"]
    with pytest.raises(MigrationError, match="newer release"):
        migrate.apply(empty_database.client(), files)


def test_a_failing_statement_names_file_and_number_and_is_not_recorded(
    empty_database: Database, files: Path
) -> None:
    (files / "0002_one.sql").write_text(
        "SELECT 1;\nCREATE TABLE platestream.one (a Nonsense) ENGINE = Memory;"
    )
    with pytest.raises(MigrationError, match="0002_one: statement 2 failed"):
        migrate.apply(empty_database.client(), files)
    assert states(empty_database, files) == ["applied", "pending"]


def test_numbers_may_have_gaps_and_none_is_there_twice(files: Path) -> None:
    (files / "0014_late.sql").write_text("SELECT 1;")
    assert [one.version for one in migrate.load(files)] == [1, 2, 14]
    (files / "0014_again.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match="0014_again has this number"):
        migrate.load(files)


def test_a_file_that_is_not_named_like_a_migration_is_refused(files: Path) -> None:
    (files / "14_late.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=r"14_late\.sql: expected NNNN_name.sql"):
        migrate.load(files)


def test_statements_end_with_a_semicolon_at_the_end_of_a_line_only() -> None:
    sql = "-- a comment;\nSELECT 'a;b' -- why\n, 2;  \n\nSELECT 3;\n"
    assert list(Migration(1, "x", sql).statements()) == ["SELECT 'a;b' -- why\n, 2", "SELECT 3"]


def test_detections_outlive_the_move_to_smaller_granules_wherever_it_is_interrupted(
    database: Database,
) -> None:
    (move,) = [one for one in migrate.load() if one.name == "smaller_granules"]
    count = "SELECT uniqExact(plate) FROM platestream.detections"
    statements = list(move.statements())
    for cut in range(len(statements) + 1):
        database.client().command(
            "INSERT INTO platestream.detections (detection_id, captured_at, plate)"
            f" VALUES (generateUUIDv4(), now64(3), 'CUT{cut}')"
        )
        for statement in [*statements[:cut], *statements]:
            database.client().command(statement)
        assert database.value(count) == cut + 1
        made = database.value("SELECT create_table_query FROM system.tables WHERE name = 'detections'")
        assert "index_granularity = 2048" in made
    left = "SELECT name FROM system.tables WHERE name IN ('detections_large', 'detections_small')"
    assert database.rows(left) == []
