"""Migrations: numbered SQL files, applied in order, each recorded with the SHA-256 of what was applied.

A file is `NNNN_name.sql`; a statement ends with a `;` at the end of a line. DDL has no transactions, so every
statement can be run again (IF NOT EXISTS) and a file that was interrupted is simply applied once more. The
first file makes the table that records them.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

FOLDER = Path(__file__).parent / "migrations"
TABLE = "platestream.schema_migrations"
COLUMNS = ("version", "name", "sha256")
_NAME = re.compile(r"(\d{4})_(\w+)\.sql")

State = Literal["applied", "pending", "changed", "unknown"]


class Rows(Protocol):
    """The answer to a query."""

    @property
    def result_rows(self) -> Any: ...


class Client(Protocol):
    """What is needed of a clickhouse-connect client, whose role must be the owner's."""

    def command(self, cmd: str) -> Any: ...
    def query(self, query: str) -> Rows: ...
    def insert(self, table: str, data: list[list[Any]], column_names: tuple[str, ...]) -> Any: ...


class MigrationError(RuntimeError):
    """Files and database do not fit, or a statement failed. Names the file, never data."""


@dataclass(frozen=True)
class Migration:
    """One file."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Of the file, 64 hex digits."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def title(self) -> str:
        """The file's name without its ending."""
        return f"{self.version:04}_{self.name}"

    def statements(self) -> Iterator[str]:
        """The statements in order, comments left out."""
        lines = [line for line in self.sql.splitlines() if not line.lstrip().startswith("--")]
        for statement in re.split(r";[ \t]*$", "\n".join(lines), flags=re.MULTILINE):
            if statement.strip():
                yield statement.strip()


@dataclass(frozen=True)
class Entry:
    """A migration as `list_migrations` shows it; `sha256` is the file's, or the record's where no file is."""

    title: str
    sha256: str
    state: State


def load(folder: Path = FOLDER) -> list[Migration]:
    """All files by number. Raises MigrationError on a name that does not fit or a number that is there twice.

    Numbers may have gaps: who works on several things at once takes a range of numbers for each.
    """
    migrations: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: expected NNNN_name.sql")
        number = int(match[1])
        if number in migrations:
            raise MigrationError(f"{path.name}: {migrations[number].title} has this number")
        migrations[number] = Migration(number, match[2], path.read_text(encoding="utf-8"))
    return list(migrations.values())


def list_migrations(client: Client, folder: Path = FOLDER) -> list[Entry]:
    """Every file with its state, then what the database has and no file tells of."""
    recorded = _recorded(client)
    entries = []
    for migration in load(folder):
        applied = recorded.pop(migration.version, None)
        state: State = "pending" if applied is None else "applied"
        if applied is not None and applied[1] != migration.sha256:
            state = "changed"
        entries.append(Entry(migration.title, migration.sha256, state))
    entries += [Entry(f"{version:04}_{name}", sha, "unknown") for version, (name, sha) in recorded.items()]
    return entries


def apply(client: Client, folder: Path = FOLDER, *, dry_run: bool = False) -> list[str]:
    """Apply what is pending, in order; the titles of these, also when `dry_run` leaves all as it is.

    Raises MigrationError before anything is done when an applied file was changed, when one is missing, or
    when a pending one comes before an applied one; and when a statement fails.
    """
    entries = list_migrations(client, folder)
    _refuse_misfits(entries)
    pending = [m for m, entry in zip(load(folder), entries, strict=True) if entry.state == "pending"]
    if not dry_run:
        for migration in pending:
            _apply(client, migration)
    return [migration.title for migration in pending]


def _refuse_misfits(entries: list[Entry]) -> None:
    pending = ""
    for entry in entries:
        if entry.state == "changed":
            raise MigrationError(f"{entry.title}: changed after it was applied; write a new one instead")
        if entry.state == "unknown":
            raise MigrationError(f"{entry.title}: applied by a newer release than this one")
        if entry.state == "pending":
            pending = entry.title
        elif pending:
            raise MigrationError(f"{pending}: pending, though {entry.title} after it was applied")


def _apply(client: Client, migration: Migration) -> None:
    for number, statement in enumerate(migration.statements(), 1):
        try:
            client.command(statement)
        except Exception as error:
            code = getattr(error, "code", None)
            raise MigrationError(
                f"{migration.title}: statement {number} failed (ClickHouse code {code}): {error}"
            ) from None
    client.insert(TABLE, [[migration.version, migration.name, migration.sha256]], column_names=COLUMNS)


def _recorded(client: Client) -> dict[int, tuple[str, str]]:
    """Version -> (name, SHA-256); empty before the first migration."""
    if not client.query(f"EXISTS TABLE {TABLE}").result_rows[0][0]:
        return {}
    rows = client.query(f"SELECT version, name, sha256 FROM {TABLE} ORDER BY version").result_rows  # noqa: S608
    return {version: (name, sha) for version, name, sha in rows}
