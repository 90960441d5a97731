"""Samples that a process of its own draws while a network trains, kept to be used again."""

import multiprocessing
import os
import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import cv2

from models.training.dice import Dice

T = TypeVar("T")

PATIENCE_S = 180.0


@dataclass(frozen=True)
class Amounts:
    """Numbers of samples to draw and to keep."""

    at_once: int
    """Handed over at a time."""
    first: int
    """Must be there before training begins."""
    kept: int
    recent: int
    """Of the kept ones those from which three quarters of a pick are."""
    waiting: int
    """Times `at_once` that wait to be taken at most: then drawing rests."""


def _draw_for_ever(out: Any, draw: Callable[[Dice], T], seed: int, at_once: int) -> None:
    cv2.setNumThreads(1)
    os.nice(4)  # training is the slower of the two and goes first
    dice = Dice(seed)
    while True:
        out.put([draw(dice) for _ in range(at_once)])


class Pool(Generic[T]):
    """Samples of `draw`, which another process can import. `seen` counts all of them."""

    def __init__(self, draw: Callable[[Dice], T], seed: int, amounts: Amounts) -> None:
        spawn = multiprocessing.get_context("spawn")  # a fork would share the threads of torch
        self._queue: Any = spawn.Queue(amounts.waiting)
        result = self._queue, draw, seed, amounts.at_once
        self._process = spawn.Process(target=_draw_for_ever, args=result, daemon=True)
        self._amounts = amounts
        self._drawn: list[T] = []
        self.seen = 0

    def __enter__(self) -> "Pool[T]":
        self._process.start()
        while self.seen < self._amounts.first:
            self._take(self._queue.get(timeout=PATIENCE_S))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def refill(self, times: int = 1000) -> None:
        """Takes what was drawn meanwhile, at most so many `times` what is handed over at once, and drops the
        oldest beyond what is kept.
        """
        if not self._process.is_alive():
            raise RuntimeError("the process that draws has ended")
        for _ in range(times):
            try:
                self._take(self._queue.get_nowait())
            except queue.Empty:
                break
        del self._drawn[: max(0, len(self._drawn) - self._amounts.kept)]

    def pick(self, dice: Dice, count: int) -> list[T]:
        """Three quarters of them recent: few are seen often."""
        older, recent = count // 4, self._drawn[-self._amounts.recent :]
        return dice.sample(recent, count - older) + dice.sample(self._drawn, older)

    def _take(self, drawn: list[T]) -> None:
        self._drawn += drawn
        self.seen += len(drawn)
