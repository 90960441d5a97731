"""PaddleOCR's own pipeline on the same models, with which the reader is compared."""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from platestream.reading.geometry import Box
from platestream.reading.ocr import DETECTOR, RECOGNISER, lay_out_models
from platestream.schemas import plates
from platestream.schemas.reading import PlateRead

T = TypeVar("T")
Ours = TypeVar("Ours")
Theirs = TypeVar("Theirs")
Pixels = npt.NDArray[np.uint8]
LEAST, MOST = 4, 10  # characters of a plate
BLOCK = 8
IDLE = 0.3
"""Of a core: below it nobody computes."""


class PlainReader:
    """Takes the largest line of PaddleOCR's answer that could be a plate, and looks no further."""

    models = (DETECTOR, RECOGNISER)

    def __init__(self, predict: Callable[[Pixels], Any]) -> None:
        self._predict = predict

    def read(
        self,
        image: Pixels,
        longest: int = 0,  # noqa: ARG002
        known: PlateRead | None = None,  # noqa: ARG002
    ) -> list[PlateRead]:
        """At most one plate."""
        (page,) = self._predict(image)
        found = [
            PlateRead(plate, float(score), None, 0.0, _box(box), (), (float(score),) * len(plate))
            for text, score, box in zip(page["rec_texts"], page["rec_scores"], page["rec_boxes"], strict=True)
            if LEAST <= len(plate := plates.normalise(text)) <= MOST
        ]
        return sorted(found, key=lambda read: read.box[2] * read.box[3], reverse=True)[:1]

    def locate(self, image: Pixels, longest: int) -> list[Box]:  # noqa: ARG002
        """Find nothing: each frame is read."""
        return []


class Timed(NamedTuple, Generic[T]):
    """One answer, with its share of the seconds that all took and of the processor time of all threads."""

    answer: T
    seconds: float
    processor: float


def turn_about(
    items: Iterable[T], ours: Callable[[T], Ours], theirs: Callable[[T], Theirs], at_once: int = 1
) -> Iterator[tuple[T, Timed[Ours], Timed[Theirs]]]:
    """Gives each item to both, in blocks: one of them takes a whole block, item after item as at its work,
    then the other. So whatever else the machine does slows both, and none is timed while the other's threads
    spin. Ours takes `at_once` items of a block at the same time.
    """
    coming = iter(items)
    for turn in count():
        block = list(islice(coming, BLOCK))
        if not block:
            return
        if turn % 2:
            mine = _at_once(block, ours, at_once)
            others = _at_once(block, theirs, 1)
        else:
            others = _at_once(block, theirs, 1)
            mine = _at_once(block, ours, at_once)
        yield from zip(block, mine, others, strict=True)


def _at_once(items: Sequence[T], work: Callable[[T], Ours], count: int) -> list[Timed[Ours]]:
    rest()
    return timed(work, items, count)


def timed(work: Callable[[T], Ours], items: Sequence[T], at_once: int) -> list[Timed[Ours]]:
    """Yield the answer to each item with its share of the time that all took, `at_once` at the same time."""
    with ThreadPoolExecutor(at_once) as threads:
        began, used = time.perf_counter(), time.process_time()
        answers = list(threads.map(work, items))
        seconds, processor = time.perf_counter() - began, time.process_time() - used
    return [Timed(answer, seconds / len(items), processor / len(items)) for answer in answers]


def rest(longest: float = 3.0) -> None:
    """Waits until this process takes no processor: PaddleOCR's threads spin on for some time after an answer,
    and whoever is timed meanwhile has a core less.
    """
    end = time.perf_counter() + longest
    while time.perf_counter() < end:
        began, used = time.perf_counter(), time.process_time()
        time.sleep(0.01)
        if time.process_time() - used < IDLE * (time.perf_counter() - began):
            return


def _box(corners: Any) -> tuple[int, int, int, int]:
    left, top, right, bottom = (max(0, int(value)) for value in corners)
    return left, top, max(1, right - left), max(1, bottom - top)


@contextmanager
def plain_ocr() -> Iterator[Callable[[Pixels], Any]]:
    """`predict` of a PaddleOCR with default settings, its page-turning models off: they are for documents."""
    from paddleocr import PaddleOCR

    with tempfile.TemporaryDirectory(prefix="platestream-models-") as scratch:
        models = lay_out_models(Path(scratch))
        engine = PaddleOCR(
            text_detection_model_name=DETECTOR,
            text_detection_model_dir=str(models / "det"),
            text_recognition_model_name=RECOGNISER,
            text_recognition_model_dir=str(models / "rec"),
            use_doc_orientation_classify=False,
            use_doc_unwarping=False,
            use_textline_orientation=False,
            engine="onnxruntime",
            device="cpu",
        )
        yield engine.predict
