"""A small changelog to every worker of every process: Bytewax sends an item to one worker, by its key."""

from datetime import datetime
from typing import TypeVar

from bytewax.inputs import (
    DynamicSource,
    FixedPartitionedSource,
    StatefulSourcePartition,
    StatelessSourcePartition,
)

X = TypeVar("X")


class Broadcast(DynamicSource[X]):
    """All partitions of `source`, read whole by each worker by itself.

    For what steps without a key have to know, such as who may do what. There is no position to recover: each
    start, with however many processes, reads it from its beginning.
    """

    def __init__(self, source: FixedPartitionedSource[X, None]) -> None:
        self._source = source

    def build(self, step_id: str, _worker_index: int, _worker_count: int) -> "_Whole[X]":
        return _Whole([self._source.build_part(step_id, part, None) for part in self._source.list_parts()])


class _Whole(StatelessSourcePartition[X]):
    def __init__(self, parts: list[StatefulSourcePartition[X, None]]) -> None:
        self._parts = parts

    def next_batch(self) -> list[X]:
        found: list[X] = []
        for part in list(self._parts):
            try:
                found += part.next_batch()
            except StopIteration:
                part.close()
                self._parts.remove(part)
        if not self._parts and not found:
            raise StopIteration
        return found

    def next_awake(self) -> datetime | None:
        """When the first of them does; at once where one has more."""
        moments = [part.next_awake() for part in self._parts]
        known = [one for one in moments if one is not None]
        return min(known) if moments and len(known) == len(moments) else None

    def close(self) -> None:
        for part in self._parts:
            part.close()
