"""What each process of a system holds, sample by sample, as the kernel tells it to root."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from platestream.operations.up.supervisor import Supervisor

PROC = Path("/proc")
TICK = os.sysconf("SC_CLK_TCK")
SUPERVISOR = "supervisord"
LOG = "log"


@dataclass(frozen=True)
class Sample:
    """One process with its children, at a moment `at` (seconds since the beginning).

    `memory` is what of it is resident and of no file, in bytes (RssAnon): what leaks is there, and what the
    kernel keeps of files is not. `files` are open descriptors: files, sockets, pipes. `cpu` is in seconds
    since the process began.
    """

    at: float
    name: str
    pid: int
    memory: int
    resident: int
    files: int
    threads: int
    cpu: float


def samples(supervisor: Supervisor, began: float) -> Iterator[Sample]:
    """All processes of a system now; one that is not there at this moment is left out."""
    at = time.monotonic() - began
    for name, pid in _processes(supervisor).items():
        try:
            yield _sample(at, name, pid)
        except (FileNotFoundError, ProcessLookupError):
            continue


def disk(data: Path) -> dict[str, int]:
    """Bytes that each folder of a data folder takes on the disk."""
    return {one.name: _on_disk(one) for one in sorted(data.iterdir()) if one.is_dir()}


def _processes(supervisor: Supervisor) -> dict[str, int]:
    """Name -> process; what supervisord has beside its programs is the log."""
    programs = {one.name: one.pid for one in supervisor.states() if one.pid}
    pid = supervisor.pid
    rest = [child for child in _children(pid) if child not in programs.values()]
    return {SUPERVISOR: pid, **programs, **dict.fromkeys([LOG] if rest else [], rest[0] if rest else 0)}


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in (PROC / str(pid) / "task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


def _sample(at: float, name: str, pid: int) -> Sample:
    whole = [pid] if name == SUPERVISOR else [*_family(pid)]
    result = [_status(one) for one in whole]
    return Sample(
        at,
        name,
        pid,
        sum(one["RssAnon"] for one in result) * 1024,
        sum(one["VmRSS"] for one in result) * 1024,
        sum(len(os.listdir(PROC / str(one) / "fd")) for one in whole),
        sum(one["Threads"] for one in result),
        sum(map(_cpu, whole)),
    )


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in _children(pid):
        yield from _family(child)


def _status(pid: int) -> dict[str, int]:
    lines = (line.split() for line in (PROC / str(pid) / "status").read_text().splitlines())
    return {line[0].rstrip(":"): int(line[1]) for line in lines if len(line) > 1 and line[1].isdigit()}


def _cpu(pid: int) -> float:
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _on_disk(folder: Path) -> int:
    total = 0
    for inside, _folders, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(inside, name), follow_symlinks=False).st_blocks * 512
            except FileNotFoundError:
                continue
    return total
