import re
import shutil
from pathlib import Path
from threading import Event, Thread
from uuid import UUID

import pytest

from platestream.clickhouse import migrate
from platestream.clickhouse.sql_files import MigrationError, statements
from tests.support.database import Database

FEEDER = """CREATE MATERIALIZED VIEW IF NOT EXISTS platestream.feed TO platestream.{}
DEFINER = platestream_definer SQL SECURITY DEFINER AS
SELECT a{} AS a FROM platestream.source;
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Tables `source` (keeps nothing), `one` and `two`, and one file of views: `feed` and `last`."""
    (tmp_path / "migrations").mkdir()
    (tmp_path / "views").mkdir()
    shutil.copy(migrate.ROOT / "migrations/0100_schema.sql", tmp_path / "migrations")
    (tmp_path / "migrations/0101_tables.sql").write_text(
        "CREATE TABLE IF NOT EXISTS platestream.source (a UInt64) ENGINE = Null;\n"
        "CREATE TABLE IF NOT EXISTS platestream.one (a UInt64) ENGINE = MergeTree ORDER BY a;\n"
        "CREATE TABLE IF NOT EXISTS platestream.two (a UInt64) ENGINE = MergeTree ORDER BY a;\n"
    )
    write(tmp_path, "feed", FEEDER.format("one", ""))
    write(tmp_path, "last", "CREATE OR REPLACE VIEW platestream.last AS SELECT 1 AS a;\n")
    return tmp_path


def write(root: Path, name: str, sql: str) -> None:
    (root / "views" / f"{name}.sql").write_text(sql)


@pytest.fixture
def database(own_database: Database) -> Database:
    """It is opened again, and its views are changed."""
    return own_database


def test_a_view_is_applied_again_when_its_text_changed_and_only_then(
    empty_database: Database, files: Path
) -> None:
    client = empty_database.client()
    assert migrate.apply(client, files) == ["0100_schema", "0101_tables", "views/feed", "views/last"]
    write(files, "last", "CREATE OR REPLACE VIEW platestream.last AS SELECT 2 AS a;\n")
    assert migrate.apply(client, files, dry_run=True) == ["views/last"]
    assert empty_database.value("SELECT a FROM platestream.last") == 1
    assert migrate.apply(client, files) == ["views/last"]
    assert empty_database.value("SELECT a FROM platestream.last") == 2
    assert migrate.apply(client, files) == []
    assert [entry.state for entry in migrate.list_migrations(client, files)] == ["applied"] * 4


def test_an_expression_of_several_views_is_written_once(empty_database: Database, files: Path) -> None:
    part = files / "views/number.part"
    part.write_text("-- A number.\n40\n+ 2\n")
    write(files, "last", "CREATE OR REPLACE VIEW platestream.last AS SELECT {{number}} AS a;\n")
    client = empty_database.client()
    migrate.apply(client, files)
    assert empty_database.value("SELECT a FROM platestream.last") == 42
    part.write_text("43\n")
    assert migrate.apply(client, files) == ["views/last"]
    assert empty_database.value("SELECT a FROM platestream.last") == 43
    write(files, "last", "CREATE OR REPLACE VIEW platestream.last AS SELECT {{other}} AS a;\n")
    with pytest.raises(MigrationError, match=r"views/last: there is no expression other\.part"):
        migrate.apply(client, files)


def test_no_insert_is_lost_while_a_materialized_view_gets_another_query(
    empty_database: Database, files: Path
) -> None:
    migrate.apply(empty_database.client(), files)
    done, sent = Event(), list[int]()

    def insert() -> None:
        writer = Database(empty_database.folder).client()
        while not done.is_set():
            writer.command(f"INSERT INTO platestream.source VALUES ({len(sent)})")
            sent.append(len(sent))

    writing = Thread(target=insert)
    writing.start()
    for offset in (1000000, 2000000, 3000000):
        write(files, "feed", FEEDER.format("one", f" + {offset}"))
        assert migrate.apply(empty_database.client(), files) == ["views/feed"]
    done.set()
    writing.join()
    empty_database.client().command("INSERT INTO platestream.source VALUES (999999)")
    rows = [a for (a,) in empty_database.rows("SELECT a FROM platestream.one ORDER BY a")]
    assert rows[-1] == 3999999
    assert sorted(a % 1000000 for a in rows) == sorted([*sent, 999999])


def test_a_materialized_view_that_would_write_elsewhere_is_refused(
    empty_database: Database, files: Path
) -> None:
    migrate.apply(empty_database.client(), files)
    write(files, "feed", FEEDER.format("two", ""))
    with pytest.raises(MigrationError, match=r"views/feed: platestream\.feed writes to another table"):
        migrate.apply(empty_database.client(), files)


def test_a_file_comes_after_those_whose_views_it_names(files: Path) -> None:
    write(files, "acts", "CREATE OR REPLACE VIEW platestream.acts AS SELECT * FROM platestream.last;\n")
    write(files, "a_gate", "CREATE OR REPLACE VIEW platestream.gate AS SELECT * FROM platestream.acts;\n")
    ordered = [file.name for file in migrate.load_views(files)]
    assert ordered.index("last") < ordered.index("acts") < ordered.index("a_gate")


@pytest.mark.parametrize(
    ("name", "sql", "why"),
    [
        ("more", "DROP VIEW platestream.last;\n", "views/more: statement 1 is neither"),
        ("more", "CREATE VIEW IF NOT EXISTS platestream.more AS SELECT 1;\n", "statement 1 is neither"),
        ("more", "CREATE OR REPLACE VIEW platestream.last AS SELECT 1;\n", "platestream.last, too"),
        (
            "last",
            "CREATE OR REPLACE VIEW platestream.last AS SELECT * FROM platestream.more;\n",
            "each other",
        ),
    ],
)
def test_files_that_do_not_fit_are_named(files: Path, name: str, sql: str, why: str) -> None:
    if why == "each other":
        write(files, "more", "CREATE OR REPLACE VIEW platestream.more AS SELECT * FROM platestream.last;\n")
    write(files, name, sql)
    with pytest.raises(MigrationError, match=why):
        migrate.load_views(files)


def test_the_database_has_the_views_of_the_files_and_no_other(database: Database) -> None:
    made = {view for file in migrate.load_views() for view in file.makes()}
    found = database.rows(
        "SELECT concat('platestream.', name) FROM system.tables"
        " WHERE database = 'platestream' AND engine IN ('View', 'MaterializedView')"
    )
    assert made == {name for (name,) in found}


def test_who_asks_and_what_is_documented_are_judged_in_one_place_each() -> None:
    files = {path.name: "\n".join(statements(path.read_text())) for path in migrate.ROOT.glob("views/*.*")}

    def with_(words: str) -> list[str]:
        return sorted(name for name, sql in files.items() if re.search(words, sql))

    assert with_(r"(authenticated|current)User") == ["account.sql"]
    assert with_("throwIf") == [
        *("admitted_once.part", "documented_row.part", "ledger.sql", "logged.sql", "recovery.sql"),
        *("registry.sql", "rules.sql"),
    ]
    assert with_("retention_s, set_at") == ["documented.sql"]


def test_an_inquiry_opens_its_view_after_the_database_was_opened_again(database: Database) -> None:
    inquiry: UUID = database.ask()
    database.close()
    again = Database(database.folder)
    assert list(again.look("search", inquiry)) == []
    assert again.refuses("hits", inquiry)
