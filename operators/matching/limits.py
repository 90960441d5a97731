"""When and where an entry counts: its own time, cameras, areas, hours, and whom it does not alert."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from zoneinfo import ZoneInfo

from schemas.detection import Detection
from schemas.hotlist import Area, HotListEntry, Hours

EARTH_M = 6_371_000
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def applies(read: Detection, entry: HotListEntry, agency: str) -> bool:
    """By capture time and camera of the read, never by the clock: a late read is judged as a prompt one."""
    return (
        read.captured_at < entry.expires_at
        and (entry.valid_from is None or read.captured_at >= entry.valid_from)
        and (not entry.cameras or read.camera_id in entry.cameras)
        and (not entry.areas or any(_inside(read, area) for area in entry.areas))
        and (not entry.hours or in_hours(read.captured_at, entry.hours))
        and agency not in entry.silenced_for
    )


def in_hours(at: datetime, hours: Sequence[Hours]) -> bool:
    """`at` lies in one of them; an hour over midnight belongs to the day on which it starts."""
    return any(_in(at, one) for one in hours)


def metres(latitude: float, longitude: float, area: Area) -> float:
    """Distance of a place from the middle of an area, on a sphere."""
    north, east = radians(latitude - area.latitude), radians(longitude - area.longitude)
    chord = sin(north / 2) ** 2 + cos(radians(latitude)) * cos(radians(area.latitude)) * sin(east / 2) ** 2
    return 2 * EARTH_M * asin(min(1.0, sqrt(chord)))


def _inside(read: Detection, area: Area) -> bool:
    return metres(read.latitude, read.longitude, area) <= area.radius_m


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
