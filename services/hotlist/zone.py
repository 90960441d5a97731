"""The agency's own time zone: that of the dates that people write and read."""

from zoneinfo import ZoneInfo

from connectors.profiles import load
from connectors.settings import Settings


def agency_zone(settings: Settings) -> ZoneInfo:
    """`time_zone` of the agency's profile. Raises ProfileError."""
    return ZoneInfo(load(settings.profile).agency.time_zone)
