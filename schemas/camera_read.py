"""Camera's read: a plate that the camera read by itself, and what it reported with it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from platestream.schemas.fields import Box, Instant, PlateText, Share, State, Vehicle

Word = Annotated[str, Meta(min_length=1, max_length=64)]

MOST_READS = 16
"""Reads of one push at most."""

Opinion = Literal["", "agree", "disagree", "camera_only", "reader_only", "unseen"]
"""Comparison of the camera's read with the reader's: both read the same plate (O and 0 are the same), both
read different plates, only one of both read a plate in the picture, or there was no picture to read."""
OPINION = "Camera's read against the reader's; empty: the camera sends no reads."
OPINIONS: tuple[Opinion, ...] = ("agree", "disagree", "camera_only", "reader_only", "unseen")


class CameraRead(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One plate that a camera read by itself. Boxes are in the device's own coordinates."""

    format: Annotated[str, Meta(pattern=r"^[a-z]{1,32}$", description="format of the push")]
    plate: PlateText
    confidence: Annotated[Share | None, Meta(description="null where the device gives none")] = None
    characters: Annotated[
        tuple[Share, ...], Meta(max_length=20, description="confidence of each character")
    ] = ()
    state: State | None = None
    country: Word | None = None
    direction: Annotated[Word | None, Meta(description="direction of travel in the device's words")] = None
    lane: Word | None = None
    speed_kmh: Annotated[float, Meta(ge=0, le=1000)] | None = None
    track: Annotated[Word | None, Meta(description="the device's own id of the passing vehicle")] = None
    vehicle: Vehicle = Vehicle()
    box: Annotated[Box | None, Meta(description="the plate")] = None
    vehicle_box: Box | None = None
    device_at: Annotated[
        Instant | None, Meta(description="capture time by the device's clock, whether it is right or not")
    ] = None

    @property
    def described(self) -> Vehicle:
        """The vehicle with direction, lane and speed among its other features."""
        found = {"direction": self.direction, "lane": self.lane}
        if self.speed_kmh is not None:
            found["speed_kmh"] = f"{self.speed_kmh:g}"
        added = {name: text for name, text in found.items() if text is not None}
        return msgspec.structs.replace(self.vehicle, other={**self.vehicle.other, **added})
