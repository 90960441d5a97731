"""Which reads of one picture are plates of different vehicles."""

from collections.abc import Sequence
from dataclasses import replace

from operators.reading import vote
from operators.reading.geometry import Box
from schemas.reading import PlateRead

BESIDE = 0.2
"""Share of its confidence that a word or number keeps beside a likelier plate."""


def one_vehicle(reads: Sequence[PlateRead]) -> list[PlateRead]:
    """Reads in order of confidence, one a place, once words and numbers beside a plate are trusted less.

    Most pictures hold one plate: beside a reading with letters and digits, words and numbers (names on vans,
    fleet numbers) are that much less likely to be another one; and words are, beside a number.
    """
    likely = [r for r in reads if r.confidence > BESIDE]
    mixed = any(not vote.is_word(r.plate) and not r.plate.isdigit() for r in likely)
    numbers = any(r.plate.isdigit() for r in likely)

    def lowered(read: PlateRead) -> PlateRead:
        other = (vote.is_word(read.plate) and (mixed or numbers)) or (read.plate.isdigit() and mixed)
        return replace(read, confidence=read.confidence * BESIDE) if other else read

    return apart(sorted(map(lowered, reads), key=lambda r: -r.confidence))


def apart(reads: Sequence[PlateRead]) -> list[PlateRead]:
    """The reads, in their order, without those whose box lies on an earlier one's: the same plate twice."""
    out = list[PlateRead]()
    for read in reads:
        if not any(_upon(read.box, other.box) for other in out):
            out.append(read)
    return out


def _upon(one: Box, other: Box) -> bool:
    """Whether the centre of one of two boxes lies in the other."""
    return any(
        x <= u + w / 2 <= x + width and y <= v + h / 2 <= y + height
        for (x, y, width, height), (u, v, w, h) in ((one, other), (other, one))
    )
