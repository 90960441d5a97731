"""Designated hot list sources and categories (section E.1.b), and the longest validity of their entries.

The order itself names the sources (C.4) and the categories (C.3, C.5) below. They are designated until the
ALPR administrator changes this with a registry record, `active` or not.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

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
LONGEST_DEFAULT = 366  # for a category whose record sets no other limit


class Designations:
    """The designations: those of the order, changed by registry records as they arrive."""

    def __init__(self, records: Iterable[RegistryRecord] = ()) -> None:
        self._sources = set(SOURCES)
        self._longest = dict(LONGEST_DAYS)
        for record in records:
            self.apply(record)

    def apply(self, record: RegistryRecord) -> None:
        """Apply the newest version of a record. Records of other kinds are ignored."""
        if record.kind == "hotlist_source":
            (self._sources.add if record.active else self._sources.discard)(record.id)
        elif record.kind == "hotlist_category":
            if record.active:
                self._longest[record.id] = record.longest_days or LONGEST_DEFAULT
            else:
                self._longest.pop(record.id, None)

    def allow(self, source: str, category: str) -> bool:
        """Return whether these are designated. An entry that is not allowed alerts nobody."""
        return source in self._sources and category in self._longest

    @property
    def sources(self) -> list[str]:
        """The designated sources, sorted by name."""
        return sorted(self._sources)

    @property
    def categories(self) -> dict[str, int]:
        """The designated categories, sorted by name, with the longest validity of an entry in days."""
        return dict(sorted(self._longest.items()))

    def knows(self, kind: str, name: str) -> bool:
        """Return whether a `hotlist_source` or `hotlist_category` of this name is designated."""
        return name in (self._sources if kind == "hotlist_source" else self._longest)

    def longest(self, category: str) -> timedelta:
        """Return the longest validity of an entry. Raises RefusedError if the category is not designated."""
        if category not in self._longest:
            raise RefusedError("category", f"`category` is not designated; it is {_one_of(self._longest)}")
        return timedelta(days=self._longest[category])

    def check_source(self, source: str) -> None:
        """Raise RefusedError if the source is not designated."""
        if source not in self._sources:
            raise RefusedError("source", f"`source` is not designated; it is {_one_of(self._sources)}")

    def check(self, entry: HotListEntry, now: datetime) -> None:
        """Check source, category and expiry of an entry. Raises RefusedError with the name of the field."""
        self.check_source(entry.source)
        longest = self.longest(entry.category)
        if entry.expires_at <= now:
            raise RefusedError("expiry", "`expires_at` is past")
        if entry.expires_at > now + longest + timedelta(days=1):  # a day lasts to its end in every time zone
            raise RefusedError(
                "expiry",
                f"`expires_at` is further away than {longest.days} days, the most for {entry.category}",
            )


def _one_of(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
