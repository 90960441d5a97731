"""Bound on the rows that refused sign-ins write.

The first refusal of a person at a browser is a row at once. Further ones within a minute are counted and are
one row at its end, and so on for each minute until there are none. Beyond MOST people and browsers in a
minute, all others are counted together. However many try, MOST first rows, MOST counts and one more are
written in a minute at most.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from platestream.schemas.sign_in_event import SignInEvent

WINDOW = timedelta(minutes=1)
MOST = 20
SEVERAL = "several reasons"
OTHERS = "other people and browsers"
_Key = tuple[str, str]


@dataclass
class _Count:
    """Refusals since `since` that are in no row yet; `last` has what they have in common."""

    since: datetime
    last: SignInEvent | None = None

    def add(self, event: SignInEvent) -> None:
        last = self.last
        if last is None:
            self.last = event
            return
        same = {
            name: getattr(event, name) if getattr(event, name) == getattr(last, name) else ""
            for name in ("who", "way", "factor", "browser", "address")
        }
        why = event.why if event.why == last.why else SEVERAL
        self.last = msgspec.structs.replace(event, **same, why=why, times=last.times + event.times)


class Refusals:
    """Refusals of the last minute. Not thread-safe."""

    def __init__(self) -> None:
        self._counts: dict[_Key, _Count] = {}
        self._others: _Count | None = None

    def add(self, event: SignInEvent) -> list[SignInEvent]:
        """Count a refusal; return the events that are rows now."""
        rows = self.due(event.at)
        key = event.who, event.browser
        if key in self._counts:
            self._counts[key].add(event)
        elif len(self._counts) < MOST:
            self._counts[key] = _Count(event.at)
            rows.append(event)
        else:
            self._others = self._others or _Count(event.at)
            self._others.add(msgspec.structs.replace(event, who="", browser="", why=OTHERS))
        return rows

    def due(self, now: datetime, window: timedelta = WINDOW) -> list[SignInEvent]:
        """Return the counts of minutes that are over; without a window, all counts."""
        rows = []
        for key, count in list(self._counts.items()):
            if now - count.since < window:
                continue
            if count.last is None:
                del self._counts[key]
            else:
                rows.append(count.last)
                self._counts[key] = _Count(now)
        if self._others is not None and now - self._others.since >= window:
            rows += [self._others.last] if self._others.last else []
            self._others = None
        return rows
