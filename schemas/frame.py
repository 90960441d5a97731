"""A camera frame: a JPEG as the camera made it, with headers that say where and when."""

from datetime import UTC

import msgspec

from schemas.fields import Instant, Latitude, Longitude, Name, Vehicle
from schemas.message import Message, RefusedError

VEHICLE_HEADERS = ("make", "model", "colour", "body")


class FrameHeaders(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """The headers of a message on the `frames` topic; values are UTF-8 text.

    Further headers that start with `vehicle-` are kept as other identifiers of the vehicle.
    """

    camera_id: Name
    captured_at: Instant
    latitude: Latitude
    longitude: Longitude


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """A frame that was let in; `message` is what came, for the dead letters."""

    camera_id: str
    captured_at: Instant
    latitude: float
    longitude: float
    vehicle: Vehicle
    image: bytes
    message: Message

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
        )
