"""View files: each view has one file with its current text, which is applied again after a change.

A view is replaced; a materialized view keeps running and gets its new query, so that it misses no insert. A
file is applied after the files whose views it names. A view that is no longer needed is dropped by a
migration.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from platestream.clickhouse.sql_files import Client, MigrationError, exists, run, sha256, statements

TABLE = "platestream.schema_views"
COLUMNS = ("name", "sha256")
_PART = re.compile(r"\{\{(\w+)\}\}")
_VIEW = re.compile(r"CREATE OR REPLACE VIEW (\S+)\s")
_MATERIALIZED = re.compile(
    r"CREATE MATERIALIZED VIEW IF NOT EXISTS (\S+) TO (\S+)\s+DEFINER = \S+ SQL SECURITY DEFINER AS\s(.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class ViewFile:
    """One file, `name.sql`."""

    name: str
    sql: str

    @property
    def title(self) -> str:
        """The name that people see."""
        return f"views/{self.name}"

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, 64 hex digits."""
        return sha256(self.sql)

    def makes(self) -> Iterator[str]:
        """Yield the views of this file. Raises MigrationError for a statement that makes none."""
        for number, statement in enumerate(statements(self.sql), 1):
            made = _VIEW.match(statement) or _MATERIALIZED.match(statement)
            if made is None:
                raise MigrationError(
                    f"{self.title}: statement {number} is neither CREATE OR REPLACE VIEW nor"
                    " CREATE MATERIALIZED VIEW IF NOT EXISTS name TO table with its DEFINER"
                )
            yield made[1]

    def texts(self) -> Iterator[str]:
        """Yield every statement that `apply` may run."""
        for statement in statements(self.sql):
            yield statement
            if materialized := _MATERIALIZED.match(statement):
                yield _new_query(materialized)

    def names(self) -> set[str]:
        """Return every table and view that the statements name."""
        return set(re.findall(r"platestream\.\w+", "\n".join(statements(self.sql))))


def load(folder: Path) -> list[ViewFile]:
    """Return all files in the order in which they are applied.

    Raises MigrationError for a statement that makes no view, a view that two files make, an expression
    without a file, and files that depend on each other.
    """
    parts = {path.stem: _expression(path) for path in folder.glob("*.part")}
    files = {path.stem: _with_parts(path, parts) for path in sorted(folder.glob("*.sql"))}
    home: dict[str, str] = {}
    for file in files.values():
        for view in file.makes():
            if view in home:
                raise MigrationError(f"{file.title}: views/{home[view]} makes {view}, too")
            home[view] = file.name
    needs = {
        file.name: sorted({home[one] for one in file.names() if one in home} - {file.name})
        for file in files.values()
    }
    try:
        return [files[name] for name in TopologicalSorter(needs).static_order()]
    except CycleError as error:
        raise MigrationError(f"views need each other: {' -> '.join(error.args[1])}") from None


def _expression(path: Path) -> str:
    lines = path.read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--"))


def _with_parts(path: Path, parts: Mapping[str, str]) -> ViewFile:
    def written(named: re.Match[str]) -> str:
        if named[1] not in parts:
            raise MigrationError(f"views/{path.stem}: there is no expression {named[1]}.part")
        return _PART.sub(written, parts[named[1]])

    return ViewFile(path.stem, _PART.sub(written, path.read_text("utf-8")))


def recorded(client: Client) -> dict[str, str]:
    """Return the SHA-256 of the applied version by file name; empty before the first migration."""
    if not exists(client, TABLE):
        return {}
    rows: Any = client.query(f"SELECT name, sha256 FROM {TABLE} FINAL").result_rows  # noqa: S608 - ours
    return dict(rows)


def apply(client: Client, file: ViewFile) -> None:
    """Apply the views of a file and record it. Raises MigrationError if a statement fails."""
    for number, statement in enumerate(statements(file.sql), 1):
        run(client, file.title, number, _fitting(client, file.title, statement))
    client.insert(TABLE, [[file.name, file.sha256]], column_names=COLUMNS)


def _fitting(client: Client, title: str, statement: str) -> str:
    """Return the statement, or the one that gives an existing materialized view its new query."""
    materialized = _MATERIALIZED.match(statement)
    if materialized is None or not exists(client, materialized[1]):
        return statement
    view, target, _query = materialized.groups()
    if _target(client, view) != target:
        raise MigrationError(f"{title}: {view} writes to another table; a migration must drop it first")
    return _new_query(materialized)


def _new_query(materialized: re.Match[str]) -> str:
    view, _target, query = materialized.groups()
    return f"ALTER TABLE {view} MODIFY QUERY\n{query}"


def _target(client: Client, view: str) -> str:
    made = str(client.query(f"SHOW CREATE TABLE {view}").result_rows[0][0])
    found = re.match(r"CREATE MATERIALIZED VIEW \S+ TO (\S+)", made)
    return found[1] if found else ""
