"""Camera frame: a JPEG as the camera made it, with headers for place and time."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid5

import msgspec
from msgspec import Meta

from platestream.schemas.camera_read import MOST_READS, CameraRead
from platestream.schemas.fields import Instant, Latitude, Longitude, Name, Vehicle
from platestream.schemas.frame_count import FrameCount, count_of
from platestream.schemas.message import Message, RefusedError

NAMESPACE = UUID("5a3e0a52-6a0f-5f4e-8a39-41370d7e1f14")
FRAME_ID = "frame-id"
CAMERA_READS = "camera-reads"
PUSH_FAULT = "push-fault"
VEHICLE_HEADERS = ("make", "model", "colour", "body")


class FrameHeaders(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """The headers of a message on the `frames` topic; values are UTF-8 text.

    Further headers that start with `vehicle-` are stored as other identifiers of the vehicle.
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
    camera_reads: (
        Annotated[
            str,
            Meta(
                description="JSON list of the plates that the camera read by itself (`CameraRead`); "
                "with it a frame needs no picture"
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    frame_count: (
        Annotated[
            str,
            Meta(
                max_length=1000,
                description="JSON with the frame's number (`FrameCount`), by which a missing frame is found; "
                "without it, or where it is invalid, the frame is not numbered",
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    push_fault: (
        Annotated[
            str,
            Meta(
                max_length=300,
                description="reason and detail why the gateway cannot use a push; the value is its body, "
                "which becomes a dead letter",
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted frame; `message` is the original message, for dead letters.

    `image` may be empty if there are `reads`. `fault` is the error of a push that cannot be used.
    """

    camera_id: str
    captured_at: Instant
    latitude: float
    longitude: float
    vehicle: Vehicle
    image: bytes
    message: Message
    frame_id: UUID | None = None
    reads: tuple[CameraRead, ...] = ()
    fault: RefusedError | None = None
    count: FrameCount | None = None

    @property
    def pushed(self) -> bool:
        """True if the camera reads by itself: the frame has the header for its reads, even an empty one."""
        return CAMERA_READS in self.message.headers

    @classmethod
    def from_message(cls, message: Message) -> "Frame":
        """Validate headers and value. Raises RefusedError, which names the header."""
        if not message.value and CAMERA_READS not in message.headers:
            raise RefusedError("empty", "frame without a picture")
        try:
            headers = msgspec.convert(message.headers, FrameHeaders, strict=False)
            reads = _READS.decode(message.headers.get(CAMERA_READS, "[]"))
        except (msgspec.DecodeError, RecursionError) as error:
            raise RefusedError("headers", f"frame: {error}") from error
        if not message.value and not reads:
            raise RefusedError("empty", "frame without a picture and without reads")
        fields = {
            name.removeprefix("vehicle-"): text[:200]
            for name, text in message.headers.items()
            if name.startswith("vehicle-") and text
        }
        known = {name: fields.pop(name)[:64] for name in VEHICLE_HEADERS if name in fields}
        return cls(
            camera_id=headers.camera_id,
            captured_at=headers.captured_at.astimezone(UTC),
            latitude=headers.latitude,
            longitude=headers.longitude,
            vehicle=Vehicle(**known, other=fields),
            image=message.value or b"",
            message=message,
            frame_id=frame_id_of(message.headers),
            reads=reads,
            fault=_fault_of(message.headers),
            count=count_of(message.headers),
        )


_READS = msgspec.json.Decoder(Annotated[tuple[CameraRead, ...], Meta(max_length=MOST_READS)])


def _fault_of(headers: Mapping[str, str]) -> RefusedError | None:
    if PUSH_FAULT not in headers:
        return None
    reason, _colon, detail = headers[PUSH_FAULT].partition(": ")
    return RefusedError(reason, detail)


def frame_id(camera_id: str, taken_at: datetime, image: bytes) -> UUID:
    """Return the id of a frame. It is derived from the picture, so a picture sent again has the same id."""
    digest = hashlib.sha256(image).hexdigest()
    return uuid5(NAMESPACE, f"{camera_id}/{taken_at.astimezone(UTC).isoformat()}/{digest}")


def frame_id_of(headers: Mapping[str, str]) -> UUID | None:
    """Return the id in the headers of a message, or None if there is no valid one."""
    try:
        return UUID(headers[FRAME_ID])
    except (KeyError, ValueError):
        return None
