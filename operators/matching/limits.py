"""Limits of an entry: its validity, cameras, areas, hours, and the agencies that it does not alert."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from zoneinfo import ZoneInfo

from platestream.schemas.detection import Detection
from platestream.schemas.hotlist import Area, HotListEntry, Hours

EARTH_M = 6_371_000
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def applies(read: Detection, entry: HotListEntry, agency: str) -> bool:
    """Return whether an entry applies to a read, by its capture time and camera.

    The clock is not used, so that late reads are judged in the same way.
    """
    return (
        read.captured_at < entry.expires_at
        and (entry.valid_from is None or read.captured_at >= entry.valid_from)
        and (not entry.cameras or read.camera_id in entry.cameras)
        and (not entry.areas or any(_inside(read, area) for area in entry.areas))
        and (not entry.hours or in_hours(read.captured_at, entry.hours))
        and agency not in entry.silenced_for
    )


def in_hours(at: datetime, hours: Sequence[Hours]) -> bool:
    """Return whether `at` is within one of the hours.

    Hours past midnight belong to the day on which they start.
    """
    return any(_in(at, one) for one in hours)


def distance_m(latitude: float, longitude: float, area: Area) -> float:
    """Return the distance in meters of a point from the center of an area, on a sphere."""
    north, east = radians(latitude - area.latitude), radians(longitude - area.longitude)
    chord = sin(north / 2) ** 2 + cos(radians(latitude)) * cos(radians(area.latitude)) * sin(east / 2) ** 2
    return 2 * EARTH_M * asin(min(1.0, sqrt(chord)))


def _inside(read: Detection, area: Area) -> bool:
    return distance_m(read.latitude, read.longitude, area) <= area.radius_m


def _in(at: datetime, hours: Hours) -> bool:
    local = (
        at.astimezone(ZoneInfo(hours.zone))
        if hours.zone
        else at + timedelta(minutes=hours.offset_minutes - _offset(at))
    )
    clock = f"{local:%H:%M}"
    over_midnight = hours.end <= hours.start
    if over_midnight and clock < hours.end:
        local -= timedelta(days=1)
    elif not hours.start <= clock or (not over_midnight and clock >= hours.end):
        return False
    return not hours.days or DAYS[local.weekday()] in hours.days


def _offset(at: datetime) -> int:
    return int((at.utcoffset() or timedelta()).total_seconds() // 60)
