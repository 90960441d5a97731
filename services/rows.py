"""Rows of a record that a command wrote to its topic: on the embedded edge, where no flow may be running,
they go to their table at once. The flow that follows the topic later writes the same row.
"""

from typing import Any

from connectors.clickhouse_client import INGEST, connect, run
from connectors.settings import Settings
from schemas.tables import Table


def put_at_once(settings: Settings, table: Table[Any], record: Any) -> None:
    """The rows of `record`, if the database is the embedded one; on a server the flows write them."""
    if not settings.clickhouse.startswith("chdb:"):
        return
    client = connect(settings.clickhouse, INGEST)
    try:
        run(
            f"writing {table.name}",
            lambda: client.insert(
                f"platestream.{table.name}", table.rows(record), column_names=list(table.columns)
            ),
        )
    finally:
        client.close()
