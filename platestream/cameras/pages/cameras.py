"""Camera pages: locations, approvals, health and special details (order, D.5 and G.6)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response

from platestream.access.pages.fields import (
    BASE,
    address,
    day,
    deactivation,
    lines,
    number,
    page,
    previous_record,
    save_record,
)
from platestream.access.pages.overview import gateway_status
from platestream.access.registry import records, show_several
from platestream.access.registry import release as release_frames
from platestream.cameras import picture_parts
from platestream.cameras.approvals import UnreadCamera, approve_all, stopped_by, unread
from platestream.cameras.config import Camera
from platestream.cameras.health import PICTURES
from platestream.cameras.pages import live
from platestream.cameras.pages.new_camera import NO_GATEWAY, store_picture
from platestream.cameras.picture_files import stored_pictures
from platestream.cameras.second_opinions import second_opinions
from platestream.maps.pages import place_map
from platestream.operations.up import live_access
from platestream.operations.up.status import gateway_cameras, gateway_file, spool
from platestream.operations.up.supervisor import UpError
from platestream.operators.approvals import approval
from platestream.schemas.deployment import SAID
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from platestream.web.page_request import PageRequest, Routes


def list_cameras(request: PageRequest) -> Response:
    """Show all cameras with the gateway's report on each, special details, and forms for new ones."""
    found = show_several(request.door, "camera", "detail")
    gateway = gateway_status(request)
    cameras = sorted(found["camera"], key=lambda one: (not one.active, one.id))
    known = {one.id for one in cameras}
    return page(
        request,
        "cameras.html",
        cameras=cameras,
        details=sorted(found["detail"], key=lambda one: (not one.active, one.id)),
        gateway=gateway,
        health={one.name: one for one in (gateway.found.cameras if gateway.found else ())},
        pictures=PICTURES,
        strangers=[
            one.name for one in (gateway.found.cameras if gateway.found else ()) if one.name not in known
        ],
        objection=_objection(request),
        unread=_unread(request),
        addable=gateway_file(request.door.settings) is not None,
    )


def show_camera(request: PageRequest) -> Response:
    """Show one camera, with a form to register it if it is not registered yet."""
    return _camera_page(request, request.named("name"))


def register(request: PageRequest) -> Response:
    """Register a camera, or change its location. The approval stays unchanged unless the form has one.

    If frames of cameras that are read now would not be read any more, a page says so first.
    """
    known = previous_record(request, "camera")
    fields: dict[str, Any] = {
        "name": request.field("title"),
        "latitude": number(request, "latitude"),
        "longitude": number(request, "longitude"),
        "moves": request.field("moves") == "yes",
        "results": request.field("results"),
    }
    if request.field("approved_by"):
        fields |= {"approved_by": request.field("approved_by"), "approved_at": request.now}
    name = known.id if known else request.field("id")
    record = RegistryRecord(kind="camera", id=name, **fields)
    if known:
        record = msgspec.structs.replace(known, active=True, **fields)
    stopped = stopped_by(request.door, _gateway_cameras(request), record, request.now)
    if stopped and request.field("confirmed") != "yes":
        sent = ("id", "new", "title", "latitude", "longitude", "moves", "results", "approved_by")
        filled = {one: text for one in sent if (text := request.field(one))}
        return page(request, "cameras_stopped.html", name=name, stopped=stopped, filled=filled)
    written = save_record(request, "camera", known, **fields)
    return request.redirect(address("cameras", written.id))


def approve_gateway(request: PageRequest) -> Response:
    """Register and approve all cameras of the gateway in one step."""
    approve_all(
        request.door,
        _gateway_cameras(request),
        request.field("approved_by"),
        day(request, "approved_at") or request.now,
        request.now,
    )
    request.console.forget()
    return request.redirect(f"{BASE}/cameras")


def approve(request: PageRequest) -> Response:
    """Record the approval of a camera's location, with its period."""
    known = previous_record(request, "camera")
    if known is None:
        return request.refusal_page(f"No camera {request.field('id')} is registered. Register it first.")
    written = save_record(
        request,
        "camera",
        known,
        approved_by=request.field("approved_by"),
        approved_at=day(request, "approved_at", known.approved_at),
        since=day(request, "since", known.since),
        until=day(request, "until", known.until),
    )
    return request.redirect(address("cameras", written.id))


def show_live(request: PageRequest) -> Response:
    """Show the current picture of a camera. The request is logged with its reason."""
    name = request.field("id")
    return _camera_page(request, name, link=live.begin(request, name))


def compare(request: PageRequest) -> Response:
    """Show the picture before and after the last fault of a camera's picture. The view is logged."""
    name = request.field("id")
    live_access.log_viewing(request.door, name, **request.values("case_number", "reason"))
    folder = spool(request.door.settings)
    found = stored_pictures(folder, name, request.door.keys) if folder else []
    shown = [(one.which, one.at, store_picture(request, one.image)) for one in found]
    return _camera_page(request, name, "" if found else "No pictures are stored.", compared=shown)


def accept_picture(request: PageRequest) -> Response:
    """Accept the picture of a camera as it is now."""
    name, path = request.field("id"), gateway_file(request.door.settings)
    if path is None:
        return request.refusal_page(NO_GATEWAY)
    picture_parts.accept_picture(request.door, path, name)
    return _camera_page(request, name, f"The picture of {name} is learned again from its next frames.")


def release(request: PageRequest) -> Response:
    """Process frames in quarantine, once their camera is approved."""
    name = request.field("id")
    count = release_frames(request.door, name)
    return _camera_page(request, name, f"{count} frames of {name} are released for processing.")


def register_detail(request: PageRequest) -> Response:
    """Register, change or approve a special detail."""
    known = previous_record(request, "detail")
    save_record(
        request,
        "detail",
        known,
        name=request.field("title"),
        cameras=lines(request, "cameras"),
        since=request.time("since"),
        until=request.time("until"),
        approved_at=day(request, "approved_at", known.approved_at if known else None),
        **request.values("approved_by", "case_number", "results"),
    )
    return request.redirect(f"{BASE}/cameras#details")


def _camera_page(
    request: PageRequest,
    name: str,
    message: str = "",
    link: str = "",
    compared: Sequence[tuple[str, datetime, str]] = (),
) -> Response:
    camera = next((one for one in show_several(request.door, "camera")["camera"] if one.id == name), None)
    gateway = gateway_status(request)
    health = next((one for one in (gateway.found.cameras if gateway.found else ()) if one.name == name), None)
    return page(
        request,
        "camera.html",
        name=name,
        camera=camera,
        health=health,
        gateway=gateway,
        message=message,
        link=link,
        compared=compared,
        place=place_map(request, request.console.cameras()),
        pictures=PICTURES,
        ends=request.now + live.LASTS,
        objection=_objection(request),
        opinions=second_opinions(request.door, name),
    )


def _gateway_cameras(request: PageRequest) -> dict[str, Camera]:
    try:
        return gateway_cameras(request.door.settings)
    except (UpError, RefusedError, OSError):  # the page shows what is wrong
        return {}


def _unread(request: PageRequest) -> list[UnreadCamera]:
    """Return the gateway's cameras that need an approval to be read, even before any camera is registered."""
    known = [one for one in records(request.door.streams) if one.kind in ("camera", "detail")]
    cameras, mode = _gateway_cameras(request), request.door.rules.profile.cameras.unapproved
    if known:
        return unread(cameras, known, mode, request.now)
    return [UnreadCamera(name, "unregistered") for name in cameras]


def _objection(request: PageRequest) -> Callable[[RegistryRecord], str]:
    """Return the reason why a camera's frames may not be read now; empty if they may."""

    def said(camera: RegistryRecord) -> str:
        rule = approval(camera, request.now)
        return SAID[rule] if rule else ""

    return said


ROUTES: Routes = {
    ("GET", f"{BASE}/cameras"): list_cameras,
    ("POST", f"{BASE}/cameras"): register,
    ("POST", f"{BASE}/cameras/approve"): approve,
    ("POST", f"{BASE}/cameras/approve-all"): approve_gateway,
    ("POST", f"{BASE}/cameras/release"): release,
    ("POST", f"{BASE}/cameras/end"): deactivation("camera"),
    ("POST", f"{BASE}/cameras/look"): show_live,
    ("POST", f"{BASE}/cameras/compare"): compare,
    ("POST", f"{BASE}/cameras/accept-picture"): accept_picture,
    ("GET", "/live/{look}/{name:path}"): live.pictures,
    ("POST", f"{BASE}/details"): register_detail,
    ("POST", f"{BASE}/details/end"): deactivation("detail", "#details"),
    ("GET", f"{BASE}/cameras/{{name:path}}"): show_camera,
}
