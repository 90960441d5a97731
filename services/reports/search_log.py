"""The search log that a law has an agency publish: how many searches were for which purpose and violation,
and of whose people, so that nobody is found in it.

A row is of `searches` searches at least, by `people` people at least. What is in no such row is put together:
first the violations of a purpose, then the purposes of an agency, then the agencies; where too little is left
in the end, the smallest rows go with it. So no count can be had by taking rows from a total. It is done for
each month by itself and a longer period is the sum of its months: nothing is had by taking periods from each
other either. There is no day in it: who was on duty that day is known to many.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

SEVERAL = "several together"


class SearchRow(msgspec.Struct, frozen=True, kw_only=True):
    """So many searches, by the agency's own names; `several together` where fewer would be told apart."""

    agency: str
    purpose: str
    violation: str
    searches: int


class Searched(NamedTuple):
    """What one person searched in one month, by names that may be published. `person` never is."""

    month: object
    agency: str
    purpose: str
    violation: str
    person: str
    searches: int


class Least(NamedTuple):
    """What a row has at least."""

    searches: int
    people: int

    def enough(self, by: "Counter[str]") -> bool:
        """Whether searches, counted by person, may be a row."""
        return by.total() >= self.searches and len(by) >= self.people


NOTHING_APART = Least(2**62, 1)
"""For a period that is not over: of two reports of it on two days, the later one tells the day's searches."""
Key = tuple[str, str, str]
_COARSER: tuple[Callable[[Key], Key], ...] = (
    lambda key: key,
    lambda key: (key[0], key[1], SEVERAL),
    lambda key: (key[0], SEVERAL, SEVERAL),
    lambda _key: (SEVERAL, SEVERAL, SEVERAL),
)


def rows(searched: Iterable[Searched], least: Least | None) -> list[SearchRow]:
    """The rows of a period, by name; without `least` each as it is."""
    months: dict[object, dict[Key, Counter[str]]] = {}
    for one in searched:
        _add(months.setdefault(one.month, {}), one[1:4], Counter({one.person: one.searches}))
    total: Counter[Key] = Counter()
    for counts in months.values():
        kept = counts if least is None else _together(counts, least)
        total.update({key: by.total() for key, by in kept.items()})
    return [
        SearchRow(agency=agency, purpose=purpose, violation=violation, searches=count)
        for (agency, purpose, violation), count in sorted(total.items())
    ]


def by(kind: str, told: Iterable[SearchRow]) -> dict[str, int]:
    """How many searches by `agency`, `purpose` or `violation`: of the rows, so that it says no more."""
    found: Counter[str] = Counter()
    for row in told:
        found[getattr(row, kind)] += row.searches
    return dict(sorted(found.items()))


def _together(counts: dict[Key, Counter[str]], least: Least) -> dict[Key, Counter[str]]:
    """The counts of a month, put together until each is enough; all in one where even that is too little."""
    kept: dict[Key, Counter[str]] = {}
    few = counts
    for coarser in _COARSER:
        groups: dict[Key, Counter[str]] = {}
        for key, by_ in few.items():
            _add(groups, coarser(key), by_)
        few = {key: by_ for key, by_ in groups.items() if not least.enough(by_)}
        for key in groups.keys() - few.keys():
            _add(kept, key, groups[key])
    for rest in few.values():  # one at most: all that is left
        while kept and not least.enough(rest):
            smallest = min(kept, key=lambda key: (kept[key].total(), key))
            rest = rest + kept.pop(smallest)
        _add(kept, (SEVERAL, SEVERAL, SEVERAL), rest)
    return kept


def _add(counts: dict[Key, Counter[str]], key: Key, more: Counter[str]) -> None:
    counts[key] = counts.get(key, Counter()) + more
