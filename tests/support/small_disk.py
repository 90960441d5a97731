"""A small disk in memory, that can be filled."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.conftest import skip_unless_ci


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own at `folder`, of `size` as mount(8) has it."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        skip_unless_ci("no disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path, free: int = 0) -> Path:
    """Write a file, which is answered, until nothing more goes in, or just `free` bytes."""
    filler = disk / "filler"
    for size in (65536, 1):  # a page that was begun, too
        with filler.open("ab", buffering=0) as file, suppress(OSError):
            while file.write(bytes(size)):
                pass
    os.truncate(filler, max(0, filler.stat().st_size - free))
    return filler
