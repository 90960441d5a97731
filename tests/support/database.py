"""The embedded database in tests: migrated once a run, copied for each process, emptied for each test.

The engine holds one folder a process, so a test has one database and closes all its clients. Each time that
an engine is opened in a process it leaves five threads and 8 MB behind; after twenty times the gate takes
twice as long. So it stays open while tests leave its tables as they were made.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import clickhouse_connect
import msgspec
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from platestream.access import gate_rules
from platestream.access.gate import THROWN
from platestream.access.profiles import load
from platestream.access.rules_reader import FIRST
from platestream.clickhouse import migrate
from platestream.edges.clickhouse import INSERT_SETTINGS
from platestream.edges.clickhouse_client import ANALYST, OWNER, connect
from platestream.edges.sealed_tables import sealed_images
from platestream.keys.key_folder import KeyFolder
from platestream.schemas import tables
from platestream.schemas.gate_class import gate_table
from platestream.schemas.gate_rules import AgencyRules
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.tables import Table

_opened: list[Client] = []
_idle: list[Path] = []
"""The database that tests share, while none of them has it."""
_get_client = clickhouse_connect.get_client

ARGUMENTS = {"hit_list": ", historical = [0, 1], most = 1000", "left_out": ", kind = 'search'"}
"""What a view that an inquiry opens is given besides."""


def _remembered(*arguments: Any, **options: Any) -> Client:
    if _idle and options.get("path") != str(_idle[0]):
        close_all()
    client = _get_client(*arguments, **options)
    close = client.close

    def forgotten() -> None:
        if client in _opened:
            _opened.remove(client)
        close()

    client.close = forgotten  # type: ignore[method-assign]
    _opened.append(client)
    return client


# Commands that a test runs in this process open clients of their own and leave closing to the process's end.
clickhouse_connect.get_client = _remembered


def close_all() -> None:
    """Close every client of this process, so that the engine lets go of its folder."""
    close_but()


def close_but(*kept: Client | None) -> None:
    """Close every client of this process but these."""
    _idle.clear()
    for one in [one for one in _opened if one not in kept]:
        one.close()


class Database:
    """One database; clients by role are opened when first asked for."""

    def __init__(
        self, folder: Path, data: Path | None = None, clients: dict[str, Client] | None = None
    ) -> None:
        """`data` is where a test's topics are; beside the database unless it is said. `clients` are open."""
        self.folder, self.data = folder, data or folder.parent / "data"
        self.dsn = f"chdb://{folder}"
        self._clients: dict[str, Client] = {} if clients is None else clients

    @property
    def keys(self) -> KeyFolder:
        """The hourly keys, as every process of the embedded edge has them."""
        return KeyFolder(self.data / "keys")

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
        """As the sink does it, in the owner's role; pictures are encrypted."""
        table = sealed_images(self.keys) if table is tables.IMAGES else table
        rows = [row for record in records for row in table.rows(record)]
        columns = list(table.columns)
        self.client().insert(
            f"platestream.{table.name}", rows, column_names=columns, settings=INSERT_SETTINGS
        )

    def entry(self, *entries: LedgerEntry) -> None:
        """Write entries of the ledger behind its back, in the owner's role."""
        names = ("chain", "number", "kind", "at", "who", "record", "previous")
        rows = [[*(getattr(one, name) for name in names), one.hash] for one in entries]
        self.client().insert("platestream.ledger", rows, column_names=[*names, "hash"])

    def ask(self, role: str = ANALYST, **columns: Any) -> UUID:
        """Write an inquiry, allowed unless `columns` say otherwise; its id."""
        return self.ask_all(1, role, **columns)[0]

    def ask_all(self, count: int, role: str = ANALYST, **columns: Any) -> list[UUID]:
        """Write inquiries by one statement, which takes as long as one inquiry; their ids.

        A function among `columns` makes the value of each, by its number.
        """
        rows = [
            {
                "inquiry_id": uuid4(),
                "kind": "search",
                "reason": "stolen vehicle",
                "pattern": "ABC*",
                **{name: one(number) if callable(one) else one for name, one in columns.items()},
            }
            for number in range(count)
        ]
        values = [list(row.values()) for row in rows]
        self.client(role).insert(gate_table(rows), values, column_names=list(rows[0]))
        return [row["inquiry_id"] for row in rows]

    def look(self, view: str, inquiry: UUID, role: str = ANALYST) -> Sequence[Any]:
        sql = f"SELECT * FROM platestream.{view}(inquiry = {{inquiry:UUID}}{ARGUMENTS.get(view, '')})"
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
def migrated(run_folder: Path) -> Path:
    folder = run_folder / "migrated" / "platestream"
    folder.parent.mkdir()
    made = Database(folder)
    migrate.apply(made.client())
    put_first_rules(made.client())
    made.close()
    return folder


def put_first_rules(owner: Client) -> None:
    """The profile of a new installation, with passwords alone: tests of the second factor ask for it."""
    profile = load(FIRST)
    alone = msgspec.structs.replace(profile.sign_in, second_factor="nobody")
    profile = msgspec.structs.replace(profile, sign_in=alone)
    rules = AgencyRules(name=FIRST, own=("sign_in.second_factor",), files={}, profile=profile)
    gate_rules.adopt(owner, gate_rules.newest(owner), rules)


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


# Everything beside rows: a database in which a test changed it is not used again. The statements that made
# the tables would say the same and take ten times as long, before each test.
_MADE = """
SELECT cityHash64(arraySort(groupArray(one))) FROM (
    SELECT concat(name, toString(uuid), toString(metadata_modification_time)) AS one
    FROM system.tables WHERE database = 'platestream'
    UNION ALL SELECT name FROM system.databases
    UNION ALL SELECT toString(tuple(*)) FROM system.grants
    UNION ALL SELECT toString(tuple(*)) FROM system.role_grants
    UNION ALL SELECT name FROM system.users
    UNION ALL SELECT name FROM system.roles
    UNION ALL SELECT name FROM system.row_policies
    UNION ALL SELECT name FROM system.settings_profiles)
"""
_PARTS = """
SELECT table, cityHash64(arraySort(groupArray(name))) FROM system.parts
WHERE database = 'platestream' AND active GROUP BY table
"""


class Shared:
    """A database that the tests of a process use one after another, each as it was at first.

    Rows that were there at first have a second copy in the database `as_made`, whose parts are attached again
    in place of what a test changed. That takes milliseconds; to copy and to open a folder takes a second.
    """

    def __init__(self, original: Path, folder: Path) -> None:
        """`original` is the folder of the database, which stays as it is; `folder` gets copies of it."""
        self._original, self._folder = original, folder
        self._count = 0
        self._keeper: Client | None = None
        self._clients: dict[str, Client] = {}
        """Open clients of `Database.client` by role: to open one takes as long as many a test."""
        self._made: Any = None
        self._parts: dict[str, int] = {}
        self._filled: frozenset[str] = frozenset()
        """Tables that had rows at first."""

    def take(self, data: Path) -> Database:
        """Return the database as it was at first; the topics of the test are in `data`."""
        if not self._restored():
            self._open()
        _idle.clear()
        self._clients = {role: one for role, one in self._clients.items() if one in _opened}
        return Database(self._place, data, self._clients)

    def leave(self) -> None:
        """End a test."""
        close_but(self._keeper, *self._clients.values())
        _idle.append(self._place)

    @property
    def _place(self) -> Path:
        return self._folder / str(self._count) / "platestream"

    def _open(self) -> None:
        close_all()
        shutil.rmtree(self._folder / str(self._count), ignore_errors=True)
        self._count += 1
        made = Database(self._place)
        shutil.copytree(self._original, made.folder, symlinks=True)
        self._keeper = made.client()
        self._keeper.command("CREATE DATABASE as_made")
        self._filled = frozenset(self._now()[1])
        for table in self._filled:
            self._keeper.command(f"CREATE TABLE as_made.`{table}` AS platestream.`{table}`")
            self._attach(table, "as_made", "platestream")
        self._made, self._parts = self._now()

    def _attach(self, table: str, into: str, of: str) -> None:
        assert self._keeper is not None
        self._keeper.command(f"ALTER TABLE {into}.`{table}` ATTACH PARTITION ALL FROM {of}.`{table}`")

    def _restored(self) -> bool:
        """Remove what a test left; return False where that cannot be done, and the folder is to be left."""
        if self._keeper is None or self._keeper not in _opened:
            return False
        made, parts = self._now()
        if made != self._made:
            return False
        self._keeper.command("SYSTEM START MERGES")
        # Empty parts count, too: until its table is truncated, a block that was inserted and deleted is taken
        # for a duplicate when the next test inserts it (non_replicated_deduplication_window).
        changed = [one for one in {**parts, **self._parts} if parts.get(one) != self._parts.get(one)]
        for table in changed:
            self._keeper.command(f"TRUNCATE TABLE platestream.`{table}`")
            if table in self._filled:
                self._attach(table, "platestream", "as_made")
        if not self._filled.isdisjoint(changed):
            self._parts = {table: names for table, names in self._now()[1].items() if table in self._filled}
        return True

    def _now(self) -> tuple[Any, dict[str, int]]:
        assert self._keeper is not None
        parts = self._keeper.query(_PARTS).result_rows
        return self._keeper.query(_MADE).result_rows[0], {row[0]: row[1] for row in parts}


class Prepared:
    """A database with rows and its folder of data, made once, that tests use one after another."""

    def __init__(self, migrated: Path, folder: Path, prepare: Callable[[Database], None]) -> None:
        with copied(migrated, folder) as made:
            prepare(made)
        self._shared, self._data = Shared(folder / "platestream", folder / "used"), folder / "data"
        self._data.mkdir(exist_ok=True)

    @contextmanager
    def used(self, folder: Path) -> Iterator[Database]:
        """The database as it was prepared; the test's own copy of its data is `folder / "data"`."""
        shutil.copytree(self._data, folder / "data")
        yield self._shared.take(folder / "data")
        self._shared.leave()


@pytest.fixture(scope="session")
def shared(migrated: Path, run_folder: Path) -> Iterator[Shared]:
    yield Shared(migrated, run_folder / "shared")
    close_all()


@pytest.fixture
def database(shared: Shared, tmp_path: Path) -> Iterator[Database]:
    """A migrated database without rows."""
    yield shared.take(tmp_path / "data")
    shared.leave()


@pytest.fixture
def own_database(migrated: Path, tmp_path: Path) -> Iterator[Database]:
    """The same in a folder that no other test writes to, for what looks at files."""
    with copied(migrated, tmp_path) as made:
        yield made


@pytest.fixture
def empty_database(tmp_path: Path) -> Iterator[Database]:
    """A folder that nothing was applied to."""
    close_all()  # the one that tests share
    made = Database(tmp_path / "platestream")
    yield made
    made.close()
