"""Immediate insert of records that were written to their topic, where no flow may be running, or not yet have
written them. A flow that follows the topic writes the same rows.
"""

from collections.abc import Sequence
from typing import TypeVar

from platestream.edges.clickhouse_client import INGEST, connect, run
from platestream.schemas.tables import Table
from platestream.settings import Settings

T = TypeVar("T")


def put_at_once(settings: Settings, table: Table[T], records: Sequence[T]) -> None:
    """Insert the rows of `records` if the database is the embedded one, or that of `platestream up`.

    On a server only the flows have the role for it.
    """
    dsn = settings.clickhouse_for(INGEST)
    if not records or (dsn == settings.clickhouse and not dsn.startswith("chdb:")):
        return
    client = connect(dsn, INGEST, allow_plaintext=settings.allow_plaintext)
    rows = [row for record in records for row in table.rows(record)]
    try:
        run(
            f"writing {table.name}",
            lambda: client.insert(f"platestream.{table.name}", rows, column_names=list(table.columns)),
        )
    finally:
        client.close()
