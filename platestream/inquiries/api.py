"""API of inquiries: documented searches of stored detections."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import Response
from pydantic import Field

from platestream.access.door import Documentation
from platestream.inquiries import export as exports
from platestream.inquiries import search as looking
from platestream.inquiries.search import Description, Result, SearchKind, SearchRequest
from platestream.schemas import plates
from platestream.schemas.camera_read import OPINION, Opinion
from platestream.web.api.caller import Caller, require
from platestream.web.api.fields import (
    MOST,
    Justification,
    Most,
    Name,
    Pattern,
    Plate,
    RequestModel,
    ResponseModel,
    Time,
    Vehicles,
)

router = APIRouter(tags=["inquiries"], prefix="/inquiries")
Inquiries = Annotated[Caller, Depends(require("inquiries"))]
Cut = Annotated[
    bool,
    Field(description="More different vehicles were found than are shown: narrow it, or raise `vehicles`."),
]
Seconds = Annotated[int, Field(ge=1, le=3600, description="Longest distance in seconds.")]


class Detection(ResponseModel):
    """One vehicle passing one camera."""

    detection_id: UUID
    captured_at: datetime
    camera_id: str
    latitude: float
    longitude: float
    plate: str
    confidence: float
    state: str
    state_confidence: float
    alternatives: list[dict[str, Any]]
    frames: int
    agreeing: int
    models: list[str]
    vehicle_make: str
    vehicle_model: str
    vehicle_colour: str
    vehicle_body: str
    vehicle_other: dict[str, str]
    opinion: Annotated[Opinion, Field(description=OPINION)] = ""
    camera_plate: Annotated[str, Field(description="Plate as the camera read it.")] = ""
    match: Annotated[
        Literal["same", "look_alike", "one_edit"] | None, Field(description="For a search for look-alikes.")
    ] = None


class Detections(ResponseModel):
    """Newest detections, out of the number `found`. `left_out`: detections that may or may not fit the
    description. `inquiry_id` names the inquiry in the log.
    """

    inquiry_id: UUID

    detections: list[Detection]
    found: int
    left_out: int
    cut: Cut

    @classmethod
    def of(cls, result: Result, skip: int, most: int) -> Self:
        shown = [Detection(**row) for row in result.rows[skip : skip + most]]
        return cls(
            inquiry_id=result.inquiry_id,
            detections=shown,
            found=len(result.rows),
            left_out=result.left_out,
            cut=result.cut,
        )


class Companion(ResponseModel):
    """Vehicle that met the one searched for."""

    plate: str
    meetings: int
    cameras_met: int
    first_at: datetime
    last_at: datetime


class Companions(ResponseModel):
    """Companions with the most meetings, out of the number `found`. `inquiry_id` names the inquiry in the
    log.
    """

    inquiry_id: UUID
    companions: list[Companion]
    found: int
    cut: Cut


class Meeting(ResponseModel):
    """Place and time where two plates met. A positive `seconds_behind` means that the other plate came
    later.
    """

    camera_id: str
    captured_at: datetime
    plate: str
    detection_id: UUID
    other_captured_at: datetime
    other_plate: str
    other_detection_id: UUID
    seconds_behind: float


class Meetings(ResponseModel):
    """Newest meetings, out of the number `found`. `inquiry_id` names the inquiry in the log."""

    inquiry_id: UUID
    meetings: list[Meeting]
    found: int


class Vehicle(Vehicles):
    """Description of a vehicle in words or parts of words; an empty field matches anything."""

    colour: Name = ""
    make: Name = ""
    body: Name = ""
    direction: Annotated[Name, Field(description="Where the camera sent one.")] = ""
    state: Annotated[str, Field(max_length=2, description="Postal code of the state of issue.")] = ""
    untold: Annotated[bool, Field(description="Include vehicles without this description.")] = False
    most: Most = MOST


class Page(RequestModel):
    """Further detections of a search of the last ten minutes, by its `inquiry_id`: no new inquiry."""

    inquiry_id: UUID
    skip: Annotated[int, Field(ge=0, le=10_000_000, description="Number of results before these.")] = 0
    most: Most = MOST


class Export(RequestModel):
    """Search of the last ten minutes to export, by its `inquiry_id`; a PDF is a case report with pictures."""

    inquiry_id: UUID
    format: exports.Format
    detections: Annotated[
        frozenset[UUID], Field(max_length=10_000, description="Only these; empty: everything found.")
    ] = frozenset()


class Search(Vehicle):
    """Search for a plate, or part of one."""

    plate: Pattern = ""


class LookAlikes(Vehicle):
    """Search for a whole plate of 4 to 8 characters and its look-alikes."""

    plate: Plate


class Sightings(Vehicle):
    """Search of 1 to 20 cameras, over 7 days at most."""

    plate: Pattern = ""


class CompanionsOf(Vehicles):
    """Search for the companions of a whole plate."""

    plate: Plate
    within_s: Seconds = 60
    most: Most = MOST


class MeetingsOf(CompanionsOf):
    """Search for the meetings of two whole plates."""

    other_plate: Plate


class Pictures(Justification):
    """Request for the pictures of a detection, by its id and time as an inquiry gave them."""

    detection_id: UUID
    captured_at: Time
    kind: Literal["crop", "vehicle"]


@router.post("/search")
def search(caller: Inquiries, body: Search) -> Detections:
    """Search for detections of a plate, or of part of one."""
    return _passes(caller, "search", body, plates.pattern(body.plate))


@router.post("/look-alikes")
def look_alikes(caller: Inquiries, body: LookAlikes) -> Detections:
    """Search for a plate, its look-alikes, and plates that differ in one character."""
    return _passes(caller, "fuzzy", body, plates.pattern(body.plate))


@router.post("/sightings")
def sightings(caller: Inquiries, body: Sightings) -> Detections:
    """Search for all vehicles that passed some cameras."""
    return _passes(caller, "sightings", body, plates.pattern(body.plate))


@router.post(
    "/page", responses={404: {"description": "The inquiry is not one of yours, or over ten minutes old."}}
)
def page(caller: Inquiries, body: Page) -> Detections:
    """Return further detections of a search, which is not counted or logged again."""
    request, _why, result = _searched(caller, body.inquiry_id)
    if request.way in looking.MEETINGS:
        raise HTTPException(404, "This inquiry found no detections: repeat it with a larger `most`.")
    return Detections.of(result, body.skip, body.most)


@router.post(
    "/export",
    response_class=Response,
    responses={
        200: {"content": {media.partition(";")[0]: {} for media in exports.MEDIA.values()}},
        404: {"description": "The inquiry is not one of yours, or over ten minutes old."},
    },
)
def export(caller: Inquiries, body: Export) -> Response:
    """Return the detections, companions or meetings of a search as a file. `Repr-Digest` has its SHA-256,
    which is logged.
    """
    request, why, result = _searched(caller, body.inquiry_id)
    made = exports.export(caller.door, request, result, body.format, body.detections, **why)
    return Response(made.content, media_type=made.media, headers=made.headers)


@router.post("/companions")
def companions(caller: Inquiries, body: CompanionsOf) -> Companions:
    """Search for vehicles that passed near one at a camera twice or more."""
    result = _meetings(caller, "companions", body)
    shown, found = [Companion(**row) for row in result.rows[: body.most]], len(result.rows)
    return Companions(inquiry_id=result.inquiry_id, companions=shown, found=found, cut=result.cut)


@router.post("/meetings")
def meetings(caller: Inquiries, body: MeetingsOf) -> Meetings:
    """Search for the meetings of two plates at one camera."""
    result = _meetings(caller, "cotravel", body, plates.pattern(body.other_plate))
    shown = [Meeting(**row) for row in result.rows[: body.most]]
    return Meetings(inquiry_id=result.inquiry_id, meetings=shown, found=len(result.rows))


@router.post(
    "/picture",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {}}, "description": "JPEG"},
        404: {"description": "The picture does not exist, or no longer exists."},
    },
)
def picture(caller: Inquiries, body: Pictures) -> Response:
    """Return the picture of the plate, or of the vehicle, of a detection. Logged as an inquiry of its own."""
    found = looking.pictures(caller.door, body.detection_id, body.captured_at, **body.why)
    if body.kind not in found:
        raise HTTPException(404, "The picture does not exist, or no longer exists.")
    return Response(found[body.kind], media_type="image/jpeg")


def _passes(caller: Caller, way: SearchKind, body: Vehicle, plate: str) -> Detections:
    wanted = Description(body.colour, body.make, body.body, body.state, body.direction)
    look = SearchRequest(
        way,
        plate,
        cameras=body.cameras,
        since=body.since,
        until=body.until,
        wanted=wanted,
        untold=body.untold,
    )
    return Detections.of(_search(caller, look, body.why), 0, body.most)


SEARCH_LIVES = timedelta(minutes=15)
"""Longer than the ten minutes of an inquiry, which the gate keeps."""


def _search(caller: Caller, look: SearchRequest, why: Documentation) -> Result:
    """Search, and remember the request for further pages and exports."""
    result = looking.search(caller.door, look, **why)
    name = f"{caller.door.who} {result.inquiry_id}"
    caller.console.shared.put("search", name, (look, why), caller.console.clock() + SEARCH_LIVES)
    return result


def _searched(caller: Caller, inquiry: UUID) -> tuple[SearchRequest, Documentation, Result]:
    """Return a search of this person again. Raises HTTPException where it is over, or somebody else's."""
    shared, name, now = caller.console.shared, f"{caller.door.who} {inquiry}", caller.console.clock()
    known = shared.get("search", name, tuple[SearchRequest, Documentation], now)
    if known is None:
        raise HTTPException(404, "The inquiry is not one of yours, or is over ten minutes old.")
    request, why = known
    return request, why, looking.search_again(caller.door, inquiry, request)


def _meetings(caller: Caller, way: SearchKind, body: CompanionsOf, other: str = "") -> Result:
    within = timedelta(seconds=body.within_s)
    plate = plates.pattern(body.plate)
    look = SearchRequest(way, plate, other, within, body.cameras, body.since, body.until)
    return _search(caller, look, body.why)
