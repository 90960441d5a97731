"""`platestream bench frames DIR`: what several frames of a pass give over one, on disturbed photographs."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.read import Photo, labelled, load
from platestream.operators.merge_reads import Merged
from platestream.reading.ocr import open_engine
from platestream.reading.plate_reader import TwoPassReader
from platestream.reading.vote import fold
from platestream.schemas.reading import PlateRead

Image = npt.NDArray[np.uint8]


def run(
    directory: Path,
    frames: int,
    most: int,
    threads: int,
    progress: Callable[[Iterable[Photo]], Iterable[Photo]] = lambda photos: photos,
) -> dict[str, Any]:
    """Share of the photographs of `labels.csv` (at most `most`) whose plate is read right (O as 0, I as 1),
    from one disturbed frame (mean over all) and from the first 2, 3 … `frames` of them combined.
    """
    photos = labelled(directory)[:most]
    engine = open_engine(threads=threads)
    readers = {code: TwoPassReader(engine, code) for code in {photo.region for photo in photos}}
    single, together = 0, [0] * frames
    for number, photo in enumerate(progress(photos)):
        image = load(photo.path)
        tops = [_top(readers[photo.region].read(one)) for one in disturbed(image, frames, seed=number)]
        truth = fold(photo.truth)
        single += sum(top is not None and fold(top.plate) == truth for top in tops)
        for count in range(1, frames + 1):
            merged = Merged()
            for top in tops[:count]:
                if top is not None:
                    merged.add(top)
            together[count - 1] += any(fold(one.plate) == truth for one in merged.ranked(1))
    total = len(photos)
    one = single / (total * frames)
    return {
        "sequences": total,
        "frames_each": frames,
        "one_frame": round(one, 4),
        "combined": {count: round(right / total, 4) for count, right in enumerate(together, start=1)},
        "points_gained": round(100 * (together[-1] / total - one), 1),
    }


def _top(reads: list[PlateRead]) -> PlateRead | None:
    return reads[0] if reads else None


def disturbed(image: Image, count: int, seed: int) -> Iterator[Image]:
    """The picture as a camera would see it `count` times while a vehicle comes nearer: moved, scaled, turned
    a little, blurred along its way, in changing light, with noise and compressed.
    """
    rng = np.random.default_rng([seed, 5])
    height, width = image.shape[:2]
    for step in range(count):
        scale = rng.uniform(0.6, 0.8) + 0.3 * step / max(count - 1, 1)
        turn = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-3, 3), scale), float)
        turn[:, 2] += rng.uniform(-0.02, 0.02, 2) * (width, height)
        moved = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        length = int(rng.integers(1, 5))
        way = np.zeros((length, length), np.float32)
        way[np.arange(length), np.arange(length) if rng.random() < 0.5 else length // 2] = 1 / length
        lit = cv2.filter2D(moved, -1, way).astype(np.float32) * rng.uniform(0.55, 1.15)
        noisy = np.clip(lit + rng.normal(0, rng.uniform(2, 9), lit.shape), 0, 255).astype(np.uint8)
        _, jpeg = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 90))])
        yield np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)
