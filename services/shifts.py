"""Who is on shift (order, section F.4): officers log in and out; alert hits reach whoever is in.

A shift is a record of the registry, and stays on record. It ends by logging out, or by itself after its
longest time: somebody who forgot to log out is not alerted for ever.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from connectors.edge import Topics
from connectors.settings import Settings, open_topics
from schemas.message import RefusedError
from schemas.registry import RegistryRecord
from services import registry

LONGEST = timedelta(hours=16)


def on_shift(streams: Topics, now: datetime) -> list[RegistryRecord]:
    """The shifts that count now, the longest first."""
    found = [one for one in registry.listed(streams, "shift").values() if one.counts_at(now)]
    return sorted(found, key=lambda one: (one.since or now, one.id))


def log_in(settings: Settings, user: str, lasts: timedelta, by: str, now: datetime) -> RegistryRecord:
    """Start a shift of at most `lasts`. Raises RefusedError for who is not registered or is in already."""
    streams = open_topics(settings)
    if not timedelta() < lasts <= LONGEST:
        raise RefusedError("shift", f"a shift lasts {LONGEST.total_seconds() / 3600:.0f} hours at most")
    known = registry.listed(streams, "user").get(user)
    if known is None or not known.active:
        raise RefusedError("shift", f"{user} is no registered, active user (platestream registry user)")
    for shift in on_shift(streams, now):
        if shift.user == user:
            raise RefusedError("shift", f"{user} has been logged in since {shift.since:%Y-%m-%d %H:%M} UTC")
    since = now.replace(microsecond=0)
    record = RegistryRecord(
        kind="shift",
        id=f"{user[:40]}@{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        name=known.name,
        user=user,
        agency=known.agency,
        since=since,
        until=since + lasts,
        approved_by="" if by == user else by,
    )
    return registry.put(settings, record)


def log_out(settings: Settings, user: str, now: datetime) -> RegistryRecord:
    """End the shift. Raises RefusedError for who is not logged in."""
    for shift in on_shift(open_topics(settings), now):
        if shift.user == user:
            ended = msgspec.structs.replace(shift, until=now.replace(microsecond=0), active=False)
            return registry.put(settings, ended)
    raise RefusedError("shift", f"{user} is not logged in")
