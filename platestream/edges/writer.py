"""Writers outside of a flow, for commands and threads; the Bytewax sinks wrap them."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from bytewax.outputs import DynamicSink, StatelessSinkPartition

from platestream.runtime.metrics import meters
from platestream.schemas import metrics

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class TopicWriter(Protocol[T_contra]):
    """Writer of records to one topic. It is not thread-safe."""

    def publish(self, records: Sequence[T_contra]) -> None:
        """Write records; returns when every one is acknowledged, and raises if one is not."""


class TableWriter(Protocol[T_contra]):
    """Writer of records to one table."""

    def insert(self, records: Sequence[T_contra]) -> None:
        """Insert records; returns when all rows are in the table, and raises if they are not."""


class TopicSink(DynamicSink[T]):
    """Sink of records to a topic; each worker has its own writer."""

    def __init__(self, writer: Callable[[], TopicWriter[T]]) -> None:
        self._writer = writer

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "_TopicSinkPartition[T]":
        return _TopicSinkPartition(self._writer())


class _TopicSinkPartition(StatelessSinkPartition[T]):
    def __init__(self, writer: TopicWriter[T]) -> None:
        self._publish = meters.timed(metrics.STAGE_SECONDS, "publish")(writer.publish)

    def write_batch(self, items: list[T]) -> None:
        self._publish(items)
