"""Alert de-duplication: a vehicle that stays in view, or whose pass was split, does not alert again.

The state has the entry, the camera and the time of sightings for two hours, and no plate.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

KEPT_MS = 2 * 3600 * 1000
MOST = 16  # remembered passes of one entry on one camera

Pass = list[Any]  # first and last sighting (ms), best rank alerted, ids of the detections that alerted


class AlertDeduplication:
    """Decision about which sightings alert. Times are capture times in milliseconds since 1970."""

    def __init__(self, kept: Mapping[str, list[Pass]] | None = None) -> None:
        self._passes: dict[str, list[Pass]] = {name: list(passes) for name, passes in (kept or {}).items()}
        self._newest = max((one[1] for passes in self._passes.values() for one in passes), default=0)

    def alerts(
        self,
        key: str,
        detection: UUID,
        at: int,
        gap: int,
        rank: int,
        listed: int = 0,
        *,
        old: bool = False,
        again: bool = True,
    ) -> bool:
        """Return whether this sighting alerts: it opens a pass, or is the first of a better rank in one.

        No pass crosses the time `listed`: `old` sightings, which are historical hits, belong to passes before
        it and all others to passes after it, so that no historical hit takes the place of an alert. A
        detection that alerted does so `again` when it is replayed, so that a replay makes the same hits.
        """
        at = min(at, listed - 1) if old else max(at, listed)
        self._newest = max(self._newest, at)
        name = detection.hex
        passes = self._passes.setdefault(key, [])
        for one in passes:
            if (one[0] < listed) == old and one[0] - gap <= at <= one[1] + gap:
                one[0], one[1] = min(one[0], at), max(one[1], at)
                if name in one[3]:
                    return again
                if rank >= one[2]:
                    return False
                one[2] = rank
                one[3] = [*one[3], name]
                return True
        passes.append([at, at, rank, [name]])
        del passes[:-MOST]
        return True

    def dump(self) -> dict[str, list[Pass]]:
        """Return the state: passes that a late or repeated read may still belong to."""
        since = self._newest - KEPT_MS
        for key, passes in list(self._passes.items()):
            young = [one for one in passes if one[1] >= since]
            if young:
                self._passes[key] = young
            else:
                del self._passes[key]
        return self._passes
