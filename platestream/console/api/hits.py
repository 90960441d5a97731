"""Alert hits: those of a time, one with its steps, its pictures, and the next step."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import Response
from pydantic import Field

from operators.hit_history import Status
from platestream.console import handling
from platestream.console.api.caller import Caller, may
from platestream.console.api.fields import MOST, Asked, Most, Name, Pattern, Text, Told, Where
from schemas import plates
from schemas.alert_hit import NOTICE, MatchClass, StateCheck
from schemas.hit_action import ActionKind, CheckedWith, HitAction, Result
from services import hits as job

router = APIRouter(tags=["hits"])
Hits = Annotated[Caller, Depends(may("hits"))]
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "JPEG"},
    404: {"description": "There is no such hit, or no such picture (any more)."},
}


class Difference(Told):
    """A character in which read and entry differ; `position` counts from 0."""

    position: int
    read: str
    listed: str


class Listed(Told):
    """The entry that the read met, as it was then."""

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


class Step(Told):
    """A step that was recorded."""

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

    @classmethod
    def of(cls, one: HitAction) -> Self:
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class Hit(Told):
    """A read that may be a listed vehicle, and what was done about it.

    `verified`: as far as the order asks.
    """

    hit_id: UUID
    detection_id: UUID
    captured_at: datetime
    camera_id: str
    latitude: float
    longitude: float
    plate: Annotated[str, Field(description="As it was read.")]
    state: str
    confidence: float
    match: MatchClass
    likelihood: float | None
    differences: list[Difference]
    state_check: StateCheck
    historical: bool
    entry: Listed
    status: Status
    verified: bool
    missing: Annotated[str, Field(description="What is to be done before anybody acts; empty: nothing.")]
    next_steps: list[ActionKind]
    steps: Annotated[list[Step], Field(description="In the order of their times.")]
    beside: Annotated[list[Step], Field(description="Steps out of turn, which change nothing.")]
    notice: Literal[NOTICE] = NOTICE  # type: ignore[valid-type]

    @classmethod
    def of(cls, hit: job.Standing) -> Self:
        row, done = hit.row, hit.history
        same = {name: row[name] for name in cls.model_fields if name in row and name != "differences"}
        entry = {name: row[name] for name in Listed.model_fields if name in row}
        entry |= {name: row[f"listed_{name}"] for name in ("plate", "state", "vehicle")}
        return cls(
            **same,
            differences=[Difference(**one) for one in row["differences"]],
            entry=Listed(**entry),
            status=done.status,
            verified=done.verified,
            missing=hit.missing,
            next_steps=list(done.next_steps),
            steps=[Step.of(one) for one in done.counted],
            beside=[Step.of(one) for one in done.beside],
        )


class Found(Told):
    """Hits, the newest first. `more`: there may be more than were asked for."""

    hits: list[Hit]
    more: bool


class Look(Where):
    """Which hits, and why they are looked at."""

    plate: Pattern = ""
    status: Annotated[tuple[Status, ...], Field(description="Only these; empty: all.")] = ()
    most: Most = MOST


class NextStep(Asked):
    """A step to be recorded. Which fields a kind asks for, the answer of a refusal says."""

    kind: ActionKind
    case_number: Text = ""
    mvd_result: Text = ""
    actionable: Annotated[bool, Field(description="'Actionable ALPR Hit Related' in the report.")] = False
    note: Text = ""
    checked_with: CheckedWith = ""
    result: Result = ""
    stopped: Annotated[bool, Field(description="The vehicle was stopped.")] = False
    actual: Annotated[Name, Field(description="The vehicle's plate, of a misread; it is not kept.")] = ""


@router.post("/hits/look")
def look(caller: Hits, asked: Look) -> Found:
    """Hits of a time, documented as every look is."""
    found = job.standing(
        caller.door,
        pattern=plates.pattern(asked.plate),
        cameras=asked.cameras,
        since=asked.since,
        until=asked.until,
        recent=caller.console.recent.all(),
        most=asked.most,
        **asked.why,
    )
    shown = [Hit.of(one) for one in found if one.history.status in (asked.status or (one.history.status,))]
    return Found(hits=shown, more=len(found) == asked.most)


@router.get("/hits/{hit_id}", responses={404: {"description": "There is no such hit (any more)."}})
def one(caller: Hits, hit_id: UUID) -> Hit:
    """One hit: a look for its verification."""
    return Hit.of(_found(caller, hit_id))


@router.get("/hits/{hit_id}/pictures/{kind}", response_class=Response, responses=_JPEG)
def picture(caller: Hits, hit_id: UUID, kind: Literal["crop", "vehicle"]) -> Response:
    """The plate, or the vehicle."""
    shown = job.pictures(caller.door, _found(caller, hit_id), **handling.why(hit_id)).get(kind)
    if shown is None:
        raise HTTPException(404, "There is no such picture (any more).")
    return Response(shown, media_type="image/jpeg")


@router.post(
    "/hits/{hit_id}/steps",
    status_code=201,
    responses={404: {"description": "There is no such hit (any more)."}},
)
def step(caller: Hits, hit_id: UUID, asked: NextStep) -> Hit:
    """Record the next step; the hit as it stands then.

    What may not follow is refused (409), and on record.
    """
    told = asked.model_dump(exclude={"kind", "actual"})
    done = handling.take(caller.console, caller.door, _found(caller, hit_id), asked.kind, asked.actual, told)
    return Hit.of(done)


def _found(caller: Caller, hit_id: UUID) -> job.Standing:
    try:
        return handling.found(caller.console, caller.door, hit_id, handling.why(hit_id))
    except job.UnknownHit as error:
        raise HTTPException(404, f"{error.detail}.") from None
