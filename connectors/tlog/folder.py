"""The published folder: files that any web server can show, each there whole or not at all."""

import os
import shutil
from pathlib import Path

FOR_ALL, FOLDER_FOR_ALL = 0o644, 0o755
CHECKPOINT = "checkpoint"


class PublishedFolder:
    """The folder at `root`; everybody may read what is in it. Raises OSError where it cannot be used."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> bytes:
        """A file. Raises FileNotFoundError."""
        return (self.root / path).read_bytes()

    def find(self, path: str) -> bytes | None:
        """A file, None where there is none."""
        try:
            return self.read(path)
        except FileNotFoundError:
            return None

    def write(self, path: str, content: bytes) -> None:
        """Put a file there, or another in its place; on the disk when this returns."""
        file = self.root / path
        self._make(file.parent)
        making = file.with_name(f".{file.name}.{os.getpid()}")
        with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FOR_ALL), "wb") as made:
            os.fchmod(made.fileno(), FOR_ALL)
            made.write(content)
            made.flush()
            os.fsync(made.fileno())
        making.replace(file)
        sync(file.parent)

    def drop_partial(self, path: str) -> None:
        """Take away the narrower versions of a tile that is full now."""
        shutil.rmtree(self.root / f"{path}.p", ignore_errors=True)

    def _make(self, folder: Path) -> None:
        """Folders for everybody, whatever this process's mask says."""
        if folder.is_dir():
            if folder == self.root and folder.stat().st_mode & FOLDER_FOR_ALL != FOLDER_FOR_ALL:
                folder.chmod(FOLDER_FOR_ALL)
            return
        if folder != self.root:
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
        else:
            folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(FOLDER_FOR_ALL)
        sync(folder.parent)


def sync(folder: Path) -> None:
    """Names in a folder are on the disk when this returns."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
