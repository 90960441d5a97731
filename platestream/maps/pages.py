"""File of the street map, for the console's pages; and what a page needs to draw it."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from platestream.access.gate import Row
from platestream.maps import service
from platestream.schemas import plates
from platestream.web.page_request import PageRequest, Routes

PATH = "/search/streets"
MOST_PASSES = 2000
"""Most passes that are drawn, the newest ones: each is part of the page."""
Place = tuple[float, float]
"""Latitude and longitude, degrees."""


def send_map(request: PageRequest) -> Response:
    """Send the map, or the ranges of it that a browser asks for."""
    data = request.console.settings.data
    found = service.installed(data)
    if found is None:
        raise HTTPException(404, "No street map is installed.")
    media = "application/geo+json" if found.kind == "geojson" else "application/vnd.pmtiles"
    headers = {"Cache-Control": "private, max-age=3600"}
    return FileResponse(service.map_file(data, found), media_type=media, headers=headers)


def street_map(
    request: PageRequest, rows: Sequence[Row], cameras: Mapping[str, Place]
) -> dict[str, Any] | None:
    """Return the installed map with the passes to draw on it; None without a map, or without a place in it.

    Each pass has its camera, place, time (ISO 8601 in the agency's zone) and plate. `vehicle` is equal for
    plates that are read alike. `left_out` counts the passes older than the `MOST_PASSES` that are drawn.
    """
    found = service.installed(request.console.settings.data)
    if found is None:
        return None
    placed = sorted(
        ((row, place) for row in rows if (place := _place(row, cameras)) and found.contains(*place)),
        key=lambda one: one[0]["captured_at"],
    )
    passes = [
        {
            "camera": row["camera_id"],
            "at": row["captured_at"].astimezone(request.console.zone).isoformat(timespec="seconds"),
            "plate": row["plate"],
            "vehicle": plates.equate(row["plate"]),
            "latitude": place[0],
            "longitude": place[1],
        }
        for row, place in placed[-MOST_PASSES:]
    ]
    if not passes:
        return None
    return {**_drawn(found), "passes": passes, "left_out": len(placed) - len(passes)}


def place_map(request: PageRequest, cameras: Mapping[str, Place]) -> dict[str, Any] | None:
    """Return the installed map on which a camera's place is chosen; None without a map.

    It has the agency's boundary, corners as longitude and latitude, and the registered cameras.
    """
    found = service.installed(request.console.settings.data)
    if found is None:
        return None
    boundary = [(east, north) for north, east in request.door.rules.profile.agency.boundary]
    places = [{"camera": name, "latitude": at[0], "longitude": at[1]} for name, at in cameras.items()]
    return {**_drawn(found), "boundary": boundary, "cameras": places}


def _drawn(found: service.StreetMap) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "bounds": found.bounds,
        "layers": found.layers,
        "attribution": found.attribution,
    }


def _place(row: Row, cameras: Mapping[str, Place]) -> Place | None:
    """Return where a pass was: as it was recorded, else where the camera is registered."""
    if row.get("latitude") is not None and row.get("longitude") is not None:
        return row["latitude"], row["longitude"]
    return cameras.get(row["camera_id"])


ROUTES: Routes = {("GET", PATH): send_map}
