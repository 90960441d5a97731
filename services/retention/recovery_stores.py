"""Recovery stores: what a flow has forgotten leaves the disk, too.

SQLite keeps deleted bytes in free pages until it is told to rebuild the file. And a camera that fell silent
leaves its last passes in the store's state, so a store lives half the retention period at most: a flow
without its store reads its topics again and makes the same rows (docs/design.md, crash points).

In a container the store of a flow is rebuilt before the flow starts:
python -m services.retention.recovery_stores STORE
"""

import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

PLATED = ("recognize", "match")
MADE = ".made"  # beside a store: when it was first seen


def made(folder: Path) -> dict[str, datetime]:
    """Stores with plates in their state, and when each was first seen by `clean`."""
    return {
        mark.name.removesuffix(MADE): datetime.fromisoformat(mark.read_text())
        for mark in sorted(folder.glob(f"*{MADE}"))
        if mark.name.removesuffix(MADE) in PLATED
    }


def clean(folder: Path, period: timedelta, now: datetime) -> list[str]:
    """Rebuild each store below `folder`, and remove those that are too old; says what was done.

    A store that a running flow holds is left for the next run.
    """
    done = []
    for store in sorted(path for path in folder.glob("*") if path.is_dir()):
        mark = folder / f"{store.name}{MADE}"
        if not mark.exists():
            mark.write_text(now.isoformat())
        made = datetime.fromisoformat(mark.read_text())
        if store.name in PLATED and now - made >= period / 2:
            shutil.rmtree(store)
            mark.unlink()
            done.append(f"{store.name}: removed, made {made:%Y-%m-%d}")
            continue
        if not rebuild(store):
            done.append(f"{store.name}: in use, left")
    return done


def rebuild(store: Path) -> bool:
    """Take off the disk what the flow of this store has forgotten; False where it holds a file of it."""
    rebuilt = [_rebuild(file) for file in sorted(store.glob("*.sqlite3"))]
    return all(rebuilt)


def _rebuild(file: Path) -> bool:
    try:
        with closing(sqlite3.connect(file, timeout=1, isolation_level=None)) as store:
            store.execute("VACUUM")
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(0 if rebuild(Path(sys.argv[1])) else f"{sys.argv[1]} is in use")
