"""Files that only their owner can read, written atomically; among them JSON files with named items."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

import msgspec

from platestream.schemas.fields import NOT_JSON

T = TypeVar("T")

CONTAINER_SECRETS = Path("/run/secrets")
"""Folder of a container's secrets, which only it can see, whatever their mode."""


class PrivateFileError(ValueError):
    """A file with invalid content; the message contains no secret."""


def open_to_others(file: Path) -> bool:
    """Return whether somebody besides the owner may use a file or folder of secrets. Raises OSError."""
    shared = stat.S_IMODE(file.stat().st_mode) & 0o077
    return bool(shared) and not file.is_relative_to(CONTAINER_SECRETS)


def write_file(path: Path, content: bytes, *, keep: bool = False, mode: int = 0o600) -> None:
    """Create or replace a file atomically: if the process is killed, the old file remains. Raises OSError.

    With `keep` an existing file keeps owner, group and mode: it may be for another user. A new
    one has `mode`.
    """
    making = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        before = path.stat() if keep else None
        with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as made:
            made.write(content)
            if before is not None:
                os.fchown(made.fileno(), before.st_uid, before.st_gid)
                os.fchmod(made.fileno(), stat.S_IMODE(before.st_mode))
            made.flush()
            os.fsync(made.fileno())
        making.replace(path)
    except OSError:
        making.unlink(missing_ok=True)
        raise
    synchronize(path.parent)  # else the old file may return after a power failure


def synchronize(folder: Path) -> None:
    """Wait until the names in a folder are on the disk. Raises OSError."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file for its owner only, which gets its name once it is complete and on the disk.

    Until then it has no name, so a killed process leaves nothing. On file systems without support, such as
    NFS, it is named `.NAME.PID` in the meantime and may remain after a kill. Raises FileExistsError, OSError.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    named = f".{path.name}.{os.getpid()}"
    try:
        try:
            raw = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o600, dir_fd=folder)
            source = f"/proc/self/fd/{raw}"
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                raise
            raw = os.open(named, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
            source = named
        try:
            with open(raw, "w+b") as made:
                yield made
                made.flush()
                os.fsync(raw)
                # A file that was created in the meantime is never overwritten.
                os.link(source, path.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)
            os.fsync(folder)
        finally:
            if source == named:
                os.unlink(named, dir_fd=folder)
    finally:
        os.close(folder)


class PrivateFile(Generic[T]):
    """The file at `path` with items of type `item`; writes are atomic and synchronized with the disk.

    `holds` names its content, for messages.
    """

    def __init__(self, path: Path, item: type[T], holds: str) -> None:
        self._path, self._holds = path, holds
        self._decoder = msgspec.json.Decoder(dict[str, item])  # type: ignore[valid-type]

    def read(self) -> dict[str, T]:
        """Return all items; none if there is no file. Raises PrivateFileError and OSError."""
        try:
            found: dict[str, T] = self._decoder.decode(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except NOT_JSON:
            raise PrivateFileError(f"{self._path} is not a file of {self._holds}") from None
        return found

    @contextmanager
    def writing(self) -> Iterator[dict[str, T]]:
        """Yield the items for changes, which are written when the block ends. One process at a time.

        Raises as `read`.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(self._path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            items = self.read()
            yield items
            write_file(self._path, msgspec.json.encode(items))
