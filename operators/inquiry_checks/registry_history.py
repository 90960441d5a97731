"""State of the registry when an inquiry was made: a record counts from its change, not from its arrival."""

from bisect import insort
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from platestream.operators.people import People
from platestream.schemas.inquiry import Inquiry
from platestream.schemas.registry import RegistryRecord

_FIRST = datetime.min.replace(tzinfo=UTC)


class RegistryHistory:
    """All received versions of people and agencies in the registry; records of other kinds are ignored.

    The topic is compacted, so older versions may be missing.
    """

    def __init__(self) -> None:
        self.newest = People()
        self._last = _FIRST
        self._versions: dict[str, list[RegistryRecord]] = {}

    def put(self, record: RegistryRecord) -> None:
        """Add one version of a record; versions may arrive in any order."""
        if record.kind not in ("user", "agency"):
            return
        self.newest.put(record)
        self._last = max(self._last, change_time(record))
        known = self._versions.setdefault(record.key, [])
        if record not in known:
            insort(known, record, key=change_time)

    def version(self, key: str, at: datetime) -> RegistryRecord | None:
        """Return the version of a record that was in force at a time; None where none is known."""
        known = [one for one in self._versions.get(key, []) if change_time(one) <= at]
        return known[-1] if known else None

    def at(self, inquiry: Inquiry) -> People:
        """Return people and agencies as they were before this act and its own effect."""
        if inquiry.at > self._last and not inquiry.kind.startswith("registry_"):
            return self.newest
        return People(filter(None, (self._version(known, inquiry) for known in self._versions.values())))

    @staticmethod
    def _version(known: list[RegistryRecord], inquiry: Inquiry) -> RegistryRecord | None:
        before = [one for one in known if change_time(one) <= inquiry.at and not _is_written_by(inquiry, one)]
        if before:
            return before[-1]
        first = known[0]
        if _is_written_by(inquiry, first) or first.active:
            return None if _is_written_by(inquiry, first) else first
        # Ended later: an earlier version existed but was not received.
        return msgspec.structs.replace(first, active=True)


def change_time(record: RegistryRecord) -> datetime:
    """Return the time of a record's change, or the beginning of time if it has none."""
    return record.changed_at or _FIRST


def _is_written_by(inquiry: Inquiry, record: RegistryRecord) -> bool:
    return (
        inquiry.other == record.key[:64]
        and isinstance(inquiry.effect, str)
        and inquiry.effect == sha256(record.to_json()).hexdigest()
    )
