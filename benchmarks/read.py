"""`platestream bench read DIR`: how well and how fast plates are read from labelled photographs.

DIR holds `labels.csv`, with the columns file, region, x, y, width, height, plate (whole photographs) or file,
state, plate (plate crops). Every photograph is read by this project's reader and by PaddleOCR's own `predict`
with its default settings, turn about in one process (`benchmarks.baseline.turn_about`).

Figures are given as labelled and, where the label is known to be wrong, corrected (`CORRECTED`); "folded"
counts O and Q as 0 and I as 1 on both sides. Some labels leave out small letters beside the serial, which the
official number has: `serial_folded` counts those, too, whose serial alone is as labelled.
"""

import csv
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pygal
from rapidfuzz.distance import Levenshtein

from benchmarks.baseline import plain_ocr, turn_about
from benchmarks.contact_sheet import Tile, contact_sheet
from benchmarks.plateless import OTHER_SIGNS, background, drawn
from platestream.reading.ocr import TextEngine, open_engine
from platestream.reading.plate_reader import TwoPassReader
from platestream.reading.vote import fold
from platestream.schemas.reading import PlateRead

Image = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]

CORRECTED: Mapping[str, str] = {
    "wts-lg-000159": "59321P1",
    "test_051": "RK605AB",
    "test_056": "RK300AG",
    "test_065": "4B04979",
    "FZB9581": "FBZ9581",
    "vt268": "00000",
    "md178": "0000",
}
"""Labels that the photographs contradict, by file stem. Found by looking; three write O for a digit, two have
lost their leading zeros."""

OTHER_PLATES = frozenset(
    ("wts-lg-000115", "test_051", "JSK5419", "NZU2673", "OKK7448", "OLB4809", "OUN4297", "PJJ4955")
)
"""File stems of photographs whose background holds another vehicle's plate. Found by looking at what was
read there."""

BINS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class Photo:
    """One labelled picture; `state` and `box` only where the labels have them."""

    path: Path
    region: str
    plate: str
    state: str | None
    box: Box | None

    @property
    def truth(self) -> str:
        return CORRECTED.get(self.path.stem, self.plate)


@dataclass
class Clock:
    """Seconds by stage."""

    now: Callable[[], float] = time.perf_counter
    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def time(self, stage: str, work: Callable[[], Any]) -> Any:
        started = self.now()
        try:
            return work()
        finally:
            self.spent[stage] += self.now() - started


class TimedEngine:
    """The engine, with a clock on its two models."""

    def __init__(self, engine: TextEngine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    @property
    def models(self) -> tuple[str, ...]:
        return self._engine.models

    def detect(
        self,
        image: Image,
        longest: int,
        threshold: float = 0.6,
        careful: bool = False,
        serials: bool = False,
    ) -> list[npt.NDArray[np.float32]]:
        found: list[npt.NDArray[np.float32]] = self._clock.time(
            "detect", lambda: self._engine.detect(image, longest, threshold, careful, serials)
        )
        return found

    def recognise(
        self, crops: Sequence[Image], width: int = 320, serials: bool = False
    ) -> list[npt.NDArray[np.float32]]:
        found: list[npt.NDArray[np.float32]] = self._clock.time(
            "recognise", lambda: self._engine.recognise(crops, width, serials)
        )
        return found


def labelled(directory: Path) -> list[Photo]:
    """The photographs of `labels.csv`. Raises FileNotFoundError, and KeyError for a missing column."""
    with (directory / "labels.csv").open(newline="", encoding="utf-8") as file:
        return [photo(directory, row) for row in csv.DictReader(file)]


def photo(directory: Path, row: Mapping[str, str]) -> Photo:
    """The photograph of a row of `labels.csv`. Raises KeyError for a missing column."""
    corners = [row.get(k) for k in ("x", "y", "width", "height")]
    box = tuple(round(float(v)) for v in corners if v)
    return Photo(
        directory / row["file"], row.get("region", "us"), row["plate"], row.get("state"),
        (box[0], box[1], box[2], box[3]) if len(box) == 4 else None,
    )  # fmt: skip


def run(
    directory: Path,
    threads: int = 2,
    plateless: int = 500,
    progress: Callable[[Iterable[Photo]], Iterable[Photo]] = lambda photos: photos,
    sheet: Path | None = None,
    curve: Path | None = None,
) -> dict[str, object]:
    """All figures for the photographs in `directory`; see the module. `plateless` pictures are drawn.

    `sheet` names a file for a contact sheet of the misses, `curve` one for the drawn calibration.
    """
    photos, clock = labelled(directory), Clock()
    engine = TimedEngine(open_engine(threads=threads), clock)
    readers = {code: TwoPassReader(engine, code) for code in {p.region for p in photos} | {"us"}}
    results: list[tuple[Photo, list[PlateRead], str]] = []
    with plain_ocr() as plain:
        warm = np.zeros((64, 64, 3), np.uint8)
        plain(warm)
        readers["us"].read(warm)
        clock.spent.clear()
        items = ((photo, load(photo.path)) for photo in progress(photos))
        for (photo, _), ours, theirs in turn_about(
            items, lambda item: readers[item[0].region].read(item[1]), lambda item: plain(item[1])
        ):
            clock.spent["ours"] += ours.seconds
            clock.spent["theirs"] += theirs.seconds
            results.append((photo, ours.answer, largest_line(theirs.answer)))
    spent = dict(clock.spent)
    bands = calibration([(reads[0].confidence, _right(p, reads)) for p, reads, _ in results if reads])
    if sheet is not None:
        _write(sheet, contact_sheet([_miss(p, reads) for p, reads, _ in results if not _right(p, reads)]))
    if curve is not None:
        curve.write_text(drawn_calibration(bands), encoding="utf-8")
    return {
        "pictures": len(photos),
        "models": list(engine.models),
        "regions": {
            code: figures([r for r in results if r[0].region == code])
            for code in sorted({p.region for p in photos})
        },
        "calibration": bands,
        "ms_per_picture": _milliseconds(spent, len(photos)),
        "speed_ratio": round(spent["theirs"] / spent["ours"], 2),
        "false_plates": {
            "drawn": false_plates((readers["us"], picture) for picture in drawn(plateless)),
            "drawn_other_signs": false_plates(
                (readers["us"], picture) for picture in drawn(plateless, signs=OTHER_SIGNS)
            ),
            "background": false_plates(
                (readers[photo.region], picture) for photo, picture in backgrounds(photos)
            ),
        },
        "missed": [
            {"file": p.path.name, "truth": p.truth, "read": reads[0].plate if reads else None,
             "class": failure(p.truth, reads[0].plate if reads else "")}
            for p, reads, _ in results if not _right(p, reads)
        ],
    }  # fmt: skip


def load(path: Path) -> Image:
    """The picture, BGR. Raises FileNotFoundError."""
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(f"{path} is missing or is no picture")
    return np.asarray(image, np.uint8)


def _milliseconds(spent: Mapping[str, float], count: int) -> dict[str, float]:
    ms = {stage: 1000 * seconds / count for stage, seconds in spent.items()}
    other = ms["ours"] - ms["detect"] - ms["recognise"]
    return {k: round(v, 1) for k, v in {**ms, "other": other}.items()}


def largest_line(found: Any) -> str:
    """PaddleOCR's plate: the largest line of 4 to 9 letters and digits with a digit in it; "" without one."""
    best, area = "", 0.0
    for page in found:
        for text, quad in zip(page["rec_texts"], page["rec_polys"], strict=True):
            bare = "".join(c for c in text.upper() if c.isascii() and c.isalnum())
            size = float(cv2.contourArea(np.asarray(quad, np.float32)))
            if 4 <= len(bare) <= 9 and any(c.isdigit() for c in bare) and size > area:
                best, area = bare, size
    return best


def _right(photo: Photo, reads: Sequence[PlateRead]) -> bool:
    return bool(reads) and fold(reads[0].plate) == fold(photo.truth)


def serial_right(label: str, reads: Sequence[PlateRead]) -> bool:
    """True if the likeliest plate is as labeled, folded, with its small letters or without."""
    return bool(reads) and fold(label) in {fold(reads[0].plate), fold(reads[0].serial)}


def failure(truth: str, read: str) -> str:
    """Name the fault of a read whose folded text is not the truth's.

    Nothing read, another text (a sign, a second vehicle), characters too many (a symbol, a sticker) or too
    few at one end or inside, or, of the right length, look-alikes.
    """
    true, said = fold(truth), fold(read)
    if not said:
        return "nothing read"
    if Levenshtein.normalized_similarity(true, said) < 0.5:
        return "another text"
    if len(said) == len(true):
        return "look-alike"
    longer, shorter = (said, true) if len(said) > len(true) else (true, said)
    kind = "too many" if longer is said else "too few"
    if longer.endswith(shorter):
        return f"{kind} in front"
    return f"{kind} behind" if longer.startswith(shorter) else f"{kind} inside"


def figures(results: Sequence[tuple[Photo, list[PlateRead], str]]) -> dict[str, object]:
    """Shares (0 to 1) of photographs read rightly, of characters, and of states."""
    tops = [(p, reads[0].plate if reads else "") for p, reads, _ in results]
    fives = [
        (p, [fold(reads[0].plate), *(fold(a.plate) for a in reads[0].alternatives[:4])] if reads else [])
        for p, reads, _ in results
    ]
    out: dict[str, object] = {
        "pictures": len(results),
        "exact": _share(plate == p.plate for p, plate in tops),
        "folded": _share(fold(plate) == fold(p.plate) for p, plate in tops),
        "exact_corrected": _share(plate == p.truth for p, plate in tops),
        "folded_corrected": _share(fold(plate) == fold(p.truth) for p, plate in tops),
        "top5_folded_corrected": _share(fold(p.truth) in five for p, five in fives),
        "characters": _share(
            Levenshtein.normalized_similarity(fold(plate), fold(p.truth)) for p, plate in tops
        ),
        "paddleocr_exact": _share(plate == p.plate for p, _, plate in results),
        "paddleocr_folded": _share(fold(plate) == fold(p.plate) for p, _, plate in results),
    }
    out["serial_folded"] = _share(serial_right(p.truth, reads) for p, reads, _ in results)
    out["failures"] = dict(
        Counter(failure(p.truth, plate) for p, plate in tops if fold(plate) != fold(p.truth)).most_common()
    )
    if any(p.state for p, _, _ in results):
        given = [(p.state, reads[0].state) for p, reads, _ in results if reads and reads[0].state]
        out["state_given"] = round(len(given) / len(results), 4)
        out["state_right_when_given"] = _share(a == b for a, b in given)
    arizona = [(p, plate) for p, plate in tops if p.state == "AZ"]
    if arizona:
        out["arizona_exact"] = _share(plate == p.truth for p, plate in arizona)
    return out


def calibration(pairs: Sequence[tuple[float, bool]]) -> list[dict[str, float]]:
    """For each band of confidence: how many reads, the mean confidence said, the share that was right."""
    out = []
    for low, high in pairwise(BINS):
        band = [(c, r) for c, r in pairs if low <= c < high or (high == 1.0 and c == 1.0)]
        if band:
            said, right = np.mean([c for c, _ in band]), np.mean([r for _, r in band])
            out.append(
                {"from": low, "to": high, "reads": len(band), "said": round(float(said), 3),
                 "right": round(float(right), 3)}
            )  # fmt: skip
    return out


def drawn_calibration(bands: Sequence[Mapping[str, float]]) -> str:
    """The share that was right over the confidence that was said, as SVG, beside the line of "as said"."""
    chart = pygal.XY(
        title="Reads that are right, by the confidence said", x_title="confidence said", y_title="right",
        range=(0, 1), xrange=(0, 1), show_legend=True, width=720, height=480, disable_xml_declaration=True,
        js=[],
    )  # fmt: skip
    chart.add("as said", [(0, 0), (1, 1)], show_dots=False)
    chart.add("measured", [(band["said"], band["right"]) for band in bands])
    return re.sub(r"<script.*?</script>", "", chart.render(is_unicode=True), flags=re.DOTALL)


def _miss(photo: Photo, reads: Sequence[PlateRead]) -> Tile:
    """Draw the surroundings of the label's box, or the read's, with truth, read and confidence."""
    image = load(photo.path)
    box = photo.box or (reads[0].box if reads else (0, 0, image.shape[1], image.shape[0]))
    x, y, width, height = box
    around = image[max(y - height, 0) : y + 2 * height, max(x - width // 2, 0) : x + width * 3 // 2]
    result = f"{reads[0].plate} {reads[0].confidence:.2f}" if reads else "nothing"
    return Tile(around if around.size else image, [f"{photo.truth} read as {result}", photo.path.name])


def _write(path: Path, picture: Image) -> None:
    if not cv2.imwrite(str(path), picture):
        raise OSError(f"{path} cannot be written")


def false_plates(pictures: Iterable[tuple[TwoPassReader, Image]]) -> dict[str, float]:
    """Pictures without a plate, and in how many of them one was read, at several confidences."""
    tops = [max((r.confidence for r in reader.read(p)), default=0.0) for reader, p in pictures]
    wrong = {f"false_from_{c}": sum(t >= c for t in tops) for c in (0.5, 0.8, 0.9)}
    return {"pictures": len(tops), "false": sum(t > 0 for t in tops), **wrong}


def backgrounds(photos: Iterable[Photo]) -> Iterator[tuple[Photo, Image]]:
    """Each whole photograph and the largest part of it that does not touch the plate, where that part shows
    no other vehicle's plate.
    """
    for photo in photos:
        if photo.box is not None and photo.path.stem not in OTHER_PLATES:
            yield photo, background(load(photo.path), photo.box)


def _share(values: Iterable[float]) -> float:
    counted = list(values)
    return round(sum(counted) / len(counted), 4) if counted else 0.0
