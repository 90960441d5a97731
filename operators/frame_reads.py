"""Plates of one frame, as the recognition step gives them to the steps behind it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from platestream.schemas.camera_read import CameraRead
from platestream.schemas.fields import Vehicle
from platestream.schemas.frame_count import FrameCount
from platestream.schemas.reading import PlateRead


@dataclass(frozen=True, slots=True)
class Sighting:
    """One plate in one frame. `crop`, `picture` and `view` are JPEG; the view is what the model examines.
    They are empty if the plate was not read in this frame but followed.

    `camera` is the camera's own read. If not `ours`, the reader read nothing, and `read` is of the camera.
    """

    read: PlateRead
    crop: bytes
    picture: bytes
    view: bytes = b""
    camera: CameraRead | None = None
    ours: bool = True


@dataclass(frozen=True, slots=True)
class FrameReads:
    """The plates of one frame, from left to right; `sightings` may be empty.

    It does not contain the frame. `pushed`: the camera sends its own reads. `unseen`: it sent no picture.
    """

    camera_id: str
    captured_at: datetime
    latitude: float
    longitude: float
    vehicle: Vehicle
    sightings: tuple[Sighting, ...]
    frame_id: UUID | None = None
    pushed: bool = False
    unseen: bool = False
    count: FrameCount | None = None
