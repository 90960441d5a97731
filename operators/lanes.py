"""Working on several items of a batch at once, where the order holds by key only."""

from collections import defaultdict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Generic, TypeVar

X = TypeVar("X")
Y = TypeVar("Y")


class Lanes(Generic[X]):
    """Applies something to the items of a batch: to those of one key one after the other, to those of `count`
    keys at the same time, each key in a thread of its own.
    """

    def __init__(self, count: int, key: Callable[[X], Hashable]) -> None:
        self._threads = ThreadPoolExecutor(count, "lane") if count > 1 else None
        self._key = key

    def __call__(self, logic: Callable[[X], Y], items: list[X]) -> list[Y]:
        """What `logic` makes of the items, in their order. Raises what it raises."""
        if self._threads is None:
            return list(map(logic, items))
        lanes = defaultdict[Hashable, list[int]](list)
        for place, item in enumerate(items):
            lanes[self._key(item)].append(place)
        made = self._threads.map(lambda places: [logic(items[place]) for place in places], lanes.values())
        by_place = dict(zip(chain(*lanes.values()), chain(*made), strict=True))
        return [by_place[place] for place in range(len(items))]
