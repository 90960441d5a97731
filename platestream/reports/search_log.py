"""The search log that a law requires an agency to publish: numbers of searches by purpose, violation and
agency, such that no person can be identified.

A row has at least `searches` searches by at least `people` people. Smaller groups are combined: first the
violations of a purpose, then the purposes of an agency, then the agencies; where too little is left in the
end, the smallest rows are combined with it. No small count can therefore be computed by subtracting rows from
a total. This is done for each month, and a longer period is the sum of its months, so that subtracting
periods reveals nothing either. The log has no days, because many people know who was on duty on a day.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

SEVERAL = "several together"


class SearchRow(msgspec.Struct, frozen=True, kw_only=True):
    """The number of searches by the agency's own names; `several together` for combined groups."""

    agency: str
    purpose: str
    violation: str
    searches: int


class PersonSearches(NamedTuple):
    """One person's searches in one month, by names that may be published. `person` never is."""

    month: object
    agency: str
    purpose: str
    violation: str
    person: str
    searches: int


class Minimum(NamedTuple):
    """The least number of searches, and of people, of a row."""

    searches: int
    people: int

    def enough(self, by: "Counter[str]") -> bool:
        """Return whether searches, counted by person, may be a row."""
        return by.total() >= self.searches and len(by) >= self.people


NOTHING_APART = Minimum(2**62, 1)
"""All searches combined, for a period that is not over: two of its reports would differ by a day's searches.
"""
Key = tuple[str, str, str]
_COARSER: tuple[Callable[[Key], Key], ...] = (
    lambda key: key,
    lambda key: (key[0], key[1], SEVERAL),
    lambda key: (key[0], SEVERAL, SEVERAL),
    lambda _key: (SEVERAL, SEVERAL, SEVERAL),
)


def rows(searched: Iterable[PersonSearches], least: Minimum | None) -> list[SearchRow]:
    """Return the rows of a period, ordered by name; without `least` none are combined."""
    months: dict[object, dict[Key, Counter[str]]] = {}
    for one in searched:
        _add(months.setdefault(one.month, {}), one[1:4], Counter({one.person: one.searches}))
    total: Counter[Key] = Counter()
    for counts in months.values():
        combined = counts if least is None else _together(counts, least)
        total.update({key: by.total() for key, by in combined.items()})
    return [
        SearchRow(agency=agency, purpose=purpose, violation=violation, searches=count)
        for (agency, purpose, violation), count in sorted(total.items())
    ]


def by(kind: str, log_rows: Iterable[SearchRow]) -> dict[str, int]:
    """Count searches by `agency`, `purpose` or `violation`, from the rows only, so that it reveals no
    more.
    """
    found: Counter[str] = Counter()
    for row in log_rows:
        found[getattr(row, kind)] += row.searches
    return dict(sorted(found.items()))


def _together(counts: dict[Key, Counter[str]], least: Minimum) -> dict[Key, Counter[str]]:
    """Combine the counts of a month until each is enough, into a single one where necessary."""
    combined: dict[Key, Counter[str]] = {}
    few = counts
    for coarser in _COARSER:
        groups: dict[Key, Counter[str]] = {}
        for key, by_ in few.items():
            _add(groups, coarser(key), by_)
        few = {key: by_ for key, by_ in groups.items() if not least.enough(by_)}
        for key in groups.keys() - few.keys():
            _add(combined, key, groups[key])
    for rest in few.values():  # at most one group is left
        while combined and not least.enough(rest):
            smallest = min(combined, key=lambda key: (combined[key].total(), key))
            rest = rest + combined.pop(smallest)
        _add(combined, (SEVERAL, SEVERAL, SEVERAL), rest)
    return combined


def _add(counts: dict[Key, Counter[str]], key: Key, more: Counter[str]) -> None:
    counts[key] = counts.get(key, Counter()) + more
