"""The tables on ClickHouse, a server or chDB: what flows are handed."""

from functools import cached_property
from typing import Any, TypeVar

from schemas.tables import Table

T = TypeVar("T")


class ClickHouseTables:
    """One client for all tables of a process, opened when the first one is needed."""

    def __init__(self, dsn: str, *, follow: bool = True) -> None:
        self._dsn, self._follow = dsn, follow

    @cached_property
    def client(self) -> Any:
        """The client, in the role that may write tables and nothing else."""
        from connectors.clickhouse import connect

        return connect(self._dsn, "platestream_ingest")

    def insert(self, table: Table[T]) -> Any:
        from connectors.clickhouse import TableSink

        return TableSink(table, lambda: self.client)

    def inquiries(self) -> Any:
        from connectors.inquiry_log import InquiryLogSource

        return InquiryLogSource(lambda: self.client, follow=self._follow)
