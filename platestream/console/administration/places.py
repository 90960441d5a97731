"""Sensitive places: where the agency's law lets no camera stand, and which cameras do."""

from typing import get_args

from starlette.responses import Response

from platestream.console.administration.fields import BASE, before, end, lines, number, page, put
from platestream.console.visit import Routes, Visit
from schemas.profile import PlaceKind
from schemas.registry import RegistryRecord
from services.registry import places_refused, show_several, stands_in

KINDS = {name: name.replace("_", " ") for name in get_args(PlaceKind)}


def listed(visit: Visit) -> Response:
    """All places, with the cameras that stand in each, and a form for more."""
    found = show_several(visit.door, "place")
    places = sorted(found["place"], key=lambda one: (not one.active, one.id))
    return page(
        visit,
        "places.html",
        places=places,
        stand={one.id: stands_in(visit.door, one) for one in places if one.active},
        rules=places_refused(visit.door),
        where=where,
        KINDS=KINDS,
    )


def register(visit: Visit) -> Response:
    """Register a place as a circle or by its corners, or change it."""
    known = before(visit, "place")
    outline = tuple(_corner(line) for line in lines(visit, "outline"))
    circle = not outline
    put(
        visit,
        "place",
        known,
        name=visit.said("title"),
        place=visit.said("place"),
        latitude=number(visit, "latitude") if circle else None,
        longitude=number(visit, "longitude") if circle else None,
        radius_m=number(visit, "radius_m") if circle else None,
        outline=outline,
        approved_by=visit.said("approved_by"),
    )
    return visit.see(f"{BASE}/places")


def ended(visit: Visit) -> Response:
    """End a place: cameras may stand there from now on."""
    end(visit, "place")
    return visit.see(f"{BASE}/places")


def where(one: RegistryRecord) -> str:
    """Where a place is, in a line."""
    if one.outline:
        return f"{len(one.outline)} corners around {one.outline[0][0]:.5f}, {one.outline[0][1]:.5f}"
    return f"{one.radius_m:g} m around {one.latitude:.5f}, {one.longitude:.5f}"


def _corner(line: str) -> tuple[float, float]:
    try:
        north, east = (float(part) for part in line.split(","))
    except ValueError:
        raise ValueError(
            f"a corner is degrees north, degrees east, such as 47.6097, -122.3331: {line[:64]!r}"
        ) from None
    return north, east


ROUTES: Routes = {
    ("GET", f"{BASE}/places"): listed,
    ("POST", f"{BASE}/places"): register,
    ("POST", f"{BASE}/places/end"): ended,
}
