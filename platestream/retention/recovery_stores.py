"""Recovery stores: their preparation before a flow starts, and removal of deleted state from the disk.

SQLite stores deleted bytes in free pages until the file is rebuilt. Also, a camera that fell silent leaves
its last passes in the store's state, so a store lives half the retention period at most: a flow without its
store reads its topics again and makes the same rows (docs/explanation/design.md, crash points). Uncommitted
snapshots of a killed flow are removed (`uncommitted`).

A flow is started through this module, which prepares the store and then becomes the flow's process: python -m
platestream.retention.recovery_stores STORE PARTITIONS COMMAND…

To force a regular restart, the kernel ends that process after PLATESTREAM_FLOW_DAYS (7), and after half the
retention period at the latest; its supervisor restarts it, and it continues where it stopped.

Processes of one flow (`-i`, `-a` of bytewax.run) share one store. The first of them prepares it while it has
the lock exclusively; the others then share the lock. All of them end at the same time, so that the store is
unused once in so many days. A process with other addresses than those that use the store waits until they
have ended, because two groups of processes with one store would each undo the other's work. So does a process
that restarts while the others of its run are still there: they are about to end, and the store must be
prepared before the next run.
"""

import argparse
import fcntl
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO

from bytewax.recovery import init_db_dir

from platestream.access.rules_reader import RulesError, database_may_exist, initial_profile, rules_in_force
from platestream.edges.clickhouse_client import ConnectError, DatabaseError
from platestream.retention import uncommitted
from platestream.runtime.faults import Faults
from platestream.runtime.private_file import write_file
from platestream.settings import Settings, load_settings

WITH_PLATES = ("recognize", "match")
MADE = ".made"  # suffix of the file with the time at which the store was first seen
LOCK = ".lock"  # suffix of the file that the process using the store locks
DAYS = "PLATESTREAM_FLOW_DAYS"
ADDRESSES, HOSTS = "BYTEWAX_ADDRESSES", "BYTEWAX_HOSTFILE_PATH"  # bytewax.run reads these besides -a
PATIENCE = 60.0  # seconds to wait for processes of other addresses to end


class StoreInUseError(OSError):
    """Error for a store that another process uses."""


def has_plates(name: str) -> bool:
    """Return whether the store of this name has plates in its state; `recognize-1-of-2` is one of
    recognize's.
    """
    return name.split("-")[0] in WITH_PLATES


def creation_times(folder: Path) -> dict[str, datetime]:
    """Return stores with plates in their state, and when each was first seen by `clean`."""
    names = {mark.name.removesuffix(MADE): mark for mark in sorted(folder.glob(f"*{MADE}"))}
    return {
        name: datetime.fromisoformat(mark.read_text())
        for name, mark in names.items()
        if has_plates(name) and (folder / name).exists()
    }


def lock_store(store: Path) -> IO[bytes]:
    """Lock a store until the returned file is closed. Raises StoreInUseError."""
    lock = store.with_name(store.name + LOCK).open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise StoreInUseError(f"the recovery store {store} is in use by another process") from None
    return lock


def cluster_of(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the addresses of the processes that share the flow, as `bytewax.run` gets them; empty for a
    single process.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-a", "--addresses", default=environ.get(ADDRESSES, ""))
    options, _rest = parser.parse_known_args(list(command))
    if not options.addresses and (hosts := environ.get(HOSTS)):
        return ";".join(Path(hosts).read_text().split())
    return str(options.addresses)


def lock_shared(
    store: Path, cluster: str, order: Callable[[], None], until: datetime, patience: float = PATIENCE
) -> tuple[IO[bytes], datetime]:
    """Return the lock of a store, shared with the other processes of `cluster`, and the time at which all of
    them end.

    The process that has it exclusively at first calls `order` to prepare the store, and its `until` holds for
    those that come later, as long as their run has not begun; after that the others are about to end.

    Raises StoreInUseError where the processes that use the store do not end within `patience` seconds.
    """
    lock = store.with_name(store.name + LOCK).open("a+b")
    give_up = time.monotonic() + patience
    while True:
        if _locked(lock, fcntl.LOCK_EX):
            order()
            lock.truncate(0)
            lock.write(f"{cluster}\n{until.isoformat()}\n{uncommitted.runs(store)}".encode())
            lock.flush()
            # The lock is free for an instant, and another process may prepare the store again.
            fcntl.flock(lock, fcntl.LOCK_SH)
        if _locked(lock, fcntl.LOCK_SH):
            lock.seek(0)
            others, ends, runs = (*lock.read().decode().split("\n"), "", "")[:3]
            same = (others, runs) == (cluster, str(uncommitted.runs(store)))
            if same and datetime.now(UTC) < (due := datetime.fromisoformat(ends)):
                return lock, due
            fcntl.flock(lock, fcntl.LOCK_UN)
        if time.monotonic() > give_up:
            lock.close()
            raise StoreInUseError(
                f"the recovery store {store} is in use by processes of other addresses than {cluster}, or of "
                "a run of these that has not ended: stop all of them before you start another number"
            )
        time.sleep(0.1)


def _locked(lock: IO[bytes], how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def make(store: Path, partitions: int) -> None:
    """Make a complete store under a temporary name, then rename it; an interrupted one is made again."""
    making = store.with_name(f"{store.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    init_db_dir(making, partitions)
    making.rename(store)


def prepare(store: Path, partitions: int, period: timedelta, now: datetime) -> str:
    """Prepare a locked store for a flow that starts now: make it, make it again, or restore it to its last
    committed state and rebuild it. Return what was done, in words.
    """
    mark = store.with_name(store.name + MADE)
    since = _made(mark, now) if mark.exists() else now
    if store.exists() and not (has_plates(store.name) and now - since >= period / 2):
        if not mark.exists():
            write_file(mark, now.isoformat().encode())
        taken_back = uncommitted.delete_uncommitted(store)
        rebuild(store)
        return f"took back {taken_back} snapshots that were not committed from {store}" if taken_back else ""
    shutil.rmtree(store, ignore_errors=True)
    make(store, partitions)
    write_file(mark, now.isoformat().encode())
    return f"made the recovery store {store} with {partitions} partitions"


def clean(folder: Path, period: timedelta, now: datetime, faults: Faults) -> list[str]:
    """Rebuild each store below `folder`, and remove those that are too old; return what was done.

    A store that a flow uses is skipped: it is prepared at the flow's next start.
    """
    done: list[str] = []
    for store in sorted(path for path in folder.glob("*") if path.is_dir() and not path.suffix):
        step = partial(_clean, store, period, now)
        done += faults.attempt(f"recovery store {store.name}", step) or []
    return done


def _clean(store: Path, period: timedelta, now: datetime) -> list[str]:
    try:
        with lock_store(store):
            mark = store.with_name(store.name + MADE)
            if not mark.exists():
                write_file(mark, now.isoformat().encode())
            since = _made(mark, now)
            if has_plates(store.name) and now - since >= period / 2:
                shutil.rmtree(store)
                mark.unlink()
                return [f"{store.name}: removed, made {since:%Y-%m-%d}"]
            return [] if rebuild(store) else [f"{store.name}: in use, left"]
    except StoreInUseError:
        return [f"{store.name}: in use, left"]


def _made(mark: Path, now: datetime) -> datetime:
    """Return when a store was made; 1970 where its mark cannot be read or is of a later day, so that its
    plates do not outlive their time.
    """
    with suppress(ValueError, TypeError):
        if (since := datetime.fromisoformat(mark.read_text())) <= now + timedelta(days=1):
            return since
    return datetime.fromtimestamp(0, UTC)


def rebuild(store: Path) -> bool:
    """Remove deleted state of this store from the disk; return False where a flow uses a file of it."""
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


def main(store: str, partitions: str, *command: str) -> None:
    """Become `command`, with the store prepared and its lock held.

    Raises StoreInUseError, SettingsError and RulesError.
    """
    place = Path(store)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    period = _period(load_settings())
    until = datetime.now(UTC) + min(timedelta(days=float(os.environ.get(DAYS, "7"))), period / 2)

    def order() -> None:
        note = prepare(place, int(partitions), period, datetime.now(UTC))
        if note:
            sys.stderr.write(f"{note}\n")

    if cluster := cluster_of(command, os.environ):
        lock, until = lock_shared(place, cluster, order, until)
    else:
        lock = lock_store(place)
        order()
    os.set_inheritable(lock.fileno(), True)
    # The alarm survives exec. It may end the flow at any point, from which the store recovers it.
    signal.alarm(max(1, round((until - datetime.now(UTC)).total_seconds())))
    os.execvp(command[0], command)  # noqa: S606  a flow, named by whoever starts this


def _period(settings: Settings) -> timedelta:
    """Return the retention period. Raises RulesError.

    While the database is unreachable it is that of the named profile: the flow itself asks again, and does
    not start.
    """
    try:
        if database_may_exist(settings):
            return rules_in_force(settings).profile.retention.span
    except (ConnectError, DatabaseError):
        pass
    return initial_profile(settings).retention.span


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (StoreInUseError, RulesError) as error:
        sys.exit(str(error))
