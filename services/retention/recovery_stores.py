"""Recovery stores: what a flow has forgotten leaves the disk, too.

SQLite keeps deleted bytes in free pages until it is told to rebuild the file. And a camera that fell silent
leaves its last passes in the store's state, so a store lives half the retention period at most: a flow
without its store reads its topics again and makes the same rows (docs/design.md, crash points). And what a
killed flow left half written is taken back (`uncommitted`).

What starts a flow starts it through this module, which brings the store in order first and then becomes
the flow's process: python -m services.retention.recovery_stores STORE PARTITIONS COMMAND…
So that there is a start now and then, the kernel ends that process after PLATESTREAM_FLOW_DAYS (7), and after
half the retention period at the latest; whatever restarts it lets it go on where it stopped.

Processes of one flow (`-i`, `-a` of bytewax.run) share one store. The first of them brings it in order while
it has the lock alone; the others then have it with that one. All of them end at the same time, so that the
store is alone again once in so many days. Who is told other addresses than those that work with the store
waits until they have ended: two groups of processes with one store would each undo what the other does. So
does who is started anew while the others of its run still are there: they are about to end, and the store is
to be brought in order before the next run.
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
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from bytewax.recovery import init_db_dir

from connectors.clickhouse_client import ConnectError, DatabaseError
from connectors.private_file import write_whole
from connectors.rules_in_force import RulesError, before_there_are_any, may_be_there
from connectors.settings import Settings, load_settings
from flows.in_force import rules_in_force
from services.retention import uncommitted

PLATED = ("recognize", "match")
MADE = ".made"  # beside a store: when it was first seen
LOCK = ".lock"  # beside a store: held by the process that works with it
DAYS = "PLATESTREAM_FLOW_DAYS"
ADDRESSES, HOSTS = "BYTEWAX_ADDRESSES", "BYTEWAX_HOSTFILE_PATH"  # what bytewax.run reads besides -a
PATIENCE = 60.0  # seconds for which a process waits for those of other addresses to end


class StoreInUseError(OSError):
    """Another process works with the store."""


def plated(name: str) -> bool:
    """Whether the store of this name has plates in its state; `recognize-1-of-2` is one of recognize's."""
    return name.split("-")[0] in PLATED


def made(folder: Path) -> dict[str, datetime]:
    """Stores with plates in their state, and when each was first seen by `clean`."""
    names = {mark.name.removesuffix(MADE): mark for mark in sorted(folder.glob(f"*{MADE}"))}
    return {
        name: datetime.fromisoformat(mark.read_text())
        for name, mark in names.items()
        if plated(name) and (folder / name).exists()
    }


def hold(store: Path) -> IO[bytes]:
    """The lock of a store, until the answer is closed. Raises StoreInUseError."""
    lock = store.with_name(store.name + LOCK).open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise StoreInUseError(f"the recovery store {store} is in use by another process") from None
    return lock


def cluster_of(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """Addresses of the processes that share the flow, as `bytewax.run` is told them; empty: it has one."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-a", "--addresses", default=environ.get(ADDRESSES, ""))
    told, _rest = parser.parse_known_args(list(command))
    if not told.addresses and (hosts := environ.get(HOSTS)):
        return ";".join(Path(hosts).read_text().split())
    return str(told.addresses)


def share(
    store: Path, cluster: str, order: Callable[[], None], until: datetime, patience: float = PATIENCE
) -> tuple[IO[bytes], datetime]:
    """The lock of a store with the other processes of `cluster`, and when all of them end.

    Who has it alone at first brings it in `order`, and `until` holds for those who come after, as long as
    their run has not begun: of a run that has, the others are about to end.
    Raises StoreInUseError where those that have the store do not end within `patience` seconds.
    """
    lock = store.with_name(store.name + LOCK).open("a+b")
    give_up = time.monotonic() + patience
    while True:
        if _locked(lock, fcntl.LOCK_EX):
            order()
            lock.truncate(0)
            lock.write(f"{cluster}\n{until.isoformat()}\n{uncommitted.runs(store)}".encode())
            lock.flush()
            # For a moment nobody has it, and another may bring the store in order again: none has opened it.
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
    """Make a store whole, beside its place; one whose making was interrupted is made again."""
    making = store.with_name(f"{store.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    init_db_dir(making, partitions)
    making.rename(store)


def bring_in_order(store: Path, partitions: int, period: timedelta, now: datetime) -> str:
    """A store for a flow that starts now, whose lock is held: made, or made anew, or brought back to what its
    last run committed and rebuilt; says which.
    """
    mark = store.with_name(store.name + MADE)
    since = datetime.fromisoformat(mark.read_text()) if mark.exists() else now
    if store.exists() and not (plated(store.name) and now - since >= period / 2):
        if not mark.exists():
            write_whole(mark, now.isoformat().encode())
        taken_back = uncommitted.take_back(store)
        rebuild(store)
        return f"took back {taken_back} snapshots that were not committed from {store}" if taken_back else ""
    shutil.rmtree(store, ignore_errors=True)
    make(store, partitions)
    write_whole(mark, now.isoformat().encode())
    return f"made the recovery store {store} with {partitions} partitions"


def clean(folder: Path, period: timedelta, now: datetime) -> list[str]:
    """Rebuild each store below `folder`, and remove those that are too old; says what was done.

    A store that a flow holds is left: its next start brings it in order.
    """
    done = []
    for store in sorted(path for path in folder.glob("*") if path.is_dir() and not path.suffix):
        try:
            with hold(store):
                done += _clean(store, period, now)
        except StoreInUseError:
            done.append(f"{store.name}: in use, left")
    return done


def _clean(store: Path, period: timedelta, now: datetime) -> list[str]:
    mark = store.with_name(store.name + MADE)
    if not mark.exists():
        write_whole(mark, now.isoformat().encode())
    since = datetime.fromisoformat(mark.read_text())
    if plated(store.name) and now - since >= period / 2:
        shutil.rmtree(store)
        mark.unlink()
        return [f"{store.name}: removed, made {since:%Y-%m-%d}"]
    return [] if rebuild(store) else [f"{store.name}: in use, left"]


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


def main(store: str, partitions: str, *command: str) -> None:
    """Become `command`, with the store in order and its lock held.

    Raises StoreInUseError, SettingsError and RulesError.
    """
    place = Path(store)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    period = _period(load_settings())
    until = datetime.now(UTC) + min(timedelta(days=float(os.environ.get(DAYS, "7"))), period / 2)

    def order() -> None:
        said = bring_in_order(place, int(partitions), period, datetime.now(UTC))
        if said:
            sys.stderr.write(f"{said}\n")

    if cluster := cluster_of(command, os.environ):
        lock, until = share(place, cluster, order, until)
    else:
        lock = hold(place)
        order()
    os.set_inheritable(lock.fileno(), True)
    # The alarm stays through exec. It ends the flow amid whatever it does, which is what the store is for.
    signal.alarm(max(1, round((until - datetime.now(UTC)).total_seconds())))
    os.execvp(command[0], command)  # noqa: S606  a flow, named by whoever starts this


def _period(settings: Settings) -> timedelta:
    """How long data is kept. Raises RulesError.

    While the database is away that is what the named profile says: the flow that follows asks again, and does
    not start.
    """
    try:
        if may_be_there(settings):
            return rules_in_force(settings).profile.retention.span
    except (ConnectError, DatabaseError):
        pass
    return before_there_are_any(settings).retention.span


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (StoreInUseError, RulesError) as error:
        sys.exit(str(error))
