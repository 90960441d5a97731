"""`platestream bench video`: a drawn street, most of whose frames hold nothing new, beside PaddleOCR."""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.baseline import plain_ocr, rest
from models.samples.video import draw_video
from platestream.reading.change_detector import ChangeDetector
from platestream.reading.media import video_frames
from platestream.reading.ocr import open_engine
from platestream.reading.plate_reader import TwoPassReader
from platestream.reading.vote import fold
from platestream.schemas.reading import PlateRead

Image = npt.NDArray[np.uint8]

START = datetime(2026, 1, 1, tzinfo=UTC)


class CountingReader:
    """Counts the pictures that are read, whole frames and parts of them."""

    def __init__(self, read: Callable[[Image], list[PlateRead]], whole: tuple[int, int]) -> None:
        self._read, self._whole = read, whole
        self.frames, self.parts = 0, 0

    def __call__(self, image: Image) -> list[PlateRead]:
        if image.shape[:2] == self._whole:
            self.frames += 1
        else:
            self.parts += 1
        return self._read(image)


def run(seconds: float, fps: float, beside: int, threads: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Figures for a 1920 x 1080 video of so many seconds at `fps`, one vehicle in about ten seconds.

    Every frame goes through `ChangeDetector` and the reader; every `beside`-th one through PaddleOCR's
    `predict`, too, at its turn, so that a busy machine slows both. A vehicle is found when its plate was the
    best read (O as 0, I as 1) of at least one frame.
    """
    with tempfile.TemporaryDirectory(prefix="platestream-bench-") as scratch, plain_ocr() as predict:
        file = Path(scratch) / "street.mp4"
        say(f"drawing {seconds:g} s of a street")
        passes = draw_video(file, seconds, fps)
        counted = CountingReader(TwoPassReader(open_engine(threads=threads)).read, (1080, 1920))
        detector = ChangeDetector(counted)
        warm = np.zeros((1080, 1920, 3), np.uint8)
        counted(warm)
        predict(warm)
        counted.frames = 0
        say("reading it")
        ours, theirs, found = list[float](), list[float](), set[str]()
        for number, at, pixels in video_frames(file, 1):
            began = time.perf_counter()
            reads = detector("street", START + timedelta(seconds=at.total_seconds()), pixels)
            ours.append(time.perf_counter() - began)
            found.update(fold(read.plate) for read in reads)
            if number % beside == 0:
                began = time.perf_counter()
                predict(pixels)
                theirs.append(time.perf_counter() - began)
                rest()
    mine, plain = 1000 * float(np.mean(ours)), 1000 * float(np.mean(theirs))
    return {
        "frames": len(ours),
        "read_whole": counted.frames,
        "read_in_part": counted.parts,
        "not_read_again": len(ours) - counted.frames - counted.parts,
        "ms_a_frame": round(mine, 1),
        "ms_a_frame_not_read_again": round(1000 * float(np.percentile(ours, 20)), 1),
        "paddleocr_ms_a_frame": round(plain, 1),
        "paddleocr_frames": len(theirs),
        "speed_ratio": round(plain / mine, 2),
        "vehicles": len(passes),
        "vehicles_found": sum(fold(one.plate) in found for one in passes),
    }
