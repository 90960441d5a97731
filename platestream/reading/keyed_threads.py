"""Concurrent processing of a batch with order preserved within each key."""

from collections import defaultdict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Generic, TypeVar

X = TypeVar("X")
Y = TypeVar("Y")


class KeyedThreadPool(Generic[X]):
    """Function that applies logic to the items of a batch.

    Items with the same key are processed one after the other; those of `count` keys at the same time, each
    key in its own thread.
    """

    def __init__(self, count: int, key: Callable[[X], Hashable]) -> None:
        self._threads = ThreadPoolExecutor(count, "lane") if count > 1 else None
        self._key = key

    def __call__(self, logic: Callable[[X], Y], items: list[X]) -> list[Y]:
        """Return the results of `logic` in the order of the items. Raises the errors of `logic`."""
        if self._threads is None:
            return list(map(logic, items))
        lanes = defaultdict[Hashable, list[int]](list)
        for place, item in enumerate(items):
            lanes[self._key(item)].append(place)
        made = self._threads.map(lambda places: [logic(items[place]) for place in places], lanes.values())
        by_place = dict(zip(chain(*lanes.values()), chain(*made), strict=True))
        return [by_place[place] for place in range(len(items))]
