"""Migrations: numbered SQL files, applied in order and recorded with the SHA-256 of each; then views.

A file is `NNNN_name.sql`; a statement ends with a `;` at the end of a line. DDL has no transactions, so every
statement can be repeated (IF NOT EXISTS) and an interrupted file is simply applied again. The first file
creates the tables that record them. Migrations make tables, `view_files` makes views.

A file whose first line is `-- older releases: run` only adds: columns with a default, tables, nothing that an
older program would miss or fill wrongly. This is recorded with it, and a release that does not know the
migration can run on its tables. On any other unknown migration it refuses to start.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from platestream.clickhouse import view_files
from platestream.clickhouse.sql_files import Client, MigrationError, exists, run, sha256, statements

ROOT = Path(__file__).parent
TABLE = "platestream.schema_migrations"
COLUMNS = ("version", "name", "sha256")
OLDER = "older"
"""Column that is set if older releases can run on the migration; added by migration 0140."""
ADDS_ONLY = "-- older releases: run\n"
# Replaced by the baseline (from 100); a database that has all of them is accepted unchanged.
FOLDED = frozenset({*range(1, 14), 20, 21, 22, 30, 31, 40, 41, 42})
_HAS_OLDER = (
    "SELECT count() FROM system.columns "
    "WHERE database = 'platestream' AND table = 'schema_migrations' AND name = 'older'"
)
_NAME = re.compile(r"(\d{4})_(\w+)\.sql")

State = Literal["applied", "pending", "changed", "newer", "unknown", "folded"]


@dataclass(frozen=True)
class Migration:
    """One migration file."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, 64 hex digits."""
        return sha256(self.sql)

    @property
    def title(self) -> str:
        """The file's name without its extension."""
        return f"{self.version:04}_{self.name}"

    @property
    def adds_only(self) -> bool:
        """True if releases without this file can run on its tables."""
        return self.sql.startswith(ADDS_ONLY)


@dataclass(frozen=True)
class Entry:
    """A file in `list_migrations`; `sha256` is the file's, or the record's if there is no file.

    Two states belong to newer releases: *newer*, which only adds, and *unknown*, on which this release must
    not run.
    """

    title: str
    sha256: str
    state: State


def load(root: Path = ROOT) -> list[Migration]:
    """Return all migrations by number. Raises MigrationError for an invalid name or a repeated number.

    Numbers may have gaps, because parallel pieces of work use separate ranges of numbers.
    """
    migrations: dict[int, Migration] = {}
    for path in sorted((root / "migrations").glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: expected NNNN_name.sql")
        number = int(match[1])
        if number in migrations:
            raise MigrationError(f"{path.name}: {migrations[number].title} has this number")
        migrations[number] = Migration(number, match[2], path.read_text(encoding="utf-8"))
    return list(migrations.values())


def load_views(root: Path = ROOT) -> list[view_files.ViewFile]:
    """Return all view files in the order in which they are applied; raises as `view_files.load`."""
    return view_files.load(root / "views")


def texts(root: Path = ROOT) -> Iterator[str]:
    """Yield every statement that `apply` may run on some database, except its own records."""
    for migration in load(root):
        yield from statements(migration.sql)
    for view in load_views(root):
        yield from view.texts()


def list_migrations(client: Client, root: Path = ROOT) -> list[Entry]:
    """Return migrations with their states, recorded ones without a file, then views.

    A view file whose text changed is pending: it is applied again.
    """
    return [*_list_migrations(client, root), *_list_views(client, root)]


def apply(client: Client, root: Path = ROOT, *, dry_run: bool = False) -> list[str]:
    """Apply pending files in order and return their titles; with `dry_run` nothing is changed.

    Raises MigrationError before any change if an applied migration was changed or is missing, if a pending
    one comes before an applied one, or if only a part of the old ones was applied; and if a statement fails.
    """
    entries = _list_migrations(client, root)
    _refuse_a_part(client)
    _refuse_misfits(entries)
    states = {entry.title: entry.state for entry in [*entries, *_list_views(client, root)]}
    migrations = [one for one in load(root) if states[one.title] == "pending"]
    views = [one for one in load_views(root) if states[one.title] == "pending"]
    if not dry_run:
        for migration in migrations:
            _apply(client, migration)
        for view in views:
            view_files.apply(client, view)
    return [one.title for one in migrations] + [one.title for one in views]


def _list_migrations(client: Client, root: Path) -> list[Entry]:
    recorded = _recorded(client)
    entries = []
    for migration in load(root):
        applied = recorded.pop(migration.version, None)
        state: State = "pending" if applied is None else "applied"
        if applied is not None and applied.sha256 != migration.sha256:
            state = "changed"
        entries.append(Entry(migration.title, migration.sha256, state))
    for version, applied in recorded.items():
        beyond: State = "folded" if version in FOLDED else "newer" if applied.older else "unknown"
        entries.append(Entry(f"{version:04}_{applied.name}", applied.sha256, beyond))
    return entries


def _list_views(client: Client, root: Path) -> list[Entry]:
    recorded = view_files.recorded(client)
    return [
        Entry(file.title, file.sha256, "applied" if recorded.get(file.name) == file.sha256 else "pending")
        for file in load_views(root)
    ]


def _refuse_a_part(client: Client) -> None:
    missing = sorted(FOLDED - set(_recorded(client)))
    if missing and len(missing) < len(FOLDED):
        versions = ", ".join(map(str, missing))
        raise MigrationError(
            f"migrations 1 to 42 are one baseline now, and this database has a part of them only ({versions}"
            f" missing): apply the rest with the release that still has them, or start with an empty database"
        )


def _refuse_misfits(entries: list[Entry]) -> None:
    pending = ""
    for entry in entries:
        if entry.state == "changed":
            raise MigrationError(f"{entry.title}: changed after it was applied; write a new one instead")
        if entry.state == "unknown":
            raise MigrationError(
                f"{entry.title}: applied by a newer release, and this one does not run on its tables: start "
                "a release that has it"
            )
        if entry.state == "pending":
            pending = entry.title
        elif pending and entry.state == "applied":
            raise MigrationError(f"{pending}: pending, though {entry.title} after it was applied")


def _apply(client: Client, migration: Migration) -> None:
    for number, statement in enumerate(statements(migration.sql), 1):
        run(client, migration.title, number, statement)
    row: list[int | str] = [migration.version, migration.name, migration.sha256]
    if migration.adds_only:  # others have the column's default; the first ones precede the column
        client.insert(TABLE, [[*row, 1]], column_names=(*COLUMNS, OLDER))
    else:
        client.insert(TABLE, [row], column_names=COLUMNS)


class _Recorded(NamedTuple):
    name: str
    sha256: str
    older: bool


def _recorded(client: Client) -> dict[int, _Recorded]:
    """Return the recorded migrations by version; empty before the first migration."""
    if not exists(client, TABLE):
        return {}
    older = OLDER if client.query(_HAS_OLDER).result_rows[0][0] else "0"
    asked = f"SELECT version, name, sha256, {older} FROM {TABLE} ORDER BY version"  # noqa: S608
    rows = client.query(asked).result_rows
    return {version: _Recorded(name, sha, bool(may)) for version, name, sha, may in rows}
