"""Times that people type and see: those of the agency's time zone."""

from datetime import datetime, tzinfo

from services.door import Door
from services.hotlist.zone import agency_zone

DAYS = ["%Y-%m-%d"]
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def local(door: Door, at: datetime | None) -> datetime | None:
    """The instant at which clocks of the agency show `at`, None where none was given."""
    return at and at.replace(tzinfo=agency_zone(door))


def shown_at(at: datetime | None, zone: tzinfo, *, seconds: bool = True) -> str:
    """An instant as clocks of `zone` show it, with the zone's short name; empty where there is none."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M{':%S' if seconds else ''} %Z}" if at else ""
