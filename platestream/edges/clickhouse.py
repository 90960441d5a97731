"""Tables in ClickHouse: a sink that inserts once an epoch, and the edge's tables.

A replay changes nothing: rows have ids derived from their causes, tables replace rows with the same id, and a
block that is sent again byte for byte is dropped by its checksum. No insert token is used, because a replayed
epoch may be cut at other rows, and the database would then drop rows that it never had.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Generic, TypeVar

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from clickhouse_connect.driver.client import Client
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from platestream.edges.clickhouse_client import DATABASE, INGEST, SEALER, DatabaseError, SharedClient, run
from platestream.edges.clickhouse_client import connect as connect
from platestream.edges.inquiry_log import InquiryLogSource
from platestream.edges.query_log import QueryLogSource
from platestream.runtime.metrics import meters
from platestream.schemas import metrics
from platestream.schemas.tables import Row, Table

T = TypeVar("T")

MAX_ROWS = 10_000
MAX_BYTES = 64_000_000
RETRY_TIME = timedelta(minutes=5)
ROW_BYTES = 200  # estimated size of a row without text and bytes

# A replay of days writes many hourly partitions of images. An insert returns when the rows are in the table.
INSERT_SETTINGS = {"max_partitions_per_insert_block": 1000, "async_insert": 0}

logger = logging.getLogger(__name__)


class BufferedWriter(Generic[T]):
    """Writer of records into `table`: `add` buffers their rows, `flush` inserts them; `insert` does both.

    `client` is called at the first insert. Passing failures (network, disk full, too many parts) are retried
    with the same rows for as long as `patience`; all others raise DatabaseError. A full buffer is inserted at
    once. `inserted` counts rows. `check` is called before each insert and may raise.
    """

    def __init__(
        self,
        table: Table[T],
        client: Callable[[], Client],
        *,
        max_rows: int = MAX_ROWS,
        max_bytes: int = MAX_BYTES,
        patience: timedelta = RETRY_TIME,
        check: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table, self._client, self._check = table, client, check
        self._max_rows, self._max_bytes = max_rows, max_bytes
        self.inserted = 0
        self._rows: list[Row] = []
        self._bytes = 0
        self._types: Any = None
        self._retrying = Retrying(
            retry=retry_if_exception(_is_transient),
            wait=wait_random_exponential(multiplier=0.2, max=10),
            stop=stop_after_delay(patience),
            sleep=sleep,
            before_sleep=partial(_log_retry, table.name),
            reraise=True,
        )

    def insert(self, records: Sequence[T]) -> None:
        """Insert the rows of the records; returns when all are in the table."""
        self.add(records)
        self.flush()

    def add(self, records: Sequence[T]) -> None:
        """Buffer the rows of the records until the next flush."""
        for record in records:
            rows = self._table.rows(record)
            self._rows += rows
            self._bytes += sum(map(_size, rows))
            if len(self._rows) >= self._max_rows or self._bytes >= self._max_bytes:
                self.flush()

    def flush(self) -> None:
        """Insert the buffered rows."""
        if not self._rows:
            return
        self._retrying(run, f"inserting into {self._table.name}", self._insert)
        meters.count(metrics.ROWS_WRITTEN, self._table.name, by=len(self._rows))
        self.inserted += len(self._rows)
        self._rows, self._bytes = [], 0

    def _insert(self) -> None:
        self._check()
        client, name = self._client(), f"{DATABASE}.{self._table.name}"
        if self._types is None:
            self._types = client.create_insert_context(name, list(self._table.columns)).column_types
        meters.timed(metrics.STAGE_SECONDS, "insert")(client.insert)(
            name,
            self._rows,
            column_names=list(self._table.columns),
            column_types=self._types,
            settings=INSERT_SETTINGS,
        )


class TableSink(FixedPartitionedSink[T, int]):
    """Sink of keyed records into a table: one insert for each epoch, or more if the buffer is full.

    If an insert fails permanently, the epoch is not committed and is replayed.
    """

    def __init__(self, writer: Callable[[], BufferedWriter[T]]) -> None:
        self._writer = writer

    def list_parts(self) -> list[str]:
        return ["0"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "_TablePart[T]":
        return _TablePart(self._writer(), resume_state or 0)


class _TablePart(StatefulSinkPartition[T, int]):
    """One part of the sink. The snapshot at the end of an epoch inserts; its state counts inserted rows."""

    def __init__(self, writer: BufferedWriter[T], before: int) -> None:
        self._writer, self._before = writer, before

    def write_batch(self, values: list[T]) -> None:
        self._writer.add(values)

    def snapshot(self) -> int:
        self._writer.flush()
        return self._before + self._writer.inserted


class ClickHouseTables:
    """The edge's tables (`platestream.edges.edge.Tables`) at a DSN, with one client for each role in a
    process. `check` is called before each insert and seal of a flow."""

    def __init__(
        self,
        dsn: str,
        *,
        follow: bool = True,
        allow_plaintext: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._follow, self._check = follow, check
        self._ingest = SharedClient(partial(connect, dsn, INGEST, allow_plaintext=allow_plaintext))
        self._sealer = SharedClient(partial(connect, dsn, SEALER, allow_plaintext=allow_plaintext))

    def insert(self, table: Table[T]) -> TableSink[T]:
        """Return a sink of keyed records for `table`."""
        return TableSink(lambda: BufferedWriter(table, self._ingest, check=self._check))

    def writer(self, table: Table[T]) -> BufferedWriter[T]:
        """Return a writer for `table` outside a flow; it inserts at once."""
        return BufferedWriter(table, self._ingest)

    def inquiries(self) -> InquiryLogSource:
        """Return the sealed inquiry log as a source; it ends at the log's end unless `follow` is set."""
        return InquiryLogSource(self._sealer, follow=self._follow, check=self._check)

    def queries(self) -> QueryLogSource:
        """Return the findings from the server's own query log about reads that bypassed the gate."""
        return QueryLogSource(self._sealer, follow=self._follow)

    def close(self) -> None:
        """Close the clients. The embedded engine releases its folder when its last client is closed."""
        self._ingest.close()
        self._sealer.close()


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, DatabaseError) and error.passing


def _log_retry(table: str, state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    meters.count(metrics.SINK_RETRIES, table)
    logger.warning("table %s: attempt %d: %s", table, state.attempt_number, error)


def _size(row: Row) -> int:
    return ROW_BYTES + sum(len(value) for value in row if isinstance(value, bytes | str))
