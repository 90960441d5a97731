"""From a picture to what was read in it: plates, each with its crop and a picture of the vehicle."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import cv2
import numpy as np
import numpy.typing as npt

from operators.decode import Picture
from operators.vehicle import Colour, colour
from schemas.fields import Vehicle
from schemas.message import RefusedError
from schemas.reading import PlateRead

Image = npt.NDArray[np.uint8]
Read = Callable[[str, datetime, Image], list[PlateRead]]
"""Reads a camera's frame: camera, capture time, pixels. `reading.change_detector.ChangeDetector` is one."""

CROP_MARGIN = 0.25  # of the plate's size, each side: the frame around it tells a reader what it is
VEHICLE_WIDTHS, VEHICLE_ABOVE, VEHICLE_BELOW = 4.0, 8.0, 2.5  # in plate widths, in plate heights
VEHICLE_PIXELS = 640  # longer side of the vehicle's picture
QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 85]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One plate in one frame. `crop` and `picture` are JPEG; `colour` is the vehicle's, where it is clear."""

    read: PlateRead
    crop: bytes
    picture: bytes
    colour: Colour | None = None


@dataclass(frozen=True, slots=True)
class FrameReads:
    """What one frame showed, from left to right; `sightings` may be empty. It holds no frame."""

    camera_id: str
    captured_at: datetime
    latitude: float
    longitude: float
    vehicle: Vehicle
    sightings: tuple[Sighting, ...]
    frame_id: UUID | None = None


class Recognizer:
    """Reads pictures. One that the engine fails on is refused and the rest go on. For use by several threads,
    each with its cameras.

    After `patience` failures in a row `sound` says whether the engine still reads a picture that it must be
    able to read. If it does, the pictures are bad and are refused as before; if not, the flow stops.
    """

    def __init__(self, read: Read, sound: Callable[[], bool], patience: int = 20) -> None:
        self._read, self._sound = read, sound
        self._patience = patience
        self._failed = 0
        self._lock = threading.Lock()

    def __call__(self, picture: Picture) -> FrameReads:
        """Raises RefusedError for a picture, RuntimeError for a broken engine."""
        frame = picture.frame
        try:
            found = self._read(frame.camera_id, frame.captured_at, picture.pixels)
        except Exception as error:  # an engine raises what it likes; which is not ours to know
            with self._lock:
                self._failed += 1
                failures = self._failed
            if failures % self._patience == 0 and not self._sound():
                failed = f"the engine failed on {failures} frames in a row"
                raise RuntimeError(f"{failed} and on the picture that it must read") from error
            raise RefusedError("engine", f"the engine failed: {type(error).__name__}") from error
        self._failed = 0
        return FrameReads(
            camera_id=frame.camera_id,
            captured_at=frame.captured_at,
            latitude=frame.latitude,
            longitude=frame.longitude,
            vehicle=frame.vehicle,
            sightings=tuple(
                Sighting(
                    read,
                    plate_crop(picture.pixels, read.box),
                    vehicle_picture(picture.pixels, read.box),
                    colour(picture.pixels, read.box),
                )
                for read in sorted(found, key=lambda read: read.box)
            ),
            frame_id=frame.frame_id,
        )


def plate_crop(pixels: Image, box: tuple[int, int, int, int]) -> bytes:
    """The plate with a margin, as JPEG."""
    x, y, width, height = box
    across, up = round(width * CROP_MARGIN), round(height * CROP_MARGIN)
    return _jpeg(_cut(pixels, x - across, y - up, x + width + across, y + height + up))


def vehicle_picture(pixels: Image, box: tuple[int, int, int, int]) -> bytes:
    """What surrounds the plate by the usual size of a vehicle, as JPEG, at most 640 pixels a side."""
    x, y, width, height = box
    beside = round(width * (VEHICLE_WIDTHS - 1) / 2)
    cut = _cut(
        pixels,
        x - beside,
        y - round(height * VEHICLE_ABOVE),
        x + width + beside,
        y + height + round(height * VEHICLE_BELOW),
    )
    scale = VEHICLE_PIXELS / max(cut.shape[:2])
    if scale < 1:
        cut = np.asarray(cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return _jpeg(cut)


def _cut(pixels: Image, left: int, top: int, right: int, bottom: int) -> Image:
    height, width = pixels.shape[:2]
    return pixels[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]


def _jpeg(pixels: Image) -> bytes:
    done, data = cv2.imencode(".jpg", pixels, QUALITY)
    if not done:
        raise RefusedError("crop", "a crop could not be encoded")
    return data.tobytes()
