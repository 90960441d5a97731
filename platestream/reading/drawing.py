"""Reads drawn into their picture, for people who check a reader."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from platestream.schemas.reading import PlateRead

Image = npt.NDArray[np.uint8]

GREEN, AMBER = (80, 220, 80), (40, 170, 250)
CONFIDENT = 0.9
"""Confidence from which a box is green."""


def annotate(image: Image, reads: Sequence[PlateRead]) -> Image:
    """Return a copy of the picture with each plate's box, text, state and confidence."""
    drawn = image.copy()
    thick = max(image.shape[1] // 600, 1)
    for read in reads:
        x, y, width, height = read.box
        colour = GREEN if read.confidence >= CONFIDENT else AMBER
        cv2.rectangle(drawn, (x, y), (x + width, y + height), colour, thick)
        caption = f"{read.plate} {read.state or '--'} {read.confidence:.2f}"
        below = y + height + 24 * thick
        at = (x, below if below < image.shape[0] else max(y - 8, 24 * thick))
        cv2.putText(
            drawn, caption, at, cv2.FONT_HERSHEY_SIMPLEX, 0.7 * thick, (0, 0, 0), 3 * thick, cv2.LINE_AA
        )
        cv2.putText(drawn, caption, at, cv2.FONT_HERSHEY_SIMPLEX, 0.7 * thick, colour, thick, cv2.LINE_AA)
    return drawn
