"""Geometry of sensitive places: a circle, or an outline of points on the map.

It is computed on a sphere, for places of some kilometers at most. The direction of the outline does not
matter, nor that its last point may repeat the first, nor that it may cross 180 degrees. A point on the edge
is inside.
"""

import threading
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import cos, hypot, radians

from platestream.operators.matching.limits import EARTH_M, distance_m
from platestream.schemas.hotlist import Area
from platestream.schemas.registry import RegistryRecord

Point = tuple[float, float]
"""Degrees north and east."""
EDGE_M = 0.1  # the error of seven decimals of a degree
POINTS = 10_000
"""Number of points whose result is cached."""


def inside(latitude: float, longitude: float, place: RegistryRecord, margin_m: float = 0.0) -> bool:
    """Return whether the point is in the place of this record, or nearer to it than `margin_m`.

    A record without a location contains no point.
    """
    if place.outline:
        return _in_outline(latitude, longitude, place.outline, margin_m + EDGE_M)
    if place.latitude is None or place.longitude is None or place.radius_m is None:
        return False
    circle = Area(place.latitude, place.longitude, place.radius_m)
    return distance_m(latitude, longitude, circle) <= place.radius_m + margin_m + EDGE_M


def places_around(
    latitude: float,
    longitude: float,
    places: Iterable[RegistryRecord],
    kinds: Sequence[str],
    margin_m: float = 0.0,
) -> list[RegistryRecord]:
    """Return the active places of these kinds that contain the point, by id."""
    found = (one for one in places if one.kind == "place" and one.active and one.place in kinds)
    return sorted(
        (one for one in found if inside(latitude, longitude, one, margin_m)), key=lambda one: one.id
    )


class SensitivePlaces:
    """The places of the registry in which pictures may not be taken, shared by the workers of a process.

    `kinds` are those that the law names, with a margin of `margin_m` around them; without kinds there is
    none.
    """

    def __init__(self, kinds: Sequence[str] = (), margin_m: float = 0.0) -> None:
        self._kinds, self._margin = kinds, margin_m
        self._places: dict[str, RegistryRecord] = {}
        self._found: dict[Point, str] = {}  # cache, because most cameras do not move
        self._lock = threading.Lock()

    def put(self, record: RegistryRecord) -> None:
        """Store the newest version of a registry record; records of other kinds are ignored."""
        if record.kind == "place":
            with self._lock:
                self._places = {**self._places, record.id: record}
                self._found = {}

    def at(self, latitude: float, longitude: float) -> str:
        """Return the id of the first place that contains the point, or an empty string."""
        if not (self._kinds and self._places):
            return ""
        point, known = (latitude, longitude), self._found
        place = known.get(point)
        if place is None:
            found = places_around(latitude, longitude, self._places.values(), self._kinds, self._margin)
            place = found[0].id if found else ""
            if len(known) >= POINTS:
                known.clear()
            known[point] = place
        return place


def _in_outline(latitude: float, longitude: float, outline: Sequence[Point], reach_m: float) -> bool:
    """Return whether the point is in the outline, by ray crossings, or within `reach_m` of a side.

    Distances are in meters on a plane that touches the sphere at the point. East is counted along the outline
    from its first point, and the point's own from there, the shorter way around, so that an outline across
    180 degrees is not split.
    """
    easts = [_turn(outline[0][1] - longitude)]
    for (_north, before), (_other, after) in pairwise(outline):
        easts.append(easts[-1] + _turn(after - before))
    squeeze = cos(radians(latitude))
    corners = [
        (radians(east) * squeeze * EARTH_M, radians(north - latitude) * EARTH_M)
        for east, (north, _east) in zip(easts, outline, strict=True)
    ]
    sides = list(zip(corners, corners[1:] + corners[:1], strict=True))
    if any(_distance(*one) <= reach_m for one in sides):
        return True
    return sum(_crosses(*one) for one in sides) % 2 == 1


def _turn(degrees: float) -> float:
    """Return a difference of longitudes in degrees, the shorter way around."""
    return (degrees + 180) % 360 - 180


def _crosses(start: Point, end: Point) -> bool:
    """Return whether a side crosses the ray from the origin to the east."""
    (x1, y1), (x2, y2) = start, end
    if (y1 > 0) == (y2 > 0):
        return False
    return x1 - y1 * (x2 - x1) / (y2 - y1) > 0


def _distance(start: Point, end: Point) -> float:
    """Return the distance of the origin from a side."""
    (x1, y1), (x2, y2) = start, end
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy
    share = 0.0 if length == 0 else max(0.0, min(1.0, -(x1 * dx + y1 * dy) / length))
    return hypot(x1 + share * dx, y1 + share * dy)
