"""The registry as it was when an inquiry was made: a record counts from its change, not from its coming."""

from bisect import insort
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from operators.people import People
from schemas.inquiry import Inquiry
from schemas.registry import RegistryRecord

_FIRST = datetime.min.replace(tzinfo=UTC)


class Registered:
    """All versions of the people and agencies of the registry that came; others change nothing here.

    The topic is compacted, so that older versions may be missing.
    """

    def __init__(self) -> None:
        self.newest = People()
        self._last = _FIRST
        self._versions: dict[str, list[RegistryRecord]] = {}

    def put(self, record: RegistryRecord) -> None:
        """Add one version of a record, in whatever order versions come."""
        if record.kind not in ("user", "agency"):
            return
        self.newest.put(record)
        self._last = max(self._last, changed(record))
        known = self._versions.setdefault(record.key, [])
        if record not in known:
            insort(known, record, key=changed)

    def at(self, inquiry: Inquiry) -> People:
        """Return people and agencies as they were before this act, and before what it wrote itself."""
        if inquiry.at > self._last and not inquiry.kind.startswith("registry_"):
            return self.newest
        return People(filter(None, (self._version(known, inquiry) for known in self._versions.values())))

    @staticmethod
    def _version(known: list[RegistryRecord], inquiry: Inquiry) -> RegistryRecord | None:
        before = [one for one in known if changed(one) <= inquiry.at and not _is_written_by(inquiry, one)]
        if before:
            return before[-1]
        first = known[0]
        if _is_written_by(inquiry, first) or first.active:
            return None if _is_written_by(inquiry, first) else first
        # Ended later: it was there before, in a version that did not come.
        return msgspec.structs.replace(first, active=True)


def changed(record: RegistryRecord) -> datetime:
    """When a record was changed; the beginning of time where it does not say."""
    return record.changed_at or _FIRST


def _is_written_by(inquiry: Inquiry, record: RegistryRecord) -> bool:
    return (
        inquiry.other == record.key[:64]
        and isinstance(inquiry.effect, str)
        and inquiry.effect == sha256(record.to_json()).hexdigest()
    )
