"""What was found, in time and on the map."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup

from platestream.console.places import Place, drawn
from services.inquiries.gate import Row


class Hour(NamedTuple):
    """An hour of the day (0 to 23), how much was seen in it, and how often at which camera."""

    hour: int
    passes: int
    cameras: list[tuple[str, int]]


class Day(NamedTuple):
    """A day of the agency's calendar, and its hours in which something was seen, the latest first."""

    day: date
    passes: int
    hours: list[Hour]


def by_day(rows: Sequence[Row], zone: tzinfo) -> list[Day]:
    """Passes by day and hour, the latest first; days and hours are those of clocks in `zone`."""
    seen = sorted(((row["captured_at"].astimezone(zone), row["camera_id"]) for row in rows), reverse=True)
    return [_day(day, list(passes)) for day, passes in groupby(seen, key=lambda one: one[0].date())]


def busiest(days: Sequence[Day]) -> int:
    """How much was seen in the hour that had most; 0 where nothing was."""
    return max((hour.passes for day in days for hour in day.hours), default=0)


def by_camera(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """How often at which camera, the most first."""
    return Counter(str(row["camera_id"]) for row in rows).most_common()


def on_map(rows: Sequence[Row], known: Mapping[str, Place]) -> Markup:
    """The cameras where it was seen, each with how often, among all that are known; empty where none was."""
    places = {row["camera_id"]: (row["latitude"], row["longitude"]) for row in rows if "latitude" in row}
    counts = dict(by_camera(rows))
    where = {camera: places.get(camera) or known.get(camera) for camera in counts}
    marked = {f"{camera}: {counts[camera]}": place for camera, place in where.items() if place}
    others = {camera: place for camera, place in known.items() if camera not in counts}
    return drawn(marked, others) if marked else Markup()


def _day(day: date, passes: list[tuple[datetime, str]]) -> Day:
    hours = [
        Hour(hour, len(cameras), Counter(cameras).most_common())
        for hour, cameras in (
            (hour, [camera for _at, camera in group])
            for hour, group in groupby(passes, key=lambda one: one[0].hour)
        )
    ]
    return Day(day, len(passes), hours)
