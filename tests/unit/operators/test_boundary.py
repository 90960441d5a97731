"""Points against the agency's boundary."""

from math import cos, pi, sin

from hypothesis import given
from hypothesis import strategies as st

from platestream.operators.boundary import Point, within

CORNERS = st.integers(3, 12)
TURNS = st.floats(0, 2 * pi)
SHIFTS = st.floats(-60, 60)


def ring(corners: int, size: float = 1.0, north: float = 0.0, east: float = 0.0) -> list[Point]:
    """A regular polygon, as its corners."""
    steps = [2 * pi * one / corners for one in range(corners)]
    return [(north + size * sin(one), east + size * cos(one)) for one in steps]


@given(CORNERS, TURNS, st.floats(0, 0.49), SHIFTS, SHIFTS, st.booleans())
def test_what_is_near_the_middle_is_within(
    corners: int, turn: float, far: float, north: float, east: float, back: bool
) -> None:
    polygon = ring(corners, 1.0, north, east)
    point = (north + far * sin(turn), east + far * cos(turn))
    assert within(point, polygon[::-1] if back else polygon)


@given(CORNERS, TURNS, st.floats(1.01, 100))
def test_what_is_beyond_every_corner_is_not(corners: int, turn: float, far: float) -> None:
    assert not within((far * sin(turn), far * cos(turn)), ring(corners))


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=8), st.data())
def test_corners_and_middles_of_edges_are_within_wherever_the_corners_are(
    corners: list[tuple[int, int]], data: st.DataObject
) -> None:
    polygon = [(float(north), float(east)) for north, east in corners]
    number = data.draw(st.integers(0, len(polygon) - 1))
    (north_1, east_1), (north_2, east_2) = polygon[number], polygon[(number + 1) % len(polygon)]
    assert within(polygon[number], polygon)
    assert within(((north_1 + north_2) / 2, (east_1 + east_2) / 2), polygon)


@given(st.integers(-99, 99), st.integers(-99, 99))
def test_a_bay_of_the_boundary_is_outside(norths: int, easts: int) -> None:
    north, east = norths / 100, easts / 100
    bay = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (0.0, 0.0), (-1.0, 1.0)]
    assert within((north, east), bay) == (east <= abs(north))
