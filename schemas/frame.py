"""A camera frame: a JPEG as the camera made it, with headers that say where and when."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid5

import msgspec
from msgspec import Meta

from schemas.fields import Instant, Latitude, Longitude, Name, Vehicle
from schemas.message import Message, RefusedError

NAMESPACE = UUID("5a3e0a52-6a0f-5f4e-8a39-41370d7e1f14")
FRAME_ID = "frame-id"
VEHICLE_HEADERS = ("make", "model", "colour", "body")


class FrameHeaders(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """The headers of a message on the `frames` topic; values are UTF-8 text.

    Further headers that start with `vehicle-` are kept as other identifiers of the vehicle.
    """

    camera_id: Name
    captured_at: Instant
    latitude: Latitude
    longitude: Longitude
    frame_id: (
        Annotated[
            UUID,
            Meta(
                description="one id for one frame, however often it is sent: of a camera's frames with one "
                "id the first counts; without it each message is a frame of its own"
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """A frame that was let in; `message` is what came, for the dead letters."""

    camera_id: str
    captured_at: Instant
    latitude: float
    longitude: float
    vehicle: Vehicle
    image: bytes
    message: Message
    frame_id: UUID | None = None

    @classmethod
    def from_message(cls, message: Message) -> "Frame":
        """Validate headers and value. Raises RefusedError that names the header."""
        if not message.value:
            raise RefusedError("empty", "frame without a picture")
        try:
            headers = msgspec.convert(message.headers, FrameHeaders, strict=False)
        except msgspec.ValidationError as error:
            raise RefusedError("headers", f"frame: {error}") from error
        told = {
            name.removeprefix("vehicle-"): text[:200]
            for name, text in message.headers.items()
            if name.startswith("vehicle-") and text
        }
        known = {name: told.pop(name)[:64] for name in VEHICLE_HEADERS if name in told}
        return cls(
            camera_id=headers.camera_id,
            captured_at=headers.captured_at.astimezone(UTC),
            latitude=headers.latitude,
            longitude=headers.longitude,
            vehicle=Vehicle(**known, other=told),
            image=message.value,
            message=message,
            frame_id=told_frame_id(message.headers),
        )


def frame_id(camera_id: str, taken_at: datetime, image: bytes) -> UUID:
    """The id of a frame: from its cause, so that a picture which a camera sends again has the same one."""
    digest = hashlib.sha256(image).hexdigest()
    return uuid5(NAMESPACE, f"{camera_id}/{taken_at.astimezone(UTC).isoformat()}/{digest}")


def told_frame_id(headers: Mapping[str, str]) -> UUID | None:
    """The id in a message's headers; None where there is none, or what stands there is no id."""
    try:
        return UUID(headers[FRAME_ID])
    except (KeyError, ValueError):
        return None
