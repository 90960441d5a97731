"""Page that adds a camera: its address, a test picture with advice, region, masks, place and approval.

Another page changes region and masks.
"""

import time
from collections.abc import Sequence
from typing import Any, get_args
from uuid import UUID, uuid4

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from platestream.access.pages.fields import BASE, address, number, page
from platestream.access.registry import place_faults
from platestream.cameras import adding, live_picture, picture_parts
from platestream.cameras.discovery import FoundCamera, discover
from platestream.cameras.kinds import StreamKind
from platestream.cameras.masks import format_shapes, parse_shapes
from platestream.cameras.picture_parts import PictureParts
from platestream.maps.pages import place_map
from platestream.operations.up import live_access
from platestream.operations.up.status import gateway_cameras, gateway_file, spool
from platestream.schemas.fields import Latitude, Longitude
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from platestream.web.page_request import PageRequest, Routes

PATH = f"{BASE}/new-camera"
FIELDS = ("id", "kind", "url", "user", "title", "latitude", "longitude", "approved_by", "rate")
SIDES = ("left", "top", "right", "bottom")
PARTS = (*SIDES, "area", "mask")
REGION = f"{BASE}/camera-region"
PLACE: tuple[tuple[str, Any], ...] = (("latitude", Latitude), ("longitude", Longitude))
WAIT_SECONDS = 8.0
"""Longest time until a camera of the gateway has sent a picture."""
NO_GATEWAY = "No camera gateway was started here: start the system with platestream up."


def show(request: PageRequest) -> Response:
    """Show the empty form."""
    request.door.enter("registry_show", "a new camera")
    return _form(request)


def search(request: PageRequest) -> Response:
    """Search the local network for ONVIF cameras. The search is logged."""
    request.door.enter("registry_show", "cameras of the network")
    try:
        found = discover()
    except OSError as error:
        return request.refusal_page(f"The network cannot be searched: {error.strerror}.")
    return _form(request, found=found)


def test(request: PageRequest) -> Response:
    """Show a test picture of the camera, with a frame around each plate, and advice."""
    trial, shown = adding.try_camera(request.door, _camera(request)), ""
    if trial.jpeg:
        shown = store_picture(request, trial.jpeg)
    return _form(request, trial=trial, picture=shown)


def picture(request: PageRequest) -> Response:
    """Return the test picture of this session."""
    name: UUID = request.http.path_params["name"]
    found = (request.session.pictures.get(name, request.now) or {}).get("trial")
    if found is None:
        raise HTTPException(404)
    return Response(found, media_type="image/jpeg")


def check_place(request: PageRequest) -> Response:
    """Say whether a camera may be at the place that was chosen, as at its registration."""
    request.door.enter("registry_show", "place of a camera")
    found = request.http.query_params
    try:
        latitude, longitude = (msgspec.convert(float(found.get(name, "")), kind) for name, kind in PLACE)
    except (ValueError, msgspec.ValidationError):
        return Response("", media_type="text/html")
    record = RegistryRecord(
        kind="camera",
        id="The camera",
        name="",
        latitude=latitude,
        longitude=longitude,
        moves=found.get("moves") == "yes",
    )
    return page(request, "camera_place.html", faults=place_faults(request.door, record))


def add(request: PageRequest) -> Response:
    """Register the camera and add it to the gateway's configuration."""
    path = gateway_file(request.door.settings)
    if path is None:
        return request.refusal_page(NO_GATEWAY)
    written = adding.add(request.door, path, _camera(request), request.field("approved_by"), request.now)
    request.console.forget()
    return request.redirect(address("cameras", written.id))


def _camera(request: PageRequest) -> adding.NewCamera:
    """Return the camera of the form. Raises ValueError that names the field."""
    kind: StreamKind | None = next(
        (one for one in get_args(StreamKind) if one == request.field("kind")), None
    )
    if kind is None:
        raise ValueError("choose the kind of stream")
    return adding.NewCamera(
        name=request.field("id"),
        kind=kind,
        latitude=number(request, "latitude"),
        longitude=number(request, "longitude"),
        password=str(request.form.get("password", "")),
        parts=_parts(request),
        rate=number(request, "rate"),
        **request.values("url", "title", "user"),
    )


def show_region(request: PageRequest) -> Response:
    """Show region and masks of a camera of the gateway."""
    name = request.named("name")
    request.door.enter("registry_show", f"camera/{name}"[:64])
    camera = gateway_cameras(request.door.settings).get(name)
    if camera is None:
        raise RefusedError("cameras", f"the gateway's configuration has no camera {name}")
    sides = [f"{100 * one:g}" for one in camera.crop or ()] or [""] * len(SIDES)
    typed = dict(zip(SIDES, sides, strict=True))
    typed |= {"area": format_shapes([camera.area] if camera.area else []), "mask": format_shapes(camera.mask)}
    return page(request, "camera_region.html", name=name, typed=typed, sides=SIDES, picture="", missing=False)


def show_region_picture(request: PageRequest) -> Response:
    """Show the form with a picture of the gateway, without what is masked now. The view is logged."""
    name, settings = request.field("id"), request.door.settings
    live_access.log_viewing(request.door, name, reason="Region and masks of the camera")
    folder, found = spool(settings), None
    until = time.monotonic() + WAIT_SECONDS
    while folder is not None and found is None and time.monotonic() < until:
        live_picture.ask(folder, live_picture.uncropped(name))
        time.sleep(0.2)
        found = live_picture.newest(folder, live_picture.uncropped(name), request.door.keys)
    return page(
        request,
        "camera_region.html",
        name=name,
        typed=request.values(*PARTS),
        sides=SIDES,
        picture=store_picture(request, found.image) if found else "",
        missing=found is None,
    )


def change_region(request: PageRequest) -> Response:
    """Write region and masks into the gateway's configuration."""
    path, name = gateway_file(request.door.settings), request.field("id")
    if path is None:
        return request.refusal_page(NO_GATEWAY)
    picture_parts.change(request.door, path, name, _parts(request))
    return request.redirect(address("cameras", name))


def _parts(request: PageRequest) -> PictureParts:
    """Return region and masks of the form. Raises ValueError that names the field."""
    crop = None
    if any(request.field(side) for side in SIDES):
        left, top, right, bottom = (number(request, side) / 100 for side in SIDES)
        crop = (left, top, right, bottom)
    areas = parse_shapes(request.field("area"))
    if len(areas) > 1:
        raise ValueError("the region has one shape: write its corners in one line")
    return PictureParts(crop, areas[0] if areas else (), parse_shapes(request.field("mask")))


def store_picture(request: PageRequest, jpeg: bytes) -> str:
    """Store a picture for this session; return its address."""
    name = uuid4()
    request.session.pictures.put(name, {"trial": jpeg}, request.now)
    return f"{PATH}/picture/{name}"


def _form(
    request: PageRequest,
    trial: adding.Trial | None = None,
    picture: str = "",
    found: Sequence[FoundCamera] | None = None,
) -> Response:
    return page(
        request,
        "new_camera.html",
        typed=request.values(*FIELDS, *PARTS),
        password=str(request.form.get("password", "")),
        kinds=get_args(StreamKind),
        sides=SIDES,
        makers=adding.PATHS,
        trial=trial,
        picture=picture,
        found=found,
        place=place_map(request, request.console.cameras()),
    )


ROUTES: Routes = {
    ("GET", PATH): show,
    ("POST", PATH): add,
    ("POST", f"{PATH}/search"): search,
    ("POST", f"{PATH}/test"): test,
    ("GET", f"{PATH}/picture/{{name:uuid}}"): picture,
    ("GET", f"{BASE}/camera-place"): check_place,
    ("POST", REGION): change_region,
    ("POST", f"{REGION}/picture"): show_region_picture,
    ("GET", f"{REGION}/{{name:path}}"): show_region,
}
