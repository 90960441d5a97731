"""A camera in a sensitive place is one, however the place was drawn; outside it is none."""

from math import cos, radians
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.operators.sensitive_places import POINTS, SensitivePlaces, inside, places_around
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

METRE = 1 / 111_195  # of a degree north
Corners = tuple[tuple[float, float], ...]


def place(**changes: Any) -> RegistryRecord:
    return RegistryRecord(kind="place", id="p", name="P", **{"place": "school", **changes})


def square(north: float, east: float, metres: float = 100) -> Corners:
    """Of so many metres each way from its middle; a longitude beyond 180 goes on at -180."""
    up, right = metres * METRE, metres * METRE / cos(radians(north))
    corners = ((up, -right), (up, right), (-up, right), (-up, -right))
    return tuple((north + n, (east + e + 180) % 360 - 180) for n, e in corners)


@pytest.mark.parametrize("way_round", [1, -1])
@pytest.mark.parametrize(
    "middle", [(47.6, -122.3), (-16.5, 179.9999), (-16.5, -179.9999), (51.9, 180.0), (0.0, 0.0)]
)
def test_the_way_round_and_180_degrees_do_not_matter(middle: tuple[float, float], way_round: int) -> None:
    north, east = middle
    drawn = place(outline=square(north, east)[::way_round])
    wide = cos(radians(north))
    for metres, within in ((0, True), (99, True), (101, False), (5000, False)):
        for n, e in ((metres, 0), (-metres, 0), (0, metres), (0, -metres)):
            longitude = (east + e * METRE / wide + 180) % 360 - 180
            assert inside(north + n * METRE, longitude, drawn) is within, (metres, n, e)
    assert not inside(north, (east + 360) % 360 - 180, drawn), "on the other side of the earth"


def test_ten_metres_decide() -> None:
    circle = place(latitude=47.6, longitude=-122.3, radius_m=150.0)
    assert not inside(47.6 + 155 * METRE, -122.3, circle)
    assert inside(47.6 + 145 * METRE, -122.3, circle)
    assert inside(47.6 + 155 * METRE, -122.3, circle, margin_m=10)


def test_a_point_on_the_edge_or_a_corner_is_inside() -> None:
    drawn = place(outline=square(47.6, -122.3))
    for north, east in drawn.outline:
        assert inside(north, east, drawn)
    (n1, e1), (n2, e2) = drawn.outline[:2]
    assert inside((n1 + n2) / 2, (e1 + e2) / 2, drawn)


def test_a_place_with_a_notch_does_not_hold_what_stands_in_the_notch() -> None:
    notch = ((0.0, 0.0), (0.0, 0.003), (0.003, 0.003), (0.001, 0.0015), (0.003, 0.0))
    drawn = place(outline=notch)
    assert inside(0.0005, 0.0015, drawn)
    assert not inside(0.0025, 0.0015, drawn)
    again = place(outline=(*notch, notch[0]))
    assert not inside(0.0025, 0.0015, again), "closed by its first corner"
    assert inside(0.0005, 0.0015, again)


@given(
    north=st.floats(-70, 70),
    east=st.floats(-180, 180),
    n=st.floats(-400, 400),
    e=st.floats(-400, 400),
    turn=st.integers(0, 3),
)
def test_an_outline_says_what_its_square_says_wherever_it_is_and_begins(
    north: float, east: float, n: float, e: float, turn: int
) -> None:
    corners = square(north, east)
    drawn = place(outline=corners[turn:] + corners[:turn])
    if min(abs(abs(n) - 100), abs(abs(e) - 100)) < 1:
        return  # too near to an edge for a plane and a sphere to agree
    longitude = (east + e * METRE / cos(radians(north)) + 180) % 360 - 180
    assert inside(north + n * METRE, longitude, drawn) is (abs(n) < 100 and abs(e) < 100)


def test_only_active_places_of_the_kinds_that_are_asked_for_count() -> None:
    school = place(latitude=47.6, longitude=-122.3, radius_m=100.0)
    ended = msgspec.structs.replace(school, id="e", active=False)
    park = msgspec.structs.replace(school, id="k", place="other")
    camera = RegistryRecord(kind="camera", id="c", name="C", latitude=47.6, longitude=-122.3)
    found = places_around(47.6, -122.3, [park, ended, camera, school], ["school", "court"])
    assert [one.id for one in found] == ["p"]
    assert places_around(47.6, -122.3, [school], []) == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"outline": ((1.0, 1.0), (1.0, 1.0), (1.0, 1.001))}, "three different corners"),
        ({"outline": ((1.0, 1.0), (1.0, 9.0), (2.0, 1.0))}, "of one place"),
        ({"outline": square(1, 1), "latitude": 1.0, "longitude": 1.0, "radius_m": 5.0}, "either"),
        ({"latitude": 1.0, "longitude": 1.0}, "either"),
        ({"latitude": 1.0, "longitude": 1.0, "radius_m": 5.0, "place": ""}, "what is there"),
        ({"latitude": 1.0, "longitude": 1.0, "radius_m": -5.0}, "radius_m"),
        ({"outline": ((-122.3, 47.6), (-122.3, 47.7), (-122.2, 47.6))}, "outline"),
    ],
)
def test_what_is_no_place_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises((RefusedError, ValueError), match=says):
        RegistryRecord.from_json(place(**fields).to_json())


@given(steps=st.lists(st.tuples(st.booleans(), st.sampled_from("abc"), st.integers(-300, 300)), max_size=30))
def test_what_is_remembered_of_a_point_is_what_the_places_say_now(
    steps: list[tuple[bool, str, int]],
) -> None:
    places = SensitivePlaces(["school"], 10)
    known: dict[str, RegistryRecord] = {}
    for put, name, metres in steps:
        north = 47.6 + metres * METRE
        if put:
            circle = place(latitude=north, longitude=-122.3, radius_m=50.0, active=metres > -200)
            known[name] = msgspec.structs.replace(circle, id=name)
            places.put(known[name])
        found = places_around(north, -122.3, known.values(), ["school"], 10)
        assert places.at(north, -122.3) == places.at(north, -122.3) == (found[0].id if found else "")


def test_so_many_points_are_remembered_and_no_more() -> None:
    places = SensitivePlaces(["school"])
    places.put(place(latitude=0.0, longitude=0.0, radius_m=50.0))
    for number in range(POINTS + 5):
        assert places.at(0.0, number / POINTS) == ("p" if number < 5 else "")
    assert places.at(0.0, 0.0) == "p"
