"""Removal of uncommitted snapshots that a killed flow left in its recovery store.

At the end of an epoch each step writes the state of the keys that it touched, each into the file that its key
belongs to; when all of it is written, the epoch is committed. A flow that is killed in between leaves some of
these snapshots, and Bytewax 0.21 does not delete them: it resumes at the start of that epoch and ignores
them, as they are not older than the resume point. But once the next run has committed an epoch of that number
without touching such a key, as runs do that load their lists first, they are older than the resume point of
the run after it. That run then has state of messages that it has yet to read, of some steps and not of
others: frames were taken for duplicates that had not been counted.

These snapshots are therefore removed before a flow starts, while no other process has the store.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

FIRST_EPOCH = 1
"""Epoch at which Bytewax resumes with a store without runs."""


def runs(store: Path) -> int:
    """Return the number of runs that have begun with this store; 0 where there is no store yet."""
    return 1 + max((number for number, _workers, _resumed in _runs(store)), default=-1)


def resume_epoch(store: Path) -> int:
    """Return where Bytewax resumes: the oldest epoch that a worker of the last run had not committed."""
    known = _runs(store)
    if not known:
        return FIRST_EPOCH
    last, workers, resumed = max(known)
    reached = {
        worker: frontier
        for file in _files(store)
        for number, worker, frontier in _rows(
            file, "SELECT ex_num, worker_index, worker_frontier FROM fronts"
        )
        if number == last
    }
    return min(max(resumed, reached.get(worker, resumed)) for worker in range(workers))


def delete_uncommitted(store: Path) -> int:
    """Delete snapshots of uncommitted epochs; return their number.

    No other process may have the store. Raises sqlite3.Error: with such a store no flow may start.
    """
    epoch, count = resume_epoch(store), 0
    for file in _files(store):
        with _opened(file) as part, part:
            count += part.execute("DELETE FROM snaps WHERE snap_epoch >= ?", [epoch]).rowcount
    return count


def _runs(store: Path) -> list[tuple[int, int, int]]:
    """Return number, workers and resumed epoch of each run; each is in one of the files."""
    return [
        row
        for file in _files(store)
        for row in _rows(file, "SELECT ex_num, worker_count, resume_epoch FROM exs")
    ]


def _files(store: Path) -> list[Path]:
    return sorted(store.glob("*.sqlite3"))


def _rows(file: Path, sql: str) -> list[tuple[int, int, int]]:
    with _opened(file) as part:
        return part.execute(sql).fetchall()


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file, timeout=30)) as part:
        yield part
