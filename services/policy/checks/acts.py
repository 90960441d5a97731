"""Acts on record, and whether something that is there has one: what is done passes the door first.

An act is recorded just before it is done, so what it made is stamped within minutes of it. Whoever changes a
record behind the door within these minutes, or forges its time, is not found by this; the seals, the copy of
the log and the query log of a server are there for that.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from schemas.tables import EPOCH
from services.policy.checks.live import Live

NEAR = timedelta(minutes=5)
# The import of a large file reads for long between its beginning and the act; then it sends.
IMPORT_READS = timedelta(minutes=30)

_ACTS = """
SELECT kind, at, who, other, concat(change, ' ', reason) FROM platestream.inquiry_log
WHERE outcome = 'allowed' AND kind IN {kinds:Array(String)} AND at > {since:DateTime64(6, 'UTC')} ORDER BY at
"""


@dataclass(frozen=True)
class OnRecord:
    """An act that was allowed: `about` what it was, `said` what before and after."""

    kind: str
    at: datetime
    who: str
    about: str
    said: str

    def is_near(self, at: datetime, before: timedelta = NEAR) -> bool:
        """What is stamped `at` may have come of it: up to `before` earlier, or soon after."""
        return -before <= at - self.at <= NEAR


def acts(live: Live, kinds: Iterable[str], since: datetime | None = None) -> list[OnRecord]:
    """Allowed acts of these kinds in order, from `since` on or as far as the log goes."""
    asked: dict[str, Any] = {"kinds": list(kinds), "since": since or EPOCH}
    return [OnRecord(*row) for row in live.rows(_ACTS, **asked)]
