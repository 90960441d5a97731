"""Search results by time, and on a map that needs no internet."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup, escape

from platestream.access.gate import Row

WIDTH, HEIGHT, EDGE = 640, 320, 60
LABEL = (110, 16)
Place = tuple[float, float]
"""Latitude and longitude, degrees."""


class Hour(NamedTuple):
    """Hour of the day (0 to 23) with its passes, in all and by camera."""

    hour: int
    passes: int
    cameras: list[tuple[str, int]]


class Day(NamedTuple):
    """Day of the agency's calendar with its hours that have passes, latest first."""

    day: date
    passes: int
    hours: list[Hour]


def group_by_day(rows: Sequence[Row], zone: tzinfo) -> list[Day]:
    """Group passes by day and hour in `zone`, latest first."""
    seen = sorted(((row["captured_at"].astimezone(zone), row["camera_id"]) for row in rows), reverse=True)
    return [_day(day, list(passes)) for day, passes in groupby(seen, key=lambda one: one[0].date())]


def busiest_hour(days: Sequence[Day]) -> int:
    """Return the passes of the busiest hour; 0 if there are none."""
    return max((hour.passes for day in days for hour in day.hours), default=0)


def count_by_camera(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """Count passes by camera, most first."""
    return Counter(str(row["camera_id"]) for row in rows).most_common()


def map_results(rows: Sequence[Row], known: Mapping[str, Place]) -> Markup:
    """Return the map of cameras with their numbers of passes; empty if there are none."""
    places = {row["camera_id"]: (row["latitude"], row["longitude"]) for row in rows if "latitude" in row}
    counts = dict(count_by_camera(rows))
    where = {camera: places.get(camera) or known.get(camera) for camera in counts}
    marked = {f"{camera}: {counts[camera]}": place for camera, place in where.items() if place}
    others = {camera: place for camera, place in known.items() if camera not in counts}
    return draw_map(marked, others) if marked else Markup()


def draw_map(marked: Mapping[str, Place], known: Mapping[str, Place]) -> Markup:
    """Return an SVG of all cameras in relative positions, north up; those of `marked` are labeled."""
    places = {**known, **marked}
    north, south = (pick(one[0] for one in places.values()) for pick in (max, min))
    east, west = (pick(one[1] for one in places.values()) for pick in (max, min))
    squeeze = math.cos(math.radians((north + south) / 2))
    scale = min(
        (WIDTH - 2 * EDGE) / max((east - west) * squeeze, 1e-3),
        (HEIGHT - 2 * EDGE) / max(north - south, 1e-3),
    )
    parts: list[Markup] = []
    taken: list[tuple[float, float]] = []
    for name, (latitude, longitude) in sorted(places.items(), key=lambda one: one[0] not in marked):
        x = WIDTH / 2 + (longitude - (east + west) / 2) * squeeze * scale
        y = HEIGHT / 2 - (latitude - (north + south) / 2) * scale
        meant = name in marked
        parts.append(
            Markup('<circle class="{}" cx="{:.0f}" cy="{:.0f}" r="{}"><title>{}</title></circle>').format(
                "meant" if meant else "other", x, y, 9 if meant else 4, name
            )
        )
        if all(abs(x - left) > LABEL[0] or abs(y - up) > LABEL[1] for left, up in taken):
            taken.append((x, y))
            at_end = x > WIDTH - 2 * EDGE
            parts.append(
                Markup('<text x="{:.0f}" y="{:.0f}" text-anchor="{}">{}</text>').format(
                    x - 14 if at_end else x + 14, y + 5, "end" if at_end else "start", name
                )
            )
    names = escape(", ".join(sorted(marked)))
    frame = Markup(
        '<svg class="map" viewBox="0 0 {} {}" role="img" aria-label="Map of cameras; marked: {}">{}</svg>'
    )
    return frame.format(WIDTH, HEIGHT, names, Markup("").join(parts))


def _day(day: date, passes: list[tuple[datetime, str]]) -> Day:
    hours = [
        Hour(hour, len(cameras), Counter(cameras).most_common())
        for hour, cameras in (
            (hour, [camera for _at, camera in group])
            for hour, group in groupby(passes, key=lambda one: one[0].hour)
        )
    ]
    return Day(day, len(passes), hours)
