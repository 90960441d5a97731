"""Times that people type."""

from datetime import UTC, datetime

from services.door import Door
from services.hotlist.zone import agency_zone

DAYS = ["%Y-%m-%d"]
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def instant(at: datetime | None) -> datetime | None:
    """The instant that was meant, None where none was given."""
    return at and at.replace(tzinfo=UTC)


def local(door: Door, at: datetime | None) -> datetime | None:
    """The instant at which clocks of the agency show `at`, None where none was given."""
    return at and at.replace(tzinfo=agency_zone(door.settings))
