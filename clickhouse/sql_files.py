"""SQL files: their statements, their checksums, and the client that applies them."""

import hashlib
import re
from collections.abc import Iterator

from clickhouse_connect.driver.client import Client as Client


class MigrationError(RuntimeError):
    """Files and database do not match, or a statement failed. The message names the file, never data."""


def sha256(sql: str) -> str:
    """Return the SHA-256 of a file's text, 64 hex digits."""
    return hashlib.sha256(sql.encode()).hexdigest()


def statements(sql: str) -> Iterator[str]:
    """Yield the statements in order, without comments; each ends with a `;` at the end of a line."""
    lines = [line for line in sql.splitlines() if not line.lstrip().startswith("--")]
    for statement in re.split(r";[ \t]*$", "\n".join(lines), flags=re.MULTILINE):
        if statement.strip():
            yield statement.strip()


def run(client: Client, title: str, number: int, statement: str) -> None:
    """Run a statement of the file `title`. Raises MigrationError with both and the database's own message."""
    try:
        client.command(statement)
    except Exception as error:
        code = getattr(error, "code", None)
        raise MigrationError(
            f"{title}: statement {number} failed (ClickHouse code {code}): {error}"
        ) from None


def exists(client: Client, table: str) -> bool:
    """Return whether there is a table or view with this name."""
    return bool(client.query(f"EXISTS TABLE {table}").result_rows[0][0])
