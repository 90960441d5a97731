"""A folder, usually a mounted share, that an evidence system takes files from.

An unmounted share is an empty folder of this machine, in which a package would look delivered. The folder
therefore has a file `.platestream-evidence` with the name of its evidence system, and without it nothing is
written.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from io import BufferedReader
from pathlib import Path
from shutil import copyfileobj

from platestream.evidence.channels.channel import ChannelError
from platestream.runtime.private_file import synchronize

MARK = ".platestream-evidence"
_READ = os.O_RDONLY | os.O_NOFOLLOW
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW


class FolderChannel:
    """The folder of the evidence system `name`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name

    def check(self) -> None:
        """Raise ChannelError without the folder's mark."""
        found = self.read(MARK, 200)
        if found is None or found.decode(errors="replace").strip() != self._name:
            raise ChannelError(f"{MARK} with the name {self._name} is not in the folder: is it mounted?")

    def size(self, name: str) -> int | None:
        """Return the bytes of a file; None where there is none."""
        with _errors("reading the folder"):
            try:
                found = (self._folder / name).lstat()
            except FileNotFoundError:
                return None
        if not stat.S_ISREG(found.st_mode):
            raise ChannelError(f"{name} is there, and is no file")
        return found.st_size

    def put(self, source: Path, name: str, *, resume: bool) -> None:  # noqa: ARG002 - a copy is quick
        """Copy a file; where that fails nothing of it remains, so that a full disk is not filled."""
        path = self._folder / name
        with _errors("writing"):
            try:
                with source.open("rb") as file, open(os.open(path, _WRITE, 0o640), "wb") as made:
                    copyfileobj(file, made, 1 << 20)
                    made.flush()
                    os.fsync(made.fileno())
            except OSError:
                path.unlink(missing_ok=True)
                raise

    def digest(self, name: str, most: int) -> str | None:  # noqa: ARG002 - nothing is copied
        """Return the SHA-256 of the file, which the system is asked to read from the disk or the share."""
        with _errors("reading back"), self._open(name) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            return file_digest(file, "sha256").hexdigest()

    def read(self, name: str, most: int) -> bytes | None:
        """Return at most `most` bytes of a file; None where there is none."""
        with _errors("reading the folder"):
            try:
                with self._open(name) as file:
                    return file.read(most)
            except FileNotFoundError:
                return None

    def rename(self, old: str, new: str) -> None:
        """Rename a file; the job alone writes here, so that nothing comes between check and rename."""
        if self.size(new) is not None:
            raise ChannelError(f"{new} is there already")
        with _errors("renaming"):
            (self._folder / old).rename(self._folder / new)
            synchronize(self._folder)

    def remove(self, name: str) -> None:
        """Delete a file."""
        with _errors("deleting"):
            (self._folder / name).unlink(missing_ok=True)

    def _open(self, name: str) -> BufferedReader:
        return open(os.open(self._folder / name, _READ), "rb")


@contextmanager
def _errors(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ChannelError(f"{doing}: {error.strerror}") from None
