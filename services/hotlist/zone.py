"""The agency's own time zone: that of the dates that people write and read."""

from zoneinfo import ZoneInfo

from services.door import Door


def agency_zone(door: Door) -> ZoneInfo:
    """Return `time_zone` of the rules in force. Raises RulesError and DatabaseError."""
    return ZoneInfo(door.rules.profile.agency.time_zone)
