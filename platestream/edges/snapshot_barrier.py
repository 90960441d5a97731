"""Barrier that holds reads back while a changelog loads, so that the matcher stores few of them in memory.

It bounds the memory of one process. The matcher itself makes sure that no read is judged too early: it counts
the `EndOfSnapshot` marks, which arrive in the stream after the entries, in any number of processes.

Loaded objects stay, so the garbage collector is off during the load and ignores them afterwards: with
millions of entries each collection would stop the flow.
"""

import gc

from platestream.runtime.clock import utc_now
from platestream.runtime.metrics import meters
from platestream.schemas import metrics


def note_arrival(topic: str) -> None:
    """Record that a source received messages of `topic`."""
    meters.put(metrics.TOPIC_LAST_MESSAGE, topic, to=utc_now().timestamp())


class SnapshotBarrier:
    """Barrier shared by the sources of one edge in one process."""

    def __init__(self) -> None:
        self._loading: set[str] = set()

    def expect(self, part: str) -> None:
        """Note that a changelog partition starts to load."""
        gc.disable()
        self._loading.add(part)
        meters.put(metrics.LOADING, to=len(self._loading))

    def mark_loaded(self, part: str) -> None:
        """Note that a partition was read to the end that it had at the start."""
        self._loading.discard(part)
        if self.loaded:
            gc.freeze()
            gc.enable()
        meters.put(metrics.LOADING, to=len(self._loading))

    @property
    def loaded(self) -> bool:
        """True if no partition of this process is still loading."""
        return not self._loading
