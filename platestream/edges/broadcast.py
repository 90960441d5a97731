"""Source that gives a small changelog to every worker of every process.

Bytewax itself sends an item to one worker, chosen by its key.
"""

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
    """All partitions of `source`, read completely by each worker.

    It is for data that steps without a key need, such as the rights of users. There is no position to
    recover: each start reads the changelog from its beginning, with any number of processes.
    """

    def __init__(self, source: FixedPartitionedSource[X, None]) -> None:
        self._source = source

    def build(self, step_id: str, _worker_index: int, _worker_count: int) -> "_AllPartitions[X]":
        return _AllPartitions(
            [self._source.build_part(step_id, part, None) for part in self._source.list_parts()]
        )


class _AllPartitions(StatelessSourcePartition[X]):
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
        """Return the earliest time of all parts, or None if a part has more items now."""
        moments = [part.next_awake() for part in self._parts]
        known = [one for one in moments if one is not None]
        return min(known) if moments and len(known) == len(moments) else None

    def close(self) -> None:
        for part in self._parts:
            part.close()
