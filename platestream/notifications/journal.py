"""Journal of recent deliveries on the local disk, until the ledger has acknowledged them.

Writing a line takes microseconds and survives a kill -9 of the process; a request to the broker takes
milliseconds. The journal is not synced: after a power failure only the ledger counts. The same holds while
the disk is full: a delivery that cannot be noted is still written to the ledger.
"""

import logging
import os
import threading
from pathlib import Path

from platestream.schemas.delivery import Delivery
from platestream.schemas.message import RefusedError

log = logging.getLogger(__name__)


class Journal:
    """Deliveries that may not be in the ledger yet."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self._open = 0
        self._torn = False

    def left(self) -> list[Delivery]:
        """Return the unsettled deliveries of an earlier process; incomplete lines are ignored."""
        size = os.fstat(self._file).st_size
        found = []
        for line in os.pread(self._file, size, 0).splitlines():
            try:
                found.append(Delivery.from_json(line))
            except RefusedError:
                continue
        return found

    def clear(self) -> None:
        """Empty the journal after everything in it was written to the ledger."""
        os.ftruncate(self._file, 0)

    def note(self, delivery: Delivery) -> None:
        """Add a delivery, if the disk has room for it."""
        line = delivery.to_json() + b"\n"
        with self._lock:
            self._open += 1
            start = b"\n" if self._torn else b""
            try:
                written = os.write(self._file, start + line)
            except OSError as error:
                log.warning("journal of deliveries: %s", error.strerror)
            else:
                self._torn = written < len(start + line)

    def settle(self, count: int) -> None:
        """Note that the ledger has `count` more deliveries. The journal is emptied once it has them all."""
        with self._lock:
            self._open -= count
            if self._open == 0:
                os.ftruncate(self._file, 0)
