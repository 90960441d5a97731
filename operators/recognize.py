"""Recognition step: plates in a picture, each with its crop and a picture of the vehicle."""

import threading
from collections.abc import Callable
from datetime import datetime

import cv2
import numpy as np
import numpy.typing as npt

from platestream.operators.decode import Picture
from platestream.operators.frame_reads import FrameReads, Sighting
from platestream.operators.second_opinion import missing_picture, pair_reads, read_of_camera
from platestream.operators.vehicle import vehicle_view
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.message import RefusedError
from platestream.schemas.reading import PlateRead

Image = npt.NDArray[np.uint8]
Read = Callable[[str, datetime, Image], list[PlateRead]]
"""Reads a camera's frame: camera, capture time, pixels. `reading.change_detector.ChangeDetector` is one."""

CROP_MARGIN = 0.25  # of the plate's size, each side: people recognize it by the frame
VEHICLE_WIDTHS, VEHICLE_ABOVE, VEHICLE_BELOW = 4.0, 8.0, 2.5  # in plate widths, in plate heights
VEHICLE_PIXELS = 640  # longer side of the vehicle's picture
QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 85]


class Recognizer:
    """Reader of pictures. A picture on which the engine fails is refused, and the others continue.

    It may be used by several threads, each with its own cameras. After `patience` consecutive failures,
    `reads_known_plate` checks that the engine still reads a known picture. If it does, the pictures are bad
    and are refused as before; if not, the flow stops.
    """

    def __init__(self, read: Read, sound: Callable[[], bool], patience: int = 20) -> None:
        self._read, self._sound = read, sound
        self._patience = patience
        self._failed = 0
        self._lock = threading.Lock()

    def __call__(self, picture: Picture) -> FrameReads:
        """Return the plates of a picture.

        Raises RefusedError for a bad picture, RuntimeError for a broken engine.
        """
        frame = picture.frame
        try:
            found = self._read(frame.camera_id, frame.captured_at, picture.pixels) if frame.image else []
        except Exception as error:  # engines raise errors of any type
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
                sorted(
                    (_sighting(picture.pixels, *both) for both in pair_reads(found, frame.reads)),
                    key=lambda one: (one.read.box, one.read.plate),
                )
            ),
            frame_id=frame.frame_id,
            pushed=frame.pushed,
            unseen=not frame.image,
            count=frame.count,
        )


def _sighting(pixels: Image, read: PlateRead | None, camera: CameraRead | None) -> Sighting:
    if read is None:
        if camera is None:
            raise ValueError("a pair without a read")
        return _camera_sighting(pixels, camera)
    if read.followed:
        return Sighting(read, b"", b"", camera=camera)
    box = read.box
    return Sighting(
        read, plate_crop(pixels, box), vehicle_picture(pixels, box), vehicle_view(pixels, box), camera
    )


def _camera_sighting(pixels: Image, camera: CameraRead) -> Sighting:
    """Return a plate that the camera alone read; its pictures are the whole picture, where there is one."""
    height, width = pixels.shape[:2]
    jpeg = _jpeg(_reduced(pixels)) if pixels.size else missing_picture()
    read = read_of_camera(camera, (0, 0, max(width, 1), max(height, 1)))
    return Sighting(read, jpeg, jpeg, camera=camera, ours=False)


def plate_crop(pixels: Image, box: tuple[int, int, int, int]) -> bytes:
    """Return the plate with a margin, as JPEG."""
    x, y, width, height = box
    across, up = round(width * CROP_MARGIN), round(height * CROP_MARGIN)
    return _jpeg(_cut(pixels, x - across, y - up, x + width + across, y + height + up))


def vehicle_picture(pixels: Image, box: tuple[int, int, int, int]) -> bytes:
    """Return the plate with the usual size of a vehicle around it, as JPEG, at most 640 pixels a side."""
    x, y, width, height = box
    beside = round(width * (VEHICLE_WIDTHS - 1) / 2)
    cut = _cut(
        pixels,
        x - beside,
        y - round(height * VEHICLE_ABOVE),
        x + width + beside,
        y + height + round(height * VEHICLE_BELOW),
    )
    return _jpeg(_reduced(cut))


def _reduced(pixels: Image) -> Image:
    """Return the pixels with the longer side reduced to `VEHICLE_PIXELS`."""
    scale = VEHICLE_PIXELS / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _cut(pixels: Image, left: int, top: int, right: int, bottom: int) -> Image:
    height, width = pixels.shape[:2]
    return pixels[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]


def _jpeg(pixels: Image) -> bytes:
    done, data = cv2.imencode(".jpg", pixels, QUALITY)
    if not done:
        raise RefusedError("crop", "a crop could not be encoded")
    return data.tobytes()
