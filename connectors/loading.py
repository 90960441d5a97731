"""Reads wait at their source while a changelog loads, so that little is held in the matcher's memory.

This bounds memory within a process. That no read is judged too early is the matcher's own doing: it counts
the `EndOfSnapshot` marks, which reach it through the stream behind the entries, in any number of processes.

What is loaded stays, so the collector of cycles rests while it comes and never looks at it after: at
millions of entries each look would hold the flow up.
"""

import gc

from connectors.clock import utc_now
from connectors.metrics import meters
from schemas import metrics


def arrived(topic: str) -> None:
    """A source got messages of `topic`."""
    meters.put(metrics.TOPIC_LAST_MESSAGE, topic, to=utc_now().timestamp())


class SnapshotBarrier:
    """Shared by the sources of one edge in one process."""

    def __init__(self) -> None:
        self._loading: set[str] = set()

    def expect(self, part: str) -> None:
        """A changelog partition starts to load."""
        gc.disable()
        self._loading.add(part)
        meters.put(metrics.LOADING, to=len(self._loading))

    def reached(self, part: str) -> None:
        """It has been read to the end that it had at the start."""
        self._loading.discard(part)
        if self.loaded:
            gc.freeze()
            gc.enable()
        meters.put(metrics.LOADING, to=len(self._loading))

    @property
    def loaded(self) -> bool:
        """No partition of this process is still loading."""
        return not self._loading
