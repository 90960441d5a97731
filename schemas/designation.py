"""Which hot list sources and categories may be used (section E.1.b), and how long their entries may hold.

The order itself names the sources (C.4) and the categories (C.3, C.5) below: they are designated until the
ALPR administrator says otherwise with a registry record, `active` or not.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from schemas.hotlist import HotListEntry
from schemas.message import RefusedError
from schemas.registry import RegistryRecord

SOURCES = ("ncic", "acic", "mvd", "bolo", "sjpd")
LONGEST_DAYS = {
    "stolen_vehicle": 366,
    "stolen_plate": 366,
    "wanted_person": 366,
    "missing_person": 366,
    "protection_order": 366,
    "terrorist_activity": 366,
    "amber_alert": 30,
    "blue_alert": 30,
    "silver_alert": 30,
    "suspect_vehicle": 90,
}
LONGEST_DEFAULT = 366  # of a category whose record says nothing else; an administrator sets it


class Sourced(Protocol):
    """What has a source and a category."""

    @property
    def source(self) -> str: ...

    @property
    def category(self) -> str: ...


class Designations:
    """The order's own designations, changed by registry records as they come."""

    def __init__(self, records: Iterable[RegistryRecord] = ()) -> None:
        self._sources = set(SOURCES)
        self._longest = dict(LONGEST_DAYS)
        for record in records:
            self.apply(record)

    def apply(self, record: RegistryRecord) -> None:
        """The newest version of a record; kinds that designate nothing change nothing."""
        if record.kind == "hotlist_source":
            (self._sources.add if record.active else self._sources.discard)(record.id)
        elif record.kind == "hotlist_category":
            if record.active:
                self._longest[record.id] = record.longest_days or LONGEST_DEFAULT
            else:
                self._longest.pop(record.id, None)

    def allow(self, entry: Sourced) -> bool:
        """Source and category are designated: an entry that is not alerts nobody."""
        return entry.source in self._sources and entry.category in self._longest

    @property
    def sources(self) -> list[str]:
        """The designated sources, by name."""
        return sorted(self._sources)

    @property
    def categories(self) -> dict[str, int]:
        """The designated categories by name, and for how many days an entry may hold at most."""
        return dict(sorted(self._longest.items()))

    def knows(self, kind: str, name: str) -> bool:
        """Whether a `hotlist_source` or `hotlist_category` of this name is designated."""
        return name in (self._sources if kind == "hotlist_source" else self._longest)

    def longest(self, category: str) -> timedelta:
        """How far ahead an entry may expire. Raises RefusedError for a category that is not designated."""
        if category not in self._longest:
            raise RefusedError("category", f"`category` is not designated; it is {_one_of(self._longest)}")
        return timedelta(days=self._longest[category])

    def check_source(self, source: str) -> None:
        """Raises RefusedError for a source that is not designated."""
        if source not in self._sources:
            raise RefusedError("source", f"`source` is not designated; it is {_one_of(self._sources)}")

    def check(self, entry: HotListEntry, now: datetime) -> None:
        """Raises RefusedError that names the field: source, category, or an expiry past or too far away."""
        self.check_source(entry.source)
        longest = self.longest(entry.category)
        if entry.expires_at <= now:
            raise RefusedError("expiry", "`expires_at` is past")
        if entry.expires_at > now + longest + timedelta(days=1):  # a day counts to its end, anywhere on earth
            raise RefusedError(
                "expiry",
                f"`expires_at` is further away than {longest.days} days, the most for {entry.category}",
            )


def _one_of(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
