"""The agency's boundary: a polygon on a map no larger than a county.

It must not contain a pole or cross the 180th meridian.
"""

from collections.abc import Sequence
from itertools import pairwise

Point = tuple[float, float]


def within(point: Point, corners: Sequence[Point]) -> bool:
    """Return whether `point` is in the polygon or on its edge; each is latitude and longitude.

    >>> square = [(0.0, 0.0), (0.0, 2.0), (2.0, 2.0), (2.0, 0.0)]
    >>> within((1.0, 1.0), square), within((2.0, 1.0), square), within((3.0, 1.0), square)
    (True, True, False)
    """
    inside = False
    north, east = point
    for (north_1, east_1), (north_2, east_2) in pairwise([*corners, corners[0]]):
        turn = (east_2 - east_1) * (north - north_1) - (north_2 - north_1) * (east - east_1)
        in_box = min(north_1, north_2) <= north <= max(north_1, north_2)
        if turn == 0 and in_box and min(east_1, east_2) <= east <= max(east_1, east_2):
            return True
        if (north_1 > north) != (north_2 > north) and (turn > 0) == (north_2 > north_1):
            inside = not inside
    return inside
