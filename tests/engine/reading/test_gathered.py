"""Several threads that ask one model, with ONNX Runtime."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from models.samples.plates import PlateLook
from platestream.reading import ocr
from platestream.reading.batching import BatchingSession, Floats
from platestream.reading.factory import LimitedReader
from platestream.reading.geometry import Box
from platestream.reading.plate_reader import TwoPassReader
from platestream.schemas.reading import PlateRead
from tests.engine.reading.test_engine import street

PLATES = ["CKR4172", "BXH2081", "ABC1234", "KLM5555", "XYZ9876", "GHT3081"]


class Held:
    """The recogniser of plates, whose first call waits until it is let go; tells of each call's rows."""

    def __init__(self, let_go: threading.Event) -> None:
        weights = Path(ocr.__file__).parent / "weights" / "plates.onnx"
        self.session = ort.InferenceSession(str(weights), providers=["CPUExecutionProvider"])
        self.name, self.out = self.session.get_inputs()[0].name, [self.session.get_outputs()[0].name]
        self.let_go, self.began = let_go, threading.Event()
        self.rows = list[int]()

    def run(self, names: Sequence[str], feeds: dict[str, Floats]) -> list[Any]:
        (rows,) = feeds.values()
        self.rows.append(len(rows))
        if not self.began.is_set():
            self.began.set()
            assert self.let_go.wait(10)
        return list(self.session.run(names, feeds))


def crops(seed: int, count: int = 1, width: int = 160) -> Floats:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 3, 48, width)).astype(np.float32)


def asked_while_one_is_computed(asked: Sequence[Floats], most: int = 32) -> tuple[Held, list[Any]]:
    """The first of `asked` is computed while all others come; what each gave, or raised."""
    held = Held(threading.Event())
    model = BatchingSession(held, most)

    def ask(rows: Floats) -> Any:
        try:
            return model.run(held.out, {held.name: rows})[0]
        except Exception as error:  # what it raises is looked at
            return error

    with ThreadPoolExecutor(len(asked)) as threads:
        first = threads.submit(ask, asked[0])
        assert held.began.wait(10)
        others = [threads.submit(ask, rows) for rows in asked[1:]]
        while len(model._waiting) < len(others):  # all have come
            pass
        held.let_go.set()
        return held, [one.result(timeout=30) for one in (first, *others)]


def test_what_waits_while_one_call_is_computed_is_the_next_call_and_each_has_its_own_answer() -> None:
    asked = [crops(0), crops(1), crops(2, 3), crops(3)]
    held, answers = asked_while_one_is_computed(asked)
    assert held.rows == [1, 5]
    for rows, answer in zip(asked, answers, strict=True):
        (alone,) = held.session.run(held.out, {held.name: rows})
        assert answer.shape == alone.shape
        assert answer == pytest.approx(alone, abs=1e-5)


def test_rows_of_another_shape_are_a_call_of_their_own_and_none_is_larger_than_it_may_be() -> None:
    asked = [crops(0), crops(1, 2), crops(2, 2, width=320), crops(3, 2), crops(4, 2), crops(5, 9)]
    held, answers = asked_while_one_is_computed(asked, most=4)
    assert sorted(held.rows) == [1, 2, 2, 4, 9]
    assert [len(one) for one in answers] == [1, 2, 2, 2, 2, 9]


def test_rows_that_the_model_fails_on_are_an_error_of_theirs_alone() -> None:
    class Poisoned(Held):
        def run(self, names: Sequence[str], feeds: dict[str, Floats]) -> list[Any]:
            if np.isnan(next(iter(feeds.values()))).any():
                raise ValueError("poison")
            return super().run(names, feeds)

    poison = crops(1)
    poison[0, 0, 0, 0] = np.nan
    held = Poisoned(threading.Event())
    model = BatchingSession(held)
    held.let_go.set()
    with ThreadPoolExecutor(8) as threads:
        asked = [crops(seed) for seed in range(20)]
        asked[7] = asked[13] = poison
        result = [threads.submit(model.run, held.out, {held.name: rows}) for rows in asked]
    failed = [place for place, one in enumerate(result) if one.exception()]
    assert failed == [7, 13]
    assert all(one.result()[0].shape[0] == 1 for place, one in enumerate(result) if place not in failed)


@pytest.mark.parametrize("gathered", [False, True])
def test_pictures_that_are_read_at_once_are_read_as_alone(gathered: bool) -> None:
    engine = ocr.open_engine(threads=1)
    reader = TwoPassReader(engine)
    pictures = [street(PlateLook(plate, "AZ"), width) for plate in PLATES for width in (90, 220)]
    alone = [reader.read(picture) for picture in pictures]
    if gathered:  # as on a GPU
        for model in (engine._localiser, engine._quick, engine._careful):
            model.predictor.runner.session = BatchingSession(model.predictor.runner.session)
        for recogniser in (engine._words, engine._plates):
            runner = recogniser._predictor.runner
            runner.session = BatchingSession(runner.session)
    with ThreadPoolExecutor(4) as threads:
        at_once = list(threads.map(reader.read, pictures * 2))
    for ours, theirs in zip(at_once, alone * 2, strict=True):
        assert [(one.plate, one.state, one.box) for one in ours] == [
            (one.plate, one.state, one.box) for one in theirs
        ]
        assert [one.confidence for one in ours] == pytest.approx(
            [one.confidence for one in theirs], abs=0.001
        )


@pytest.mark.parametrize("count", [1, 3])
def test_the_flows_reader_reads_as_many_pictures_at_once_as_it_may(count: int) -> None:
    inside, most = list[int](), list[int]()

    class Reader:
        models = ("script/1",)

        def read(self, image: ocr.Image, longest: int = 0, known: PlateRead | None = None) -> list[PlateRead]:
            inside.append(len(image))
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()
            return []

        def locate(self, image: ocr.Image, longest: int) -> list[Box]:
            return []

    reader = LimitedReader(Reader(), count)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(reader.read, [np.zeros((8, 8, 3), np.uint8)] * 12))
    assert max(most) == count
