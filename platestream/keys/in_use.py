"""Lock by which processes that use the keys of a folder hold off a change of the master key, and it them.

A process takes it when it opens the folder, or at its first use of a key, and holds it until it ends.
"""

import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platestream.keys.master import KeysError

LOCK = "in-use.lock"
_HELD: dict[Path, int] = {}
_ALONE: set[Path] = set()
_CHANGING = threading.Lock()
_NAME_WORDS = 3


class KeysInUseError(KeysError):
    """Keys that other processes use; the message names those that can be seen from here."""


def note_use(folder: Path) -> None:
    """Hold the lock of a folder until this process ends. Raises KeysError while the master key is changed."""
    folder = folder.resolve()
    with _CHANGING:
        if folder in _HELD or folder in _ALONE or not folder.is_dir():
            return
        try:
            lock = os.open(folder / LOCK, os.O_RDONLY | os.O_CREAT, 0o600)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EROFS):
                return  # a process that may not write here
            raise KeysError(f"{folder / LOCK}: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise KeysError(
                f"the master key of {folder} is changed just now: start again after that"
            ) from None
        _HELD[folder] = lock


def forget() -> None:
    """Release all locks, as the end of the process does: for tests, of which each has keys of its own."""
    with _CHANGING:
        while _HELD:
            os.close(_HELD.popitem()[1])


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold off every process that uses the keys of a folder. Raises KeysInUseError."""
    folder = folder.resolve()
    with _CHANGING:
        if (mine := _HELD.pop(folder, None)) is not None:
            os.close(mine)
        lock = os.open(folder / LOCK, os.O_RDONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            names = ", ".join(_holders(folder / LOCK)) or "a process of another container or machine"
            raise KeysInUseError(f"the keys of {folder} are in use by {names}: stop it first") from None
        _ALONE.add(folder)
    try:
        yield
    finally:
        _ALONE.discard(folder)
        os.close(lock)


def _holders(lock: Path) -> Iterator[str]:
    """Yield names of processes of this machine that hold the lock."""
    inode = str(lock.stat().st_ino)
    with suppress(OSError):
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if "FLOCK" in words and words[5].rpartition(":")[2] == inode:
                yield _name(words[4])


def _name(pid: str) -> str:
    """Return how a process was started, without the paths of the interpreter."""
    words: list[str] = []
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    words = words[words.index("-m") + 1 :] if "-m" in words else words
    said = " ".join(os.path.basename(one) for one in words[:_NAME_WORDS]).strip()
    return f"process {pid} ({said})" if said else f"process {pid}"
