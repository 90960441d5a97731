"""Calls that threads make to one model, put together: a GPU is filled by many pictures in one call."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

Floats = npt.NDArray[np.float32]

MOST = 32
"""Rows (pictures or crops) of one call, so that what it takes of a GPU's memory has an end."""


@dataclass(eq=False)
class _Asked:
    """What one thread wants computed: rows first in its shape, as in those of the answers."""

    rows: Floats
    answers: Future[list[Floats]] = field(default_factory=Future)

    def __len__(self) -> int:
        return len(self.rows)


class Gathered:
    """A model of one input in place of its session. While one call is computed, others wait, and those among
    them whose rows have the same shape are the next call. Nothing is held back: who finds the model free is
    computed alone.
    """

    def __init__(self, session: ort.InferenceSession, most: int = MOST) -> None:
        self._session, self._most = session, most
        self._changed = threading.Condition()
        self._waiting: list[_Asked] = []
        self._busy = False

    def run(self, names: Sequence[str], feeds: Mapping[str, Floats]) -> list[Any]:
        """As `onnxruntime.InferenceSession.run`; an error is only that thread's whose rows it is about."""
        ((name, rows),) = feeds.items()
        asked = _Asked(rows)
        with self._changed:
            self._waiting.append(asked)
        while batch := self._turn(asked):
            try:
                self._compute(batch, names, name)
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()
        return asked.answers.result()

    def _turn(self, asked: _Asked) -> list[_Asked]:
        """What this thread has to compute, its own or what waits for longer; nothing once its own is done."""
        with self._changed:
            self._changed.wait_for(lambda: asked.answers.done() or not self._busy)
            if asked.answers.done():
                return []
            self._busy = True
            return self._taken()

    def _taken(self) -> list[_Asked]:
        """The one that waits for longest, and others that go with it."""
        batch, left = self._waiting[:1], list[_Asked]()
        for one in self._waiting[1:]:
            same = one.rows.shape[1:] == batch[0].rows.shape[1:]
            fits = sum(map(len, batch)) + len(one) <= self._most
            (batch if same and fits else left).append(one)
        self._waiting = left
        return batch

    def _compute(self, batch: Sequence[_Asked], names: Sequence[str], name: str) -> None:
        try:
            rows = batch[0].rows if len(batch) == 1 else np.concatenate([one.rows for one in batch])
            answers = self._session.run(names, {name: rows})
        except BaseException as error:  # nobody may wait for an answer that will not come
            if len(batch) == 1:
                batch[0].answers.set_exception(error)
                return
            for one in batch:  # not all of them are at fault
                self._compute([one], names, name)
            return
        ends = np.cumsum([len(one) for one in batch])
        for one, end in zip(batch, ends, strict=True):
            one.answers.set_result([answer[end - len(one) : end] for answer in answers])
