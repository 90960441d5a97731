"""What a killed flow left in its recovery store of an epoch that it did not commit.

At the end of an epoch each step writes the state of the keys that it touched, each into the file that its key
belongs to; when all of it is there, the epoch is committed. A flow that is killed in between leaves some of
these snapshots, and Bytewax 0.21 leaves them in the store: it resumes at the start of that epoch and passes
over them, as they are not older than where it resumes. But once the next run has committed an epoch of that
number without touching such a key, as runs do that load their lists first, they are older than where the run
after it resumes: that run then has state of what it has yet to read, and of some steps and not of others.
Frames were taken for doubled that nobody had counted.

So whoever starts a flow takes these snapshots back first, while nobody else has the store.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

FIRST_EPOCH = 1
"""Where Bytewax resumes when a store has seen no run."""


def runs(store: Path) -> int:
    """How many runs have begun with this store; 0 where there is no store yet."""
    return 1 + max((number for number, _workers, _resumed in _runs(store)), default=-1)


def resume_epoch(store: Path) -> int:
    """Where Bytewax resumes: at the oldest epoch that a worker of the last run had not committed."""
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


def take_back(store: Path) -> int:
    """Delete what is of epochs that were not committed; says how many snapshots that were.

    Nobody else may have the store. Raises sqlite3.Error: with such a store no flow may start.
    """
    epoch, count = resume_epoch(store), 0
    for file in _files(store):
        with _opened(file) as part, part:
            count += part.execute("DELETE FROM snaps WHERE snap_epoch >= ?", [epoch]).rowcount
    return count


def _runs(store: Path) -> list[tuple[int, int, int]]:
    """Number, workers and resumed epoch of each run; each is in one of the files."""
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
