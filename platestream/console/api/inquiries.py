"""Inquiries: looks at stored detections, each documented."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import Response
from pydantic import Field

from platestream.console.api.caller import Caller, may
from platestream.console.api.fields import MOST, Documented, Most, Name, Pattern, Plate, Time, Told, Vehicles
from schemas import plates
from services.inquiries import looking
from services.inquiries.gate import Row
from services.inquiries.looking import Asked, Description, Way

router = APIRouter(tags=["inquiries"], prefix="/inquiries")
Inquiries = Annotated[Caller, Depends(may("inquiries"))]
Cut = Annotated[
    bool, Field(description="More different vehicles were found than are shown: narrow it, or ask for more.")
]
Seconds = Annotated[int, Field(ge=1, le=3600, description="How far apart at most.")]


class Detection(Told):
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
    match: Annotated[
        Literal["same", "look_alike", "one_edit"] | None, Field(description="Of a search for look-alikes.")
    ] = None


class Detections(Told):
    """The newest detections, of so many that were `found`. `left_out`: of these it is not known whether they
    fit the description.
    """

    detections: list[Detection]
    found: int
    left_out: int
    cut: Cut

    @classmethod
    def of(cls, rows: Sequence[Row], most: int, left_out: int, *, cut: bool) -> Self:
        shown = [
            Detection(**{name: row[name] for name in Detection.model_fields if name in row})
            for row in rows[:most]
        ]
        return cls(detections=shown, found=len(rows), left_out=left_out, cut=cut)


class Companion(Told):
    """A vehicle that met the one asked for."""

    plate: str
    meetings: int
    cameras_met: int
    first_at: datetime
    last_at: datetime


class Companions(Told):
    """Those that met it most, of so many that were `found`."""

    companions: list[Companion]
    found: int
    cut: Cut


class Meeting(Told):
    """Where and when two plates met; `seconds_behind`: the other one came later, where it is positive."""

    camera_id: str
    captured_at: datetime
    plate: str
    detection_id: UUID
    other_captured_at: datetime
    other_plate: str
    other_detection_id: UUID
    seconds_behind: float


class Meetings(Told):
    """The newest meetings, of so many that were `found`."""

    meetings: list[Meeting]
    found: int


class Vehicle(Vehicles):
    """What the vehicle looks like: words, or parts of words; empty is anything."""

    colour: Name = ""
    make: Name = ""
    body: Name = ""
    state: Annotated[str, Field(max_length=2, description="Postal code of the state of issue.")] = ""
    untold: Annotated[bool, Field(description="With those of which it is not known.")] = False
    most: Most = MOST


class Search(Vehicle):
    """A plate, or part of one."""

    plate: Pattern = ""


class LookAlikes(Vehicle):
    """A whole plate of 4 to 8 characters."""

    plate: Plate


class Sightings(Vehicle):
    """1 to 20 cameras, and 7 days at most."""

    plate: Pattern = ""


class CompanionsOf(Vehicles):
    """A whole plate."""

    plate: Plate
    within_s: Seconds = 60
    most: Most = MOST


class MeetingsOf(CompanionsOf):
    """Two whole plates."""

    other_plate: Plate


class Pictures(Documented):
    """A detection, by its id and time as an inquiry gave them."""

    detection_id: UUID
    captured_at: Time
    kind: Literal["crop", "vehicle"]


@router.post("/search")
def search(caller: Inquiries, asked: Search) -> Detections:
    """Detections of a plate, or of part of one."""
    return _passes(caller, "search", asked, plates.pattern(asked.plate))


@router.post("/look-alikes")
def look_alikes(caller: Inquiries, asked: LookAlikes) -> Detections:
    """Detections of a plate, of its look-alikes, and of plates that differ in one character."""
    return _passes(caller, "fuzzy", asked, plates.normalise(asked.plate))


@router.post("/sightings")
def sightings(caller: Inquiries, asked: Sightings) -> Detections:
    """All that passed some cameras."""
    return _passes(caller, "sightings", asked, plates.pattern(asked.plate))


@router.post("/companions")
def companions(caller: Inquiries, asked: CompanionsOf) -> Companions:
    """Other vehicles that passed near one at a camera twice or more."""
    rows = _meetings(caller, "companions", asked)
    shown = [Companion(**{name: row[name] for name in Companion.model_fields}) for row in rows[: asked.most]]
    return Companions(companions=shown, found=len(rows), cut=looking.cut(rows))


@router.post("/meetings")
def meetings(caller: Inquiries, asked: MeetingsOf) -> Meetings:
    """Where two plates met at one camera."""
    rows = _meetings(caller, "cotravel", asked, plates.normalise(asked.other_plate))
    return Meetings(meetings=[Meeting(**row) for row in rows[: asked.most]], found=len(rows))


@router.post(
    "/picture",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {}}, "description": "JPEG"},
        404: {"description": "There is no such picture (any more)."},
    },
)
def picture(caller: Inquiries, asked: Pictures) -> Response:
    """The plate, or the vehicle, of a detection: a look of its own."""
    found = looking.pictures(caller.door, asked.detection_id, asked.captured_at, **asked.why)
    if asked.kind not in found:
        raise HTTPException(404, "There is no such picture (any more).")
    return Response(found[asked.kind], media_type="image/jpeg")


def _passes(caller: Caller, way: Way, asked: Vehicle, plate: str) -> Detections:
    look = Asked(way, plate, cameras=asked.cameras, since=asked.since, until=asked.until)
    wanted = Description(asked.colour, asked.make, asked.body, asked.state)
    seen = looking.look(caller.door, look, **asked.why)
    rows, left_out = looking.described(seen, wanted, untold=asked.untold)
    return Detections.of(rows, asked.most, left_out, cut=looking.cut(seen))


def _meetings(caller: Caller, way: Way, asked: CompanionsOf, other: str = "") -> list[Row]:
    within = timedelta(seconds=asked.within_s)
    plate = plates.normalise(asked.plate)
    look = Asked(way, plate, other, within, asked.cameras, asked.since, asked.until)
    return looking.look(caller.door, look, **asked.why)
