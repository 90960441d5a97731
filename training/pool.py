"""Samples drawn by a process of its own while the network trains, and kept to be used again."""

import multiprocessing
import os
import queue
from typing import Any

import cv2

from training.dice import Dice
from training.samples import Sample, draw

AT_ONCE = 64
"""Samples handed over at a time."""
FIRST = 1_500
"""Samples that must be there before training begins."""
KEPT = 60_000
"""Samples kept, about 2 GB."""
RECENT = 3_000
PATIENCE_S = 60.0


def _draw_for_ever(out: Any, seed: int) -> None:
    cv2.setNumThreads(1)
    os.nice(4)  # training is the slower of the two and goes first
    dice = Dice(seed)
    while True:
        out.put([draw(dice) for _ in range(AT_ONCE)])


class Pool:
    """The samples at hand. `seen` counts all that were ever drawn."""

    def __init__(self, seed: int) -> None:
        spawn = multiprocessing.get_context("spawn")  # a fork would share the threads of torch
        self._queue: Any = spawn.Queue(20)
        self._process = spawn.Process(target=_draw_for_ever, args=(self._queue, seed), daemon=True)
        self._samples: list[Sample] = []
        self.seen = 0

    def __enter__(self) -> "Pool":
        self._process.start()
        while self.seen < FIRST:
            self._take(self._queue.get(timeout=PATIENCE_S))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def refill(self) -> None:
        """Takes what was drawn meanwhile, and drops the oldest samples beyond what is kept."""
        if not self._process.is_alive():
            raise RuntimeError("the process that draws has ended")
        while True:
            try:
                self._take(self._queue.get_nowait())
            except queue.Empty:
                break
        del self._samples[: max(0, len(self._samples) - KEPT)]

    def pick(self, dice: Dice) -> list[Sample]:
        """64 samples in order of width, three quarters of them recent: few are seen often."""
        picked = dice.sample(self._samples[-RECENT:], 48) + dice.sample(self._samples, 16)
        return sorted(picked, key=lambda sample: sample.crop.shape[1])

    def _take(self, samples: list[Sample]) -> None:
        self._samples += samples
        self.seen += len(samples)
