"""Detection: one read of one vehicle pass (section C.6 of the order)."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID, uuid5

import msgspec
from msgspec import Meta

from platestream.schemas.camera_read import CameraRead, Opinion
from platestream.schemas.fields import (
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
    stayed_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=2**32 - 1,
            description="milliseconds from the frame that opened the pass to its last; 0 in records of older "
            "releases",
        ),
    ] = 0
    camera_read: Annotated[
        CameraRead | None, Meta(description="the camera's own read, where it sends its reads")
    ] = None
    opinion: Annotated[
        Opinion,
        Meta(
            description="the camera's read against the reader's; `plate` is the camera's in `camera_only` "
            "and `unseen` (no picture came); empty: the camera sends no reads"
        ),
    ] = ""

    @property
    def last_at(self) -> datetime:
        """Capture time of the last frame that showed the vehicle."""
        return self.captured_at + timedelta(milliseconds=self.stayed_ms)


def detection_id(camera_id: str, opened_at: datetime, position: int) -> UUID:
    """Return the id of a pass.

    It is derived from the cause, not from the text read, so replays produce the same id.

    `position` counts the plates of the opening frame from the left, from 0.
    """
    return uuid5(NAMESPACE, f"{camera_id}/{opened_at.isoformat(timespec='microseconds')}/{position}")
