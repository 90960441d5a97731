"""Errors of the reader on labeled photographs: which character it takes for which, and how confidently.

No plate is written down, only where and how each reading differs from the truth (`Reading.edits`), O and 0
being one, and the reader's confidence. `bench recall` disturbs drawn plates so.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rapidfuzz.distance import Levenshtein

from benchmarks.plateless import drawn
from benchmarks.read import Photo, backgrounds, labelled, load
from platestream.reading.ocr import open_engine
from platestream.reading.plate_reader import TwoPassReader
from platestream.schemas.plates import differences, equate
from platestream.schemas.reading import PlateRead

KEPT = 5  # other readings of a picture that are written down


class Edit(msgspec.Struct, frozen=True, array_like=True):
    """`told` at `place` (share of the plate, from the left) was read as `read`; either may be empty."""

    place: float
    told: str
    read: str


class Reading(msgspec.Struct, frozen=True, array_like=True):
    """One reading of a plate: none of `edits` is the right one."""

    confidence: float
    edits: tuple[Edit, ...]


class Measured(msgspec.Struct, frozen=True):
    """Readings of each picture, best first, none where nothing was read; confidences where no plate is."""

    pictures: tuple[tuple[Reading, ...], ...]
    plateless: tuple[float, ...]
    characters: dict[str, int] = {}  # on the plates of all pictures, O written 0


def measure(
    directories: Sequence[Path],
    threads: int,
    plateless: int,
    show: Callable[[Iterable[Photo]], Iterable[Photo]],
) -> Measured:
    """Read every picture of folders with a `labels.csv`, and the parts of photographs without the plate."""
    photos = [photo for directory in directories for photo in labelled(directory)]
    engine = open_engine(threads=threads)
    readers = {code: TwoPassReader(engine, code) for code in {photo.region for photo in photos} | {"us"}}
    seen = [(photo.truth, readers[photo.region].read(load(photo.path))) for photo in show(photos)]
    empty = [reader for picture in drawn(plateless) for reader in [readers["us"].read(picture)]]
    empty += [readers[photo.region].read(picture) for photo, picture in backgrounds(photos)]
    return Measured(
        tuple(readings(truth, reads) for truth, reads in seen),
        tuple(round(max((read.confidence for read in reads), default=0.0), 3) for reads in empty),
        dict(Counter("".join(equate(photo.truth) for photo in photos)).most_common()),
    )


def readings(truth: str, reads: Sequence[PlateRead]) -> tuple[Reading, ...]:
    """The most certain read of a picture and its alternatives."""
    if not reads:
        return ()
    said = [(reads[0].plate, reads[0].confidence)]
    said += [(one.plate, one.confidence) for one in reads[0].alternatives[:KEPT]]
    return tuple(Reading(round(sure, 3), edits(truth, plate)) for plate, sure in said)


def edits(truth: str, read: str) -> tuple[Edit, ...]:
    """Return the edits that make `read` of `truth`, O and 0 being one.

    >>> edits("ABC123", "A8C12")
    (Edit(place=0.17, told='B', read='8'), Edit(place=0.83, told='3', read=''))
    """
    result, said = equate(truth), equate(read)
    return tuple(
        Edit(
            round(op.src_pos / len(result), 2),
            result[op.src_pos] if op.tag != "insert" else "",
            said[op.dest_pos] if op.tag != "delete" else "",
        )
        for op in Levenshtein.editops(result, said)
    )


def figures(measured: Measured) -> dict[str, Any]:
    """Counts of how pictures were read; of each character, how often and as what it was misread."""
    kinds = Counter(kind(shown[0].edits) if shown else "nothing" for shown in measured.pictures)
    pairs = Counter(
        (edit.told, edit.read)
        for shown in measured.pictures
        if shown and kind(shown[0].edits) in ("confused", "other")
        for edit in shown[0].edits
    )
    return {
        "pictures": len(measured.pictures),
        **kinds,
        "pairs": {
            f"{result}-{read}": [count, round(count / measured.characters[result], 4)]
            for (result, read), count in pairs.most_common()
        },
    }


def kind(edited: Sequence[Edit]) -> str:
    """right; confused: one character was taken for one that it may be taken for; length; or other.

    >>> kind(edits("ABC123", "A8C123")), kind(edits("ABC123", "ABC12")), kind(edits("ABC123", "XBC123"))
    ('confused', 'length', 'other')
    """
    if not edited:
        return "right"
    if any(not edit.told or not edit.read for edit in edited):
        return "length"
    return "confused" if len(edited) == 1 and differences(edited[0].read, edited[0].told) else "other"
