"""Advice on a camera's picture: size and angle of the plate, exposure, focus and motion blur.

The limits are rules of thumb. A serial below 16 pixels in height loses the name of its state, and the
localizer was trained down to 7 (models/notes/reading.md, localiser.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from platestream.cameras.plate_angle import measure_angle
from platestream.schemas.fields import Box

Pixels = npt.NDArray[np.uint8]
LETTERS = 0.22
"""Height of a serial's letters by the width of its plate: 2.7 of 12 inches on US plates."""
READABLE, NAMED = 16, 24
"""Heights of letters in pixels: the serial is read, and the name of the state is found beside it."""
DARK, BRIGHT = 45.0, 215.0
"""Means of the brightness (0 to 255) outside of which a picture is under- or overexposed."""
SHARP = (2000.0, 500.0)
"""Least variance of the second derivative along and across a serial that is scaled to a height of 32 pixels.
The drawn frames of the demo that are read have more.
"""
TILTED, SIDE = 10.0, 40.0
"""Degrees of a tilt, and of a view from the side, above which reading suffers. The second is estimated: it is
up to 16 degrees off on drawn plates.
"""
DIRECTED = 4.0
"""Ratio of the gradients across and along the motion, above which blur is of motion and not of focus."""


@dataclass(frozen=True)
class Advice:
    """A finding on a picture, and what to do; `good`: nothing needs to be done."""

    good: bool
    text: str


def advise(picture: Pixels, serials: Sequence[Box]) -> list[Advice]:
    """Return the advice on a picture (height, width, BGR) in which these serials were read."""
    return [*_light(picture), *_plates(picture, serials)]


def draw_boxes(picture: Pixels, serials: Sequence[Box]) -> bytes:
    """Return the picture as JPEG, with a frame around each serial."""
    drawn = picture.copy()
    for one in serials:
        corners = (one.x - 4, one.y - 4), (one.x + one.width + 4, one.y + one.height + 4)
        cv2.rectangle(drawn, *corners, (0, 200, 255), 3)
    done, jpeg = cv2.imencode(".jpg", drawn)
    if not done:
        raise ValueError("the picture cannot be written as JPEG")
    return jpeg.tobytes()


def _light(picture: Pixels) -> Iterator[Advice]:
    mean = float(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).mean())
    if mean < DARK:
        yield Advice(
            False, "The picture is dark. Switch on infrared light, or open the aperture, not the shutter."
        )
    elif mean > BRIGHT:
        yield Advice(False, "The picture is overexposed. Shorten the exposure, or close the aperture.")
    else:
        yield Advice(True, "The exposure is fine.")


def _plates(picture: Pixels, serials: Sequence[Box]) -> Iterator[Advice]:
    if not serials:
        yield Advice(
            False,
            "No plate was read in this picture. Try again while a vehicle passes. Its plate must be about "
            f"{_wide(NAMED):.0f} pixels wide.",
        )
        return
    widest = max(serials, key=lambda one: one.width)
    size, needed, better = f"The plate is about {widest.width} pixels wide", _wide(READABLE), _wide(NAMED)
    if widest.width < needed:
        yield Advice(False, f"{size}; reading needs {needed:.0f}. Zoom in, or move the camera closer.")
    elif widest.width < better:
        yield Advice(False, f"{size}; its state is read from {better:.0f} on. Zoom in a little.")
    else:
        yield Advice(True, f"{size}, which is enough ({better:.0f}).")
    yield from _angle(picture, widest)
    yield _sharpness(picture, widest)


def _angle(picture: Pixels, serial: Box) -> Iterator[Advice]:
    angle = measure_angle(picture, serial)
    if angle is None:
        return
    tilt = f"The plate is tilted by {abs(angle.tilt):.0f} degrees"
    if abs(angle.tilt) > TILTED:
        way = "counterclockwise" if angle.tilt < 0 else "clockwise"
        yield Advice(False, f"{tilt}. Turn the camera {way} about its axis, or mount it nearer to the lane.")
    else:
        yield Advice(True, f"{tilt}, which is fine.")
    if angle.side > SIDE:
        yield Advice(
            False,
            f"The plate seems to be seen from the side, at about {angle.side:.0f} degrees (estimated by its "
            "letters). Mount the camera nearer to the lane, or farther along it.",
        )


def _sharpness(picture: Pixels, serial: Box) -> Advice:
    part = picture[serial.y : serial.y + serial.height, serial.x : serial.x + serial.width]
    gray = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    scaled = cv2.resize(gray, (max(8, round(32 * serial.width / serial.height)), 32)).astype(np.float64)
    along, across = (float(cv2.Sobel(scaled, cv2.CV_64F, *way).var()) for way in ((2, 0), (0, 2)))
    if along >= SHARP[0] and across >= SHARP[1]:
        return Advice(True, "The plate is sharp.")
    if across > DIRECTED * along:
        return Advice(False, "The plate is blurred by motion. Shorten the exposure to 1/500 s or less.")
    return Advice(False, "The plate is out of focus. Focus on the place where vehicles pass.")


def _wide(letters: float) -> float:
    """Return the width in pixels of a plate whose letters have this height."""
    return letters / LETTERS
