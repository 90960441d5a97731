"""One decoder under watch: what it raises, how long it takes, and how far memory grows."""

import resource
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

HANG = 1.0  # seconds of the processor: by the clock other processes would count, too
STOPS = 5  # seconds by the clock, for what waits and computes nothing
GROWTH = 50  # MiB

Decode = Callable[[bytes], object]
CORPUS = Path(__file__).parent / "corpus"


class HangError(Exception):
    """An input took longer than HANG or STOPS."""


class GrowthError(Exception):
    """The most memory that the process ever had grew by more than GROWTH."""


@dataclass(frozen=True)
class Target:
    """What is fuzzed. `open` makes the decoder, which may write into the folder that it is given; `refuses`
    are the errors that the decoder declares, and `seeds` inputs that it accepts.

    `runs` is how many inputs a long run tries where 100,000 would take too long. `alone`: the engine inside
    it has threads, which a fork would not take over. `warm`: by so many inputs of a long run the engine has
    filled its pools, and memory counts from there.
    """

    name: str
    open: Callable[[Path], Decode]
    seeds: Sequence[bytes]
    refuses: tuple[type[Exception], ...] = ()
    runs: int = 100_000
    alone: bool = False
    warm: int = 0

    @property
    def kept(self) -> list[bytes]:
        """Inputs that showed a fault once, or reached what no seed reaches."""
        return [path.read_bytes() for path in sorted((CORPUS / self.name).glob("*"))]


class Watch:
    """Calls the decoder of a target. `peak` is how far memory grew in MiB since its first `warm` inputs,
    `slowest` seconds.
    """

    def __init__(self, target: Target, folder: Path, warm: int = 0) -> None:
        self._warm = warm
        self._decode, self._refuses = target.open(folder), target.refuses
        self.inputs, self.slowest = 0, 0.0
        for data in target.seeds:  # caches fill
            self._timed(data)
        self.rest()

    def rest(self) -> None:
        """Memory counts from here."""
        self._base = _most()

    def __call__(self, data: bytes) -> None:
        """Raises what the decoder does not declare, HangError and GrowthError."""
        self.inputs += 1
        seconds, waited = self._timed(data)
        if waited > STOPS:  # once more: another process may have had the machine
            seconds, waited = self._timed(data)
        self.slowest = max(self.slowest, seconds)
        if self.inputs <= self._warm:
            self.rest()
        if seconds > HANG or waited > STOPS:
            raise HangError(f"{seconds:.1f} s, {waited:.1f} s by the clock, for {len(data)} bytes")
        if self.peak > GROWTH:
            raise GrowthError(f"{self.peak:.0f} MiB more after {self.inputs} inputs")

    def close(self) -> None:
        """Let go of what the decoder opened."""
        if close := getattr(self._decode, "close", None):
            close()

    @property
    def peak(self) -> float:
        return (_most() - self._base) / 1024

    def _timed(self, data: bytes) -> tuple[float, float]:
        """Seconds of the processor, of all threads, and by the clock."""
        used, began = process_time(), perf_counter()
        with suppress(*self._refuses):
            self._decode(data)
        return process_time() - used, perf_counter() - began


def _most() -> int:
    """The most memory that this process ever had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
