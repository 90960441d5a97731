"""`platestream bench read DIR…`: several sets of photographs side by side, one line of figures for each.

A set is a region of a folder with a `labels.csv` (`benchmarks.read`), or a folder of pictures without
one: those hold no plate, and what is read there is false. Where the labels have the columns vintage, stacked,
sample_art and unsure (1 where it is so), the plates that are not vintage, those in stacked small letters and
the plain rest get lines of their own. Labels count as they are: nothing is corrected here. Some leave out
the small letters that an official number has: `serial_folded` counts what is right without them, too.

Each share comes with the 95 % interval of Wilson: of a hundred pictures four more or less are chance.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain, islice
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.baseline import BLOCK, plain_ocr, timed, turn_about
from benchmarks.changes import CHANGES, Change
from benchmarks.read import Image, Photo, largest_line, load, photo, serial_right
from platestream.reading.ocr import open_engine
from platestream.reading.plate_reader import TwoPassReader
from platestream.reading.vote import fold
from platestream.schemas.reading import PlateRead

SURE = 0.95
"""Confidence from which a read is counted as sure."""
FALSE_FROM = (0.15, 0.5, 0.8, 0.9)
MARKS = ("vintage", "stacked", "sample_art", "unsure")
PICTURES = frozenset((".jpg", ".jpeg", ".png"))
Z = 1.959964
"""Standard deviations on both sides of which 95 % lie."""


@dataclass(frozen=True)
class Labelled:
    """One photograph and the marks of its label; no plate where none is there."""

    photo: Photo
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PhotoSet:
    name: str
    photos: tuple[Labelled, ...]

    @property
    def plateless(self) -> bool:
        return not any(p.photo.plate for p in self.photos)


@dataclass(frozen=True)
class Result:
    """Reads in a photograph, with seconds and processor seconds; `theirs` is None without the baseline."""

    labelled: Labelled
    ours: Sequence[PlateRead]
    seconds: float
    processor: float
    theirs: str | None = None
    their_seconds: float = 0.0
    their_processor: float = 0.0

    @property
    def top(self) -> str:
        return self.ours[0].plate if self.ours else ""

    @property
    def confidence(self) -> float:
        return self.ours[0].confidence if self.ours else 0.0


@dataclass(frozen=True)
class Figures:
    """The models that read, and a line for each set or part of one."""

    models: tuple[str, ...]
    lines: list[dict[str, object]]

    def as_json(self) -> dict[str, object]:
        return {"models": self.models, "sure_from": SURE, "sets": self.lines}


def sets_of(directory: Path) -> list[PhotoSet]:
    """The sets of a folder. Raises ValueError where it holds no picture, KeyError for a missing column."""
    if not (directory / "labels.csv").is_file():
        pictures = sorted(p for p in directory.rglob("*") if p.suffix.lower() in PICTURES)
        if not pictures:
            raise ValueError(f"{directory} has neither a labels.csv nor pictures (.jpg, .png)")
        return [PhotoSet(directory.name, tuple(Labelled(Photo(p, "us", "", None, None)) for p in pictures))]
    with (directory / "labels.csv").open(newline="", encoding="utf-8") as file:
        found = [_labelled(directory, row) for row in csv.DictReader(file)]
    regions = sorted({p.photo.region for p in found})
    return [
        PhotoSet(
            directory.name if len(regions) == 1 else f"{directory.name} {region}",
            tuple(p for p in found if p.photo.region == region),
        )
        for region in regions
    ]


def _labelled(directory: Path, row: Mapping[str, str]) -> Labelled:
    return Labelled(photo(directory, row), frozenset(m for m in MARKS if row.get(m) == "1"))


def run(
    directories: Sequence[Path],
    threads: int = 2,
    at_once: int = 1,
    baseline: bool = True,
    changed: bool = False,
    progress: Callable[[Iterable[Labelled]], Iterable[Labelled]] = lambda photos: photos,
) -> Figures:
    """The lines of all sets, `at_once` photographs read at the same time. With `baseline`, PaddleOCR's
    `predict` reads every photograph, too, turn about in the same process (`benchmarks.baseline.turn_about`).
    With `changed`, each set has a line more, for its photographs changed in every way of
    `benchmarks.changes`.
    """
    sets = [found for directory in directories for found in sets_of(directory)]
    engine = open_engine(threads=threads)
    readers = {code: TwoPassReader(engine, code) for code in {p.photo.region for s in sets for p in s.photos}}
    with plain_ocr() if baseline else nullcontext() as plain:
        read = [(s, measured(progress(s.photos), readers, plain, at_once)) for s in sets]
    lines = list[dict[str, object]]()
    for photo_set, results in read:
        lines.extend(lines_of(photo_set, results))
        if changed:
            ways = {name: measured(progress(photo_set.photos), readers, None, at_once, change)
                    for name, change in CHANGES.items()}  # fmt: skip
            lines.append(changed_line(photo_set.name, results, ways))
    return Figures(engine.models, lines)


def measured(
    photos: Iterable[Labelled],
    readers: Mapping[str, TwoPassReader],
    plain: Callable[[Image], Any] | None,
    at_once: int = 1,
    change: Change | None = None,
) -> list[Result]:
    """Every photograph read, as it is or changed; the models are warm before the first is timed."""
    return list(_measured(photos, readers, plain, at_once, change))


def _measured(
    photos: Iterable[Labelled],
    readers: Mapping[str, TwoPassReader],
    plain: Callable[[Image], Any] | None,
    at_once: int,
    change: Change | None,
) -> Iterator[Result]:
    def ours(item: tuple[Labelled, Image]) -> list[PlateRead]:
        return readers[item[0].photo.region].read(item[1])

    seen = ((labelled, load(labelled.photo.path)) for labelled in photos)
    coming = ((labelled, change(image) if change else image) for labelled, image in seen)
    first = list(islice(coming, 1))
    for item in first:
        ours(item)
        if plain is not None:
            plain(item[1])
    items = chain(first, coming)
    if plain is None:
        while block := list(islice(items, BLOCK)):
            for (labelled, _), mine in zip(block, timed(ours, block, at_once), strict=True):
                yield Result(labelled, *mine)
        return
    for (labelled, _), mine, page in turn_about(items, ours, lambda item: plain(item[1]), at_once):
        yield Result(labelled, *mine, largest_line(page.answer), page.seconds, page.processor)


def lines_of(photo_set: PhotoSet, results: Sequence[Result]) -> list[dict[str, object]]:
    """A set's line, and one for each part that its labels' marks tell apart."""
    if photo_set.plateless:
        return [plateless_line(photo_set.name, results)]
    lines = [plates_line(photo_set.name, results)]
    if not any(r.labelled.marks for r in results):
        return lines
    parts = {
        "not vintage": [r for r in results if "vintage" not in r.labelled.marks],
        "stacked": [r for r in results if "stacked" in r.labelled.marks],
        "no mark": [r for r in results if not r.labelled.marks],
    }
    return [*lines, *(plates_line(f"{photo_set.name}, {part}", rs) for part, rs in parts.items() if rs)]


def plates_line(name: str, results: Sequence[Result]) -> dict[str, object]:
    """Figures of photographs with a plate."""
    sure = [r for r in results if r.confidence >= SURE]
    line: dict[str, object] = {
        "set": name,
        "pictures": len(results),
        "exact": share([r.top == r.labelled.photo.plate for r in results]),
        "folded": share([_right(r, r.top) for r in results]),
        "serial_folded": share([serial_right(r.labelled.photo.plate, r.ours) for r in results]),
        "folded_in_five": share([_in_five(r) for r in results]),
        "sure": len(sure),
        "sure_right": share([_right(r, r.top) for r in sure]),
    }
    if any(r.labelled.photo.state for r in results):
        given = [r for r in results if r.ours and r.ours[0].state]
        line["state_given"] = round(len(given) / len(results), 4)
        line["state_right"] = share([r.ours[0].state == r.labelled.photo.state for r in given])
    if all(r.theirs is not None for r in results):
        line["paddleocr_exact"] = share([r.theirs == r.labelled.photo.plate for r in results])
        line["paddleocr_folded"] = share([_right(r, r.theirs or "") for r in results])
    return {**line, **speed(results)}


def plateless_line(name: str, results: Sequence[Result]) -> dict[str, object]:
    """In how many pictures without a plate one was read, at several confidences."""
    tops = [max((read.confidence for read in r.ours), default=0.0) for r in results]
    return {
        "set": name,
        "pictures": len(results),
        **{f"false_from_{c}": sum(top >= c for top in tops) for c in FALSE_FROM},
        "false_share_from_0.8": share([top >= 0.8 for top in tops]),
        **speed(results),
    }


def changed_line(
    name: str, plain: Sequence[Result], ways: Mapping[str, Sequence[Result]]
) -> dict[str, object]:
    """Figures of photographs that were changed, each in every way; those without a plate count as above.

    The interval is that of the photographs' number: a photograph's answers hang together. Steady are plates
    that are right as they are and in each way.
    """
    everything = [result for results in ways.values() for result in results]
    line = {"set": f"{name}, changed", "pictures": len(everything)}
    if not any(result.labelled.photo.plate for result in plain):
        return {**plateless_line(name, everything), **line}
    right = [[_right(result, result.top) for result in results] for results in (plain, *ways.values())]
    each = [sum(hits[1:]) / len(ways) for hits in zip(*right, strict=True)]
    low, high = wilson(sum(each), len(each))
    sure = [result for result in everything if result.confidence >= SURE]
    return {
        **line,
        "folded": {"share": round(sum(each) / len(each), 4), "low": round(low, 4), "high": round(high, 4)},
        "by_change": {
            way: round(sum(hits) / len(hits), 4) for way, hits in zip(ways, right[1:], strict=True)
        },
        "steady": share([all(hits) for hits in zip(*right, strict=True)]),
        "sure": len(sure),
        "sure_right": share([_right(result, result.top) for result in sure]),
        **speed(everything),
    }


def speed(results: Sequence[Result]) -> dict[str, object]:
    """Milliseconds for each picture, and how many times PaddleOCR's rate that is: by the clock, and by
    processor time, which decides where a machine has a process for each core.
    """
    spent = {
        "": (sum(r.seconds for r in results), sum(r.their_seconds for r in results)),
        "processor_": (sum(r.processor for r in results), sum(r.their_processor for r in results)),
    }
    out: dict[str, object] = {}
    for kind, (ours, theirs) in spent.items():
        out[f"{kind}ms"] = round(1000 * ours / len(results), 1)
        if theirs:
            out[f"paddleocr_{kind}ms"] = round(1000 * theirs / len(results), 1)
            out[f"{kind}times_paddleocr"] = round(theirs / ours, 2)
    return out


def _right(result: Result, said: str) -> bool:
    return bool(said) and fold(said) == fold(result.labelled.photo.plate)


def _in_five(result: Result) -> bool:
    """True if the label is the read or one of its four likeliest others, as official numbers count."""
    said = [result.top, *(a.plate for a in result.ours[0].alternatives[:4])] if result.ours else []
    return any(_right(result, plate) for plate in said)


def share(hits: Sequence[bool]) -> dict[str, float]:
    """A share (0 to 1) with its interval; of nothing it is 0, and the interval everything."""
    low, high = wilson(sum(hits), len(hits))
    mean = float(np.mean(hits)) if hits else 0.0
    return {"share": round(mean, 4), "low": round(low, 4), "high": round(high, 4)}


def wilson(hits: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of the share of which `hits` of `count` were seen."""
    if count == 0:
        return 0.0, 1.0
    seen, spread = hits / count, Z * Z / count
    middle = seen + spread / 2
    half = Z * sqrt(seen * (1 - seen) / count + spread / (4 * count))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


COLUMNS = ("set", "n", "exact", "folded", "serial", f"from {SURE}", "of these right", "state given, right",
           "PaddleOCR", "ms", "speed", "by processor time")  # fmt: skip


def as_text(lines: Sequence[Mapping[str, Any]]) -> str:
    """The sets' lines in columns, one line of text for each."""
    rows = [COLUMNS, *map(told, lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def told(line: Mapping[str, Any]) -> tuple[str, ...]:
    """A set's line as cells: `COLUMNS`."""
    name, count = line["set"], str(line["pictures"])
    times = (line.get(f"{kind}times_paddleocr") for kind in ("", "processor_"))
    speed = f"{line['ms']:.0f}", *("" if one is None else f"{one:.2f} x" for one in times)
    if "folded" not in line:
        false = ", ".join(f"{line[f'false_from_{c}']} at {c}" for c in FALSE_FROM[1:])
        return name, count, "", f"false: {false}", "", "", "", "", "", *speed
    if "steady" in line:
        steady = f"steady {100 * line['steady']['share']:.1f}"
        sure = str(line["sure"]), _percent(line["sure_right"])
        return name, count, steady, _percent(line["folded"]), "", *sure, "", "", *speed
    state = (
        f"{100 * line['state_given']:.1f}, {_percent(line['state_right'])}" if "state_given" in line else ""
    )
    theirs = " / ".join(f"{100 * line[f'paddleocr_{k}']['share']:.1f}" for k in ("exact", "folded")
                        if f"paddleocr_{k}" in line)  # fmt: skip
    serial = f"{100 * line['serial_folded']['share']:.1f}"
    return (
        name, count, _percent(line["exact"]), _percent(line["folded"]), serial,
        str(line["sure"]), _percent(line["sure_right"]), state, theirs, *speed,
    )  # fmt: skip


def _percent(value: Mapping[str, float]) -> str:
    return f"{100 * value['share']:.1f} ({100 * value['low']:.0f}-{100 * value['high']:.0f})"
