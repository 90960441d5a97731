"""What grew: a line through what a process held after it had warmed up."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, linear_regression, median

from tests.soak.watch import Sample

WARM = 1 / 3
"""Share of a run in which caches fill and models load."""
MUCH, MUCH_SHARE = 4_000_000, 0.05
"""Bytes, and share of what is held, by which a process may differ between two parts of a run."""
FEW, FEW_SHARE = 5, 0.05
"""Files or threads, likewise: a pool of threads holds three files for each."""
HOUR = 3600


@dataclass(frozen=True)
class Growth:
    """A process over a run. `memory` at the end of the warming up and at the end, `slope` in bytes an hour;
    `files` and `threads` at these two moments and at most; `cores` on average after the warming up.
    """

    name: str
    memory: tuple[int, int]
    slope: float
    files: tuple[int, int, int]
    threads: tuple[int, int, int]
    cores: float
    starts: int

    @property
    def grows(self) -> list[str]:
        """What of it grew by more than may be; one word each."""
        before, after = self.memory
        found = ["memory"] if after - before > max(MUCH, MUCH_SHARE * before) else []
        counts = {"files": self.files, "threads": self.threads}
        found += [name for name, (one, two, _most) in counts.items() if two - one > max(FEW, FEW_SHARE * one)]
        return found + (["starts"] if self.starts > 1 else [])


def growth(taken: Iterable[Sample]) -> list[Growth]:
    """One for each process, in the order of their first samples."""
    by_name: dict[str, list[Sample]] = defaultdict(list)
    for one in taken:
        by_name[one.name].append(one)
    return [_growth(name, of) for name, of in by_name.items()]


def _growth(name: str, of: Sequence[Sample]) -> Growth:
    end = of[-1].at
    warm = [one for one in of if one.at >= WARM * end]
    quarter = max(1, len(warm) // 4)
    first, last = warm[:quarter], warm[-quarter:]

    def between(field: str) -> tuple[int, int]:
        one, two = (round(median(getattr(each, field) for each in part)) for part in (first, last))
        return one, two

    # A slope needs two moments; a run of one sample has none.
    moments, held = [one.at for one in warm], [one.memory for one in warm]
    slope = linear_regression(moments, held).slope if len(warm) > 1 else 0.0
    span = warm[-1].at - warm[0].at
    return Growth(
        name,
        between("memory"),
        slope * HOUR,
        (*between("files"), max(one.files for one in of)),
        (*between("threads"), max(one.threads for one in of)),
        (warm[-1].cpu - warm[0].cpu) / span if span else 0.0,
        len({one.pid for one in of}),
    )


def by_minute(of: Sequence[tuple[float, float]], minutes: float = 1) -> list[float]:
    """Means of values by the minute of their moments (seconds); a minute without any has the one before."""
    parts: dict[int, list[float]] = defaultdict(list)
    for at, value in of:
        parts[int(at // (60 * minutes))].append(value)
    found: list[float] = []
    for number in range(max(parts) + 1 if parts else 0):
        found.append(fmean(parts[number]) if number in parts else found[-1] if found else 0.0)
    return found


def table(found: Iterable[Growth]) -> str:
    """As a table of Markdown, memory in MiB."""
    lines = [
        "| process | memory, MiB | slope, MiB an hour | files (most) | threads (most) | cores |",
        "|---|---|---|---|---|---|",
    ]
    for one in found:
        before, after = (held / 2**20 for held in one.memory)
        files = f"{one.files[0]} to {one.files[1]} ({one.files[2]})"
        threads = f"{one.threads[0]} to {one.threads[1]} ({one.threads[2]})"
        lines.append(
            f"| `{one.name}` | {before:.1f} to {after:.1f} | {one.slope / 2**20:+.1f} | {files} | {threads} "
            f"| {one.cores:.3f} |"
        )
    return "\n".join(lines)
