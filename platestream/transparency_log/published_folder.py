"""Public folder of a log: files for any web server, each written atomically."""

import os
import shutil
from pathlib import Path

from platestream.runtime.private_file import synchronize

FOR_ALL, FOLDER_FOR_ALL = 0o644, 0o755
CHECKPOINT = "checkpoint"


class PublishedFolder:
    """The folder at `root`; everybody may read its files. Raises OSError if it cannot be used."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> bytes:
        """Return the content of a file. Raises FileNotFoundError."""
        return (self.root / path).read_bytes()

    def find(self, path: str) -> bytes | None:
        """Return the content of a file, or None if it does not exist."""
        try:
            return self.read(path)
        except FileNotFoundError:
            return None

    def write(self, path: str, content: bytes) -> None:
        """Create or replace a file; it is on the disk when this returns."""
        file = self.root / path
        self._make(file.parent)
        making = file.with_name(f".{file.name}.{os.getpid()}")
        with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FOR_ALL), "wb") as made:
            os.fchmod(made.fileno(), FOR_ALL)
            made.write(content)
            made.flush()
            os.fsync(made.fileno())
        making.replace(file)
        synchronize(file.parent)

    def drop_partial(self, path: str) -> None:
        """Delete the partial versions of a tile that is now full."""
        shutil.rmtree(self.root / f"{path}.p", ignore_errors=True)

    def _make(self, folder: Path) -> None:
        """Create a folder that everybody can read, independent of this process's umask."""
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
        synchronize(folder.parent)
