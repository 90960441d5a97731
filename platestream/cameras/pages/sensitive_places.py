"""Pages of sensitive places: areas in which the agency's law permits no camera, and the cameras inside."""

from typing import get_args

from starlette.responses import Response

from platestream.access.pages.fields import (
    BASE,
    deactivation,
    lines,
    number,
    page,
    previous_record,
    save_record,
)
from platestream.access.registry import cameras_in, show_several
from platestream.schemas.profile import PlaceKind
from platestream.schemas.registry import RegistryRecord
from platestream.web.page_request import PageRequest, Routes

KINDS = {name: name.replace("_", " ") for name in get_args(PlaceKind)}


def list_places(request: PageRequest) -> Response:
    """Show all places with the cameras in each, and a form for a new one."""
    found = show_several(request.door, "place")
    places = sorted(found["place"], key=lambda one: (not one.active, one.id))
    return page(
        request,
        "places.html",
        places=places,
        stand={one.id: cameras_in(request.door, one) for one in places if one.active},
        rules=request.door.rules.profile.places,
        where=where,
        KINDS=KINDS,
    )


def register(request: PageRequest) -> Response:
    """Register a place as a circle or by its corners, or change it."""
    known = previous_record(request, "place")
    outline = tuple(_corner(line) for line in lines(request, "outline"))
    circle = not outline
    save_record(
        request,
        "place",
        known,
        name=request.field("title"),
        place=request.field("place"),
        latitude=number(request, "latitude") if circle else None,
        longitude=number(request, "longitude") if circle else None,
        radius_m=number(request, "radius_m") if circle else None,
        outline=outline,
        approved_by=request.field("approved_by"),
    )
    return request.redirect(f"{BASE}/places")


def where(one: RegistryRecord) -> str:
    """Return the location of a place in one line."""
    if one.outline:
        return f"{len(one.outline)} corners around {one.outline[0][0]:.5f}, {one.outline[0][1]:.5f}"
    return f"{one.radius_m:g} m around {one.latitude:.5f}, {one.longitude:.5f}"


def _corner(line: str) -> tuple[float, float]:
    try:
        north, east = (float(part) for part in line.split(","))
    except ValueError:
        raise ValueError(
            f"a corner is degrees north, degrees east, for example 47.6097, -122.3331: {line[:64]!r}"
        ) from None
    return north, east


ROUTES: Routes = {
    ("GET", f"{BASE}/places"): list_places,
    ("POST", f"{BASE}/places"): register,
    ("POST", f"{BASE}/places/end"): deactivation("place"),
}
