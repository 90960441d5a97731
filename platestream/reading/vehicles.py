"""Separation of the reads of one picture by vehicle."""

from collections.abc import Sequence
from dataclasses import replace

from platestream.reading import vote
from platestream.reading.geometry import Box
from platestream.schemas.reading import PlateRead

BESIDE = 0.2
"""Factor of the confidence of a word or number beside a likelier plate."""


def merge_by_vehicle(reads: Sequence[PlateRead]) -> list[PlateRead]:
    """Return reads in order of confidence, with less trust in words and numbers beside a plate.

    Most pictures show one plate: beside a reading with letters and digits, words and numbers (names on vans,
    fleet numbers) are less likely to be another one; and words are, beside a number. Each place has one read.
    """
    likely = [r for r in reads if r.confidence > BESIDE]
    mixed = any(not vote.is_word(r.plate) and not r.plate.isdigit() for r in likely)
    numbers = any(r.plate.isdigit() for r in likely)

    def lowered(read: PlateRead) -> PlateRead:
        other = (vote.is_word(read.plate) and (mixed or numbers)) or (read.plate.isdigit() and mixed)
        return replace(read, confidence=read.confidence * BESIDE) if other else read

    return without_overlaps(sorted(map(lowered, reads), key=lambda r: -r.confidence))


def without_overlaps(reads: Sequence[PlateRead]) -> list[PlateRead]:
    """Return the reads, in order, without those whose box overlaps an earlier one: the same plate twice."""
    out = list[PlateRead]()
    for read in reads:
        if not any(_overlaps(read.box, other.box) for other in out):
            out.append(read)
    return out


def _overlaps(one: Box, other: Box) -> bool:
    """Return whether the center of one of two boxes is in the other."""
    return any(
        x <= u + w / 2 <= x + width and y <= v + h / 2 <= y + height
        for (x, y, width, height), (u, v, w, h) in ((one, other), (other, one))
    )
