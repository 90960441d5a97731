"""Files for their owner alone, written whole or not at all; small ones of JSON with an item for each name."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

import msgspec

from schemas.fields import NOT_JSON

T = TypeVar("T")

CONTAINER_SECRETS = Path("/run/secrets")
"""What a container is given: nobody else sees it there, whatever its mode."""


class PrivateFileError(ValueError):
    """The file is none of these; no secret is in the message."""


def open_to_others(file: Path) -> bool:
    """Whether somebody besides the owner may use a file or folder of secrets. Raises OSError."""
    shared = stat.S_IMODE(file.stat().st_mode) & 0o077
    return bool(shared) and not file.is_relative_to(CONTAINER_SECRETS)


def write_whole(path: Path, content: bytes) -> None:
    """Put a file there, or another in its place: whoever is killed meanwhile leaves the one that was there.

    Raises OSError.
    """
    making = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as made:
            made.write(content)
            made.flush()
            os.fsync(made.fileno())
        making.replace(path)
    except OSError:
        making.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # else a power cut may bring the old one back
    finally:
        os.close(folder)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A new file for its owner alone, which gets its name once it is whole and on the disk.

    Until then it has none, so that whoever is killed leaves nothing. Where the file system cannot do that, as
    NFS cannot, it is `.NAME.PID` meanwhile, which a kill leaves. Raises FileExistsError, OSError.
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
                # Never over a file that somebody made meanwhile.
                os.link(source, path.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)
            os.fsync(folder)
        finally:
            if source == named:
                os.unlink(named, dir_fd=folder)
    finally:
        os.close(folder)


class PrivateFile(Generic[T]):
    """The file at `path`, of items of type `item`; what is written is on the disk, whole or not at all.

    `holds` names what is in it, for messages.
    """

    def __init__(self, path: Path, item: type[T], holds: str) -> None:
        self._path, self._holds = path, holds
        self._decoder = msgspec.json.Decoder(dict[str, item])  # type: ignore[valid-type]

    def read(self) -> dict[str, T]:
        """All items; none where there is no file. Raises PrivateFileError and OSError."""
        try:
            found: dict[str, T] = self._decoder.decode(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except NOT_JSON:
            raise PrivateFileError(f"{self._path} is not a file of {self._holds}") from None
        return found

    @contextmanager
    def writing(self) -> Iterator[dict[str, T]]:
        """The items, to be changed: written when the block ends. One process at a time. Raises as `read`."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(self._path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = self.read()
            yield kept
            write_whole(self._path, msgspec.json.encode(kept))
