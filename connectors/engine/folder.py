"""One process for one data folder: a lock that the kernel lets go when its holder dies, even by kill -9."""

import fcntl
import os
from pathlib import Path
from typing import IO

NAME = "engine.lock"


def embedded(data: Path) -> Path:
    """Where commands have the tables of a data folder while no engine does."""
    return (data / "clickhouse" / "platestream").absolute()


class FolderError(RuntimeError):
    """The folder cannot be used; a sentence for the terminal."""


def database(data: Path) -> Path:
    """Where the tables of a data folder lie: where commands without the engine have them, so that what was
    put on record before it started is there after. Those that an older engine made a folder higher stay.
    """
    before = data / "clickhouse"
    return before if (before / "metadata").is_dir() else embedded(data)


def hold(folder: Path) -> IO[str]:
    """Make `folder` (0700) if need be and take its lock, which lasts until the answer is closed.

    The file stays when its holder dies, the lock does not. Raises FolderError that names the holder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / NAME).open("a+")
    except OSError as error:
        raise FolderError(f"the data folder {folder} cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise FolderError(
            f"an engine or a demo works in {folder} (process {holder}): stop it first, or connect to it"
        ) from None
    lock.seek(0)
    lock.truncate()
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock
