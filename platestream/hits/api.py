"""API of alert hits: hits of a period, one hit with its steps, its pictures, and the next step."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import Response
from pydantic import Field

from platestream.access import shifts
from platestream.hits import handling
from platestream.hits import service as job
from platestream.operators.hit_history import Status
from platestream.schemas import plates
from platestream.schemas.alert_hit import NOTICE, MatchClass, StateCheck
from platestream.schemas.camera_read import OPINION, Opinion
from platestream.schemas.hit_action import ActionKind, CheckedWith, Result
from platestream.web.api.caller import Caller, require
from platestream.web.api.fields import (
    MOST,
    Most,
    Name,
    Pattern,
    PlaceAndTime,
    RequestModel,
    ResponseModel,
    Text,
)

if TYPE_CHECKING:
    from platestream.web.console import Console

router = APIRouter(tags=["hits"])
Hits = Annotated[Caller, Depends(require("hits"))]
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "JPEG"},
    404: {"description": "The hit or picture does not exist, or no longer exists."},
}


class Difference(ResponseModel):
    """Character in which read and entry differ; `position` counts from 0."""

    position: int
    read: str
    listed: str


class Listed(ResponseModel):
    """Entry that the read matched, as of that time."""

    entry_id: str
    source: str
    category: str
    plate: str
    state: str
    vehicle: dict[str, str]
    case_number: str
    reason: str
    requested_by: str
    contact: str
    instructions: str
    other: str
    expires_at: datetime


class Step(ResponseModel):
    """Recorded step."""

    action_id: UUID
    at: datetime
    by: str
    kind: ActionKind
    case_number: str
    mvd_result: str
    actionable: bool
    note: str
    checked_with: CheckedWith
    result: Result


class Disproof(ResponseModel):
    """Earlier comparison of this plate with this entry that found them wrong, on the hit `hit_id`."""

    kind: Literal["misread", "wrong_state"]
    by: str
    at: datetime
    hit_id: UUID


class Hit(ResponseModel):
    """Read that may be a listed vehicle, with its steps so far.

    `verified`: verified as far as the order requires.
    """

    hit_id: UUID
    detection_id: UUID
    captured_at: datetime
    priority: Annotated[int, Field(description="By the category's rules of notification; 1 is the top.")]
    camera_id: str
    latitude: float
    longitude: float
    plate: Annotated[str, Field(description="Plate as read.")]
    state: str
    confidence: float
    opinion: Annotated[Opinion, Field(description=OPINION)] = ""
    camera_plate: Annotated[str, Field(description="Plate as the camera read it.")] = ""
    read_vehicle: dict[str, str] = Field(
        default_factory=dict, description="Vehicle as the camera and the pictures show it, with sources."
    )
    match: MatchClass
    likelihood: float | None
    differences: list[Difference]
    state_check: StateCheck
    historical: bool
    disproof: Annotated[
        Disproof | None,
        Field(description="Earlier finding that plate and entry do not belong together."),
    ]
    withheld: Annotated[bool, Field(description="Not sent to phones because of that finding.")]
    entry: Listed
    status: Status
    verified: bool
    missing: Annotated[str, Field(description="Steps required before any action; empty: none.")]
    next_steps: list[ActionKind]
    steps: Annotated[list[Step], Field(description="In order of time.")]
    beside: Annotated[list[Step], Field(description="Steps out of order, which change nothing.")]
    notice: Literal[NOTICE] = NOTICE  # type: ignore[valid-type]

    @classmethod
    def of(cls, hit: job.HitWithHistory, console: "Console") -> Self:
        row, done = hit.row, hit.history
        listed = {name: row[f"listed_{name}"] for name in ("plate", "state", "vehicle")}
        fields = {
            "priority": console.notify_rules.priority(row["category"]),
            "disproof": hit.disproof,
            "withheld": hit.withheld,
            "entry": {**row, **listed},
            "status": done.status,
            "verified": done.verified,
            "missing": hit.missing,
            "next_steps": done.next_steps,
            "steps": done.applied,
            "beside": done.ignored,
        }
        return cls.model_validate({**row, **fields})


class OnShift(ResponseModel):
    """Person on shift. `connected_since`: their device shows new hits since then; null where none does."""

    user: str
    name: str
    since: datetime | None
    until: datetime | None
    connected_since: datetime | None
    sound: Annotated[bool, Field(description="The device sounds for a new hit.")]

    @classmethod
    def of(cls, one: shifts.OnShift) -> Self:
        shift, device = one.shift, one.device
        return cls(
            user=shift.user,
            name=shift.name,
            since=shift.since,
            until=shift.until,
            connected_since=device.since if device else None,
            sound=device is not None and device.sound,
        )


class Found(ResponseModel):
    """Page of hits, newest first. `more`: there may be more than were requested."""

    hits: list[Hit]
    more: bool


class Look(PlaceAndTime):
    """Query for hits, with its documentation."""

    plate: Pattern = ""
    status: Annotated[tuple[Status, ...], Field(description="Only these statuses; empty: all.")] = ()
    historical: Annotated[
        bool | None, Field(description="Only finds of look-backs, or only alerts; null: both.")
    ] = None
    most: Most = MOST


class NextStep(RequestModel):
    """Step to be recorded. The answer of a refusal names the fields that a kind requires."""

    kind: ActionKind
    case_number: Text = ""
    mvd_result: Text = ""
    actionable: Annotated[bool, Field(description="'Actionable ALPR Hit Related' in the report.")] = False
    note: Text = ""
    checked_with: CheckedWith = ""
    result: Result = ""
    stopped: Annotated[bool, Field(description="The vehicle was stopped.")] = False
    actual: Annotated[
        Name, Field(description="Actual plate of the vehicle, for a misread; it is not stored.")
    ] = ""


@router.post("/hits/look")
def look(caller: Hits, body: Look) -> Found:
    """Return the hits of a period. The query is documented like any other."""
    found = job.find_hits(
        caller.door,
        pattern=plates.pattern(body.plate),
        cameras=body.cameras,
        since=body.since,
        until=body.until,
        recent=caller.console.recent.all(),
        most=body.most,
        historical=body.historical,
        **body.why,
    )
    shown = [
        Hit.of(one, caller.console)
        for one in found
        if one.history.status in (body.status or (one.history.status,))
    ]
    return Found(hits=shown, more=len(found) == body.most)


@router.get(
    "/hits/{hit_id}", responses={404: {"description": "The hit does not exist, or no longer exists."}}
)
def one(caller: Hits, hit_id: UUID) -> Hit:
    """Return one hit, for its verification."""
    return Hit.of(_found(caller, hit_id), caller.console)


@router.get("/hits/{hit_id}/pictures/{kind}", response_class=Response, responses=_JPEG)
def picture(caller: Hits, hit_id: UUID, kind: Literal["crop", "vehicle"]) -> Response:
    """Return the picture of the plate, or of the vehicle."""
    shown = job.pictures(caller.door, _found(caller, hit_id), **handling.view_reason(hit_id)).get(kind)
    if shown is None:
        raise HTTPException(404, "The picture does not exist, or no longer exists.")
    return Response(shown, media_type="image/jpeg")


@router.post(
    "/hits/{hit_id}/steps",
    status_code=201,
    responses={404: {"description": "The hit does not exist, or no longer exists."}},
)
def step(caller: Hits, hit_id: UUID, body: NextStep) -> Hit:
    """Record the next step, and return the hit with its new status.

    A step that may not follow is refused (409) and logged.
    """
    fields = body.model_dump(exclude={"kind", "actual"})
    done = handling.take_step(
        caller.console, caller.door, _found(caller, hit_id), body.kind, body.actual, fields
    )
    return Hit.of(done, caller.console)


@router.get("/shifts")
def on_shift(caller: Hits) -> list[OnShift]:
    """Return the people on shift now, and which of their devices are connected."""
    return [OnShift.of(one) for one in shifts.show(caller.door, caller.now)]


def _found(caller: Caller, hit_id: UUID) -> job.HitWithHistory:
    try:
        return handling.find_hit(caller.console, caller.door, hit_id, handling.view_reason(hit_id))
    except job.UnknownHit as error:
        raise HTTPException(404, f"{error.detail}.") from None
