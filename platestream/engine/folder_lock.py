"""Lock of a data folder for one process. The kernel releases it when the holder dies, even by kill -9."""

import fcntl
import os
from pathlib import Path
from typing import IO

NAME = "engine.lock"


def embedded_folder(data: Path) -> Path:
    """Return the folder of the tables that commands use while no engine runs."""
    return (data / "clickhouse" / "platestream").absolute()


class FolderError(RuntimeError):
    """An unusable folder; the message is a sentence for the terminal."""


def database_folder(data: Path) -> Path:
    """Return the folder of the tables of a data folder.

    It is the one that commands use without an engine, so that acts logged before the engine's start are there
    after it. Tables that an older engine made one folder higher stay there.
    """
    before = data / "clickhouse"
    return before if (before / "metadata").is_dir() else embedded_folder(data)


def lock_folder(folder: Path) -> IO[str]:
    """Create `folder` (0700) if needed and lock it until the returned file is closed.

    The file remains when its holder dies, the lock does not. Raises FolderError, which names the holder.
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
