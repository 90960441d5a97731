"""Cameras and special details: their places, who approved them, and how cameras are (order, D.5 and G.6)."""

from collections.abc import Callable

from starlette.responses import Response

from operators.deployments import approval
from platestream.console.administration import live
from platestream.console.administration.fields import (
    BASE,
    address,
    asked,
    before,
    day,
    end,
    lines,
    number,
    page,
    put,
)
from platestream.console.administration.overview import gateway
from platestream.console.visit import Routes, Visit
from schemas.deployment import SAID
from schemas.registry import RegistryRecord
from services.registry import release as let_read
from services.registry import show_several


def listed(visit: Visit) -> Response:
    """All cameras with the gateway's word on each, special details, and forms for new ones."""
    found = show_several(visit.door, "camera", "detail")
    told = gateway(visit)
    cameras = sorted(found["camera"], key=lambda one: (not one.active, one.id))
    known = {one.id for one in cameras}
    return page(
        visit,
        "cameras.html",
        cameras=cameras,
        details=sorted(found["detail"], key=lambda one: (not one.active, one.id)),
        gateway=told,
        health={one.name: one for one in (told.found.cameras if told.found else ())},
        strangers=[one.name for one in (told.found.cameras if told.found else ()) if one.name not in known],
        objection=_objection(visit),
    )


def one(visit: Visit) -> Response:
    """One camera; a form to register it where it is not registered yet."""
    return _one(visit, asked(visit))


def register(visit: Visit) -> Response:
    """Register a camera, or change its place. Approval stays as it was, or is still to come."""
    known = before(visit, "camera")
    written = put(
        visit,
        "camera",
        known,
        name=visit.said("title"),
        latitude=number(visit, "latitude"),
        longitude=number(visit, "longitude"),
        moves=visit.said("moves") == "yes",
        results=visit.said("results"),
    )
    return visit.see(address("cameras", written.id))


def approve(visit: Visit) -> Response:
    """Put on record who approved a camera's location, and for which period."""
    known = before(visit, "camera")
    if known is None:
        return visit.refused(f"No camera {visit.said('id')} is registered: register it first.")
    written = put(
        visit,
        "camera",
        known,
        approved_by=visit.said("approved_by"),
        approved_at=day(visit, "approved_at", known.approved_at),
        since=day(visit, "since", known.since),
        until=day(visit, "until", known.until),
    )
    return visit.see(address("cameras", written.id))


def look(visit: Visit) -> Response:
    """Show what the camera sees now, for a reason that is on record."""
    name = visit.said("id")
    return _one(visit, name, link=live.begin(visit, name))


def release(visit: Visit) -> Response:
    """Let frames in quarantine be read, once their camera is approved."""
    name = visit.said("id")
    count = let_read(visit.door, name)
    return _one(visit, name, f"{count} frames of {name} are released to be read.")


def ended(visit: Visit) -> Response:
    """End the time of a camera."""
    end(visit, "camera")
    return visit.see(f"{BASE}/cameras")


def detail(visit: Visit) -> Response:
    """Register, change or approve a special detail."""
    known = before(visit, "detail")
    put(
        visit,
        "detail",
        known,
        name=visit.said("title"),
        cameras=lines(visit, "cameras"),
        since=visit.time("since"),
        until=visit.time("until"),
        approved_by=visit.said("approved_by"),
        approved_at=day(visit, "approved_at", known.approved_at if known else None),
        case_number=visit.said("case_number"),
        results=visit.said("results"),
    )
    return visit.see(f"{BASE}/cameras#details")


def detail_ended(visit: Visit) -> Response:
    """End a special detail before its time."""
    end(visit, "detail")
    return visit.see(f"{BASE}/cameras#details")


def _one(visit: Visit, name: str, said: str = "", link: str = "") -> Response:
    camera = next((one for one in show_several(visit.door, "camera")["camera"] if one.id == name), None)
    told = gateway(visit)
    health = next((one for one in (told.found.cameras if told.found else ()) if one.name == name), None)
    return page(
        visit,
        "camera.html",
        name=name,
        camera=camera,
        health=health,
        gateway=told,
        said=said,
        link=link,
        ends=visit.now + live.LASTS,
        objection=_objection(visit),
    )


def _objection(visit: Visit) -> Callable[[RegistryRecord], str]:
    """In words, what stands against reading a camera's frames now; empty where nothing does."""

    def said(camera: RegistryRecord) -> str:
        rule = approval(camera, visit.now)
        return SAID[rule] if rule else ""

    return said


ROUTES: Routes = {
    ("GET", f"{BASE}/cameras"): listed,
    ("POST", f"{BASE}/cameras"): register,
    ("POST", f"{BASE}/cameras/approve"): approve,
    ("POST", f"{BASE}/cameras/release"): release,
    ("POST", f"{BASE}/cameras/end"): ended,
    ("POST", f"{BASE}/cameras/look"): look,
    ("GET", "/live/{look}/{name:path}"): live.pictures,
    ("POST", f"{BASE}/details"): detail,
    ("POST", f"{BASE}/details/end"): detail_ended,
    ("GET", f"{BASE}/cameras/{{name:path}}"): one,
}
