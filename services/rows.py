"""Records that a command writes: to their topic, and on the embedded edge, where no flow may be running, at
once to their table. The flow that follows the topic later writes the same row.
"""

from typing import Any, TypeVar

from connectors.changelog import publish
from connectors.clickhouse_client import INGEST, connect, run
from connectors.settings import Settings
from schemas.tables import Table
from schemas.topics import Topic
from services.door import Door, Permit

T = TypeVar("T")


def write(_permit: Permit, door: Door, topic: Topic[T], table: Table[T], record: T) -> None:
    """Write what is on record as allowed. Raises DatabaseError, and BrokerError."""
    publish(door.streams, topic, [record])
    put_at_once(door.settings, table, record)


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
