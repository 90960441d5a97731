"""The embedded database in tests: migrated once a run, its folder copied for each test.

The engine holds one folder a process, so a test has one database and closes all its clients.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from clickhouse import migrate
from connectors.clickhouse import INSERT_SETTINGS
from connectors.clickhouse_client import ANALYST, OWNER, connect
from schemas.tables import Table
from services.inquiries.gate import THROWN

_opened: list[Client] = []
_get_client = clickhouse_connect.get_client


def _remembered(*arguments: Any, **options: Any) -> Client:
    client = _get_client(*arguments, **options)
    _opened.append(client)
    return client


# Commands that a test runs in this process open clients of their own and leave closing to the process's end.
clickhouse_connect.get_client = _remembered


def close_all() -> None:
    """Close every client of this process, so that the engine lets go of its folder."""
    while _opened:
        _opened.pop().close()


class Database:
    """One database; clients by role are opened when first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dsn = f"chdb://{folder}"
        self._clients: dict[str, Client] = {}

    def client(self, role: str = OWNER) -> Client:
        if role not in self._clients:
            self._clients[role] = connect(self.dsn, role, explain=role == OWNER)
        return self._clients[role]

    def close(self) -> None:
        self._clients.clear()
        close_all()

    def rows(self, sql: str, **parameters: Any) -> list[Any]:
        return list(self.client().query(sql, parameters=parameters).result_rows)

    def value(self, sql: str, **parameters: Any) -> Any:
        return self.rows(sql, **parameters)[0][0]

    def put(self, table: Table[Any], *records: Any) -> None:
        """As the sink does it, in the owner's role."""
        rows = [row for record in records for row in table.rows(record)]
        columns = list(table.columns)
        self.client().insert(
            f"platestream.{table.name}", rows, column_names=columns, settings=INSERT_SETTINGS
        )

    def ask(self, role: str = ANALYST, **columns: Any) -> UUID:
        """Write an inquiry, allowed unless `columns` say otherwise; its id."""
        inquiry = uuid4()
        asked = {
            "inquiry_id": inquiry,
            "kind": "search",
            "reason": "stolen vehicle",
            "pattern": "ABC*",
            **columns,
        }
        self.client(role).insert("platestream.inquire", [list(asked.values())], column_names=list(asked))
        return inquiry

    def look(self, view: str, inquiry: UUID, role: str = ANALYST) -> Sequence[Any]:
        sql = f"SELECT * FROM platestream.{view}(inquiry = {{inquiry:UUID}})"
        return self.client(role).query(sql, parameters={"inquiry": inquiry}).result_rows

    def refuses(self, view: str, inquiry: UUID) -> bool:
        with pytest.raises(DatabaseError) as error:
            self.look(view, inquiry)
        return error.value.code == THROWN

    def logged(self, inquiry: UUID) -> dict[str, Any]:
        """The one row of the log with this id."""
        sql = "SELECT * FROM platestream.inquiry_log WHERE inquiry_id = {inquiry:UUID}"
        (row,) = self.client().query(sql, parameters={"inquiry": inquiry}).named_results()
        return dict(row)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated") / "platestream"
    made = Database(folder)
    migrate.apply(made.client())
    made.close()
    return folder


@contextmanager
def copied(migrated: Path, folder: Path) -> Iterator[Database]:
    """A copy of the migrated database; a module of tests that do not disturb each other makes one for all."""
    close_all()  # whatever a test before this one left open
    made = Database(folder / "platestream")
    shutil.copytree(migrated, made.folder, symlinks=True)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database of the test's own."""
    with copied(migrated, tmp_path) as made:
        yield made


@pytest.fixture
def empty_database(tmp_path: Path) -> Iterator[Database]:
    """A folder that nothing was applied to."""
    made = Database(tmp_path / "platestream")
    yield made
    made.close()
