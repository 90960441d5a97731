"""Batching of calls that threads make to one model, because only batches use a GPU fully."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

Floats = npt.NDArray[np.float32]

MAX_BATCH = 32
"""Rows (pictures or crops) of one call at most, which limits its GPU memory."""


@dataclass(eq=False)
class _Call:
    """The input of one thread; the first dimension of its array, and of the answers, is the rows."""

    rows: Floats
    answers: Future[list[Floats]] = field(default_factory=Future)

    def __len__(self) -> int:
        return len(self.rows)


class BatchingSession:
    """A batching replacement for the session of a model with one input.

    While one call is computed, others wait. Those of them whose rows have the same shape form the next call.
    Nothing is delayed: a thread that finds the model free is computed alone.
    """

    def __init__(self, session: ort.InferenceSession, most: int = MAX_BATCH) -> None:
        self._session, self._most = session, most
        self._changed = threading.Condition()
        self._waiting: list[_Call] = []
        self._busy = False

    def run(self, names: Sequence[str], feeds: Mapping[str, Floats]) -> list[Any]:
        """Run as `onnxruntime.InferenceSession.run`.

        An error is raised only in the thread whose rows caused it.
        """
        ((name, rows),) = feeds.items()
        call = _Call(rows)
        with self._changed:
            self._waiting.append(call)
        while batch := self._next_batch(call):
            try:
                self._compute(batch, names, name)
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()
        return call.answers.result()

    def _next_batch(self, call: _Call) -> list[_Call]:
        """Return the calls that this thread has to compute; empty once its own is done."""
        with self._changed:
            self._changed.wait_for(lambda: call.answers.done() or not self._busy)
            if call.answers.done():
                return []
            self._busy = True
            return self._take_batch()

    def _take_batch(self) -> list[_Call]:
        """Return the call that has waited longest, and others that can be computed with it."""
        batch, left = self._waiting[:1], list[_Call]()
        for one in self._waiting[1:]:
            same = one.rows.shape[1:] == batch[0].rows.shape[1:]
            fits = sum(map(len, batch)) + len(one) <= self._most
            (batch if same and fits else left).append(one)
        self._waiting = left
        return batch

    def _compute(self, batch: Sequence[_Call], names: Sequence[str], name: str) -> None:
        try:
            rows = batch[0].rows if len(batch) == 1 else np.concatenate([one.rows for one in batch])
            answers = self._session.run(names, {name: rows})
        except BaseException as error:  # no thread may wait for an answer that will not come
            if len(batch) == 1:
                batch[0].answers.set_exception(error)
                return
            for one in batch:  # not all of them caused it
                self._compute([one], names, name)
            return
        ends = np.cumsum([len(one) for one in batch])
        for one, end in zip(batch, ends, strict=True):
            one.answers.set_result([answer[end - len(one) : end] for answer in answers])
