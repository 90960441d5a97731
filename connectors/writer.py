"""Writing without a flow: what each edge gives its commands and threads, and what its Bytewax sinks wrap."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from bytewax.outputs import DynamicSink, StatelessSinkPartition

from connectors.metrics import meters
from schemas import metrics

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class TopicWriter(Protocol[T_contra]):
    """Writes records to one topic. Not for use by several threads at once."""

    def publish(self, records: Sequence[T_contra]) -> None:
        """Returns when every record is acknowledged, and raises where one is not."""


class TableWriter(Protocol[T_contra]):
    """Writes records to one table."""

    def insert(self, records: Sequence[T_contra]) -> None:
        """Returns when all their rows are in the table, and raises where they are not."""


class TopicSink(DynamicSink[T]):
    """Records to a topic: each worker has a writer of its own."""

    def __init__(self, writer: Callable[[], TopicWriter[T]]) -> None:
        self._writer = writer

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "_TopicSinkPartition[T]":
        return _TopicSinkPartition(self._writer())


class _TopicSinkPartition(StatelessSinkPartition[T]):
    def __init__(self, writer: TopicWriter[T]) -> None:
        self._publish = meters.timed(metrics.STAGE_SECONDS, "publish")(writer.publish)

    def write_batch(self, items: list[T]) -> None:
        self._publish(items)
