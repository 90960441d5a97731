"""Decoders with faults, which must be found: `python -m tests.fuzz.planted` says what was."""

from pathlib import Path

from tests.fuzz.fuzzer import fuzz
from tests.fuzz.watch import Decode, Target

_kept: list[bytes] = []


def _crashes(data: bytes) -> None:
    if data[:1] == b"P":
        raise KeyError("planted")


def _hangs(data: bytes) -> None:
    while data[:1] == b"P":
        pass


def _grows(data: bytes) -> None:
    if data[:1] == b"P":
        _kept.append(b"a" * 80_000_000)


def _sound(data: bytes) -> None:
    if data[:1] == b"P":
        raise ValueError("declared")


def _target(name: str, decode: Decode) -> Target:
    def opened(_folder: Path) -> Decode:
        return decode

    return Target(name, opened, [b"A", b"XL"], (ValueError,))


PLANTED = [_target(one.__name__.strip("_"), one) for one in (_crashes, _hangs, _grows, _sound)]

if __name__ == "__main__":
    for planted in PLANTED:
        print(run := fuzz(planted, 20_000), run.fault)
