"""The folder of a test run's temporary files: in memory where there is room.

The embedded engine makes hundreds of thousands of small files in a run: on a disk that took half of the run's
system time.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

MEMORY = Path("/dev/shm")
PREFIX = "platestream-tests-"
ROOM = 6 << 30
"""Bytes. Docker gives a container 64 MB unless it is asked for more."""


def memory_folder() -> Path | None:
    """Make this process's folder in memory, and remove those of processes that have ended.

    Returns None where too little memory is free.
    """
    for folder in MEMORY.glob(f"{PREFIX}[0-9]*"):
        if not Path(f"/proc/{folder.name.removeprefix(PREFIX)}").exists():
            shutil.rmtree(folder, ignore_errors=True)
    if not _has_room():
        return None
    made = MEMORY / f"{PREFIX}{os.getpid()}"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(mode=0o700)
    return made


def _has_room() -> bool:
    """True if a file system in memory has room, and as much memory is left besides for the processes."""
    with suppress(OSError):
        in_memory = f" {MEMORY} tmpfs " in Path("/proc/mounts").read_text()
        return in_memory and shutil.disk_usage(MEMORY).free > ROOM and _available() > 2 * ROOM
    return False


def _available() -> int:
    """Memory that can be used, in bytes; of a container at most what it may have."""
    found = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    result = int(found["MemAvailable"].split()[0]) * 1024
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # it says "max" where there is none
            result = min(result, int(Path(limit).read_text()))
    return result
