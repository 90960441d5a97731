"""A detection: one read of one vehicle pass (section C.6 of the order)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid5

import msgspec
from msgspec import Meta

from schemas.fields import (
    Box,
    Instant,
    Latitude,
    Longitude,
    Name,
    PlateText,
    Record,
    Share,
    State,
    Vehicle,
)

NAMESPACE = UUID("7d6f1c6e-3f0b-5d0a-9b57-41370d7e1f10")


class Alternative(msgspec.Struct, frozen=True, gc=False):
    """Another reading of the same plate."""

    plate: PlateText
    confidence: Share


class Detection(Record, tag="detection/1", frozen=True, kw_only=True):
    """One vehicle passing one camera, with the best read of the frames that showed it."""

    detection_id: UUID
    camera_id: Name
    captured_at: Annotated[Instant, Meta(description="capture time of the frame that opened the pass")]
    best_at: Annotated[Instant, Meta(description="capture time of the frame that was read best")]
    latitude: Latitude
    longitude: Longitude
    plate: PlateText
    confidence: Share
    state: State | None = None
    state_confidence: Share = 0.0
    alternatives: tuple[Alternative, ...] = ()
    box: Annotated[Box, Meta(description="the plate in the frame read best, pixels")]
    frames: Annotated[int, Meta(ge=1, description="frames in which this vehicle was read")]
    agreeing: Annotated[int, Meta(ge=0, description="of these, frames that read this very plate")]
    models: tuple[str, ...]
    vehicle: Vehicle = Vehicle()
    crop: Annotated[bytes, Meta(description="JPEG of the plate")]
    picture: Annotated[bytes, Meta(description="JPEG of the vehicle")]


def detection_id(camera_id: str, opened_at: datetime, position: int) -> UUID:
    """The id of a pass: from its cause, never from what was read, so that a replay makes the same one.

    `position` counts the plates of the opening frame from the left.
    """
    return uuid5(NAMESPACE, f"{camera_id}/{opened_at.isoformat(timespec='microseconds')}/{position}")
