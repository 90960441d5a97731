"""Inserts into the embedded engine without a file on the disk: its client writes each one to one in clear."""

import os
from types import SimpleNamespace
from typing import Any


class MemoryFile:
    """A file in memory with a path in this process, in place of `NamedTemporaryFile(delete=False)`.

    The client closes it before the engine reads it, so it is there until nobody has the object.
    """

    def __init__(self, suffix: str = "", *, delete: bool = False) -> None:
        self._file = os.fdopen(os.memfd_create(f"platestream-insert{suffix}"), "wb")
        self.name = f"/proc/self/fd/{self._file.fileno()}"

    def write(self, data: Any) -> int:
        """Write bytes."""
        return self._file.write(data)

    def close(self) -> None:
        """Make all of it readable under its path."""
        self._file.flush()

    def __del__(self) -> None:
        self._file.close()


def keep_in_memory() -> None:
    """Let the client of the embedded engine write its inserts to memory, for all of this process."""
    from clickhouse_connect.driver._backend import chdb_backend

    chdb_backend.tempfile = SimpleNamespace(NamedTemporaryFile=MemoryFile)  # type: ignore[attr-defined, assignment]
