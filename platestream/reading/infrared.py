"""Pictures of sensors without an infrared filter, at night.

Infrared light excites their red and blue pixels, and the green ones least. Such a picture has a red or purple
cast; lamps bloom in it, and a plate that is lit is washed out, in green less than in the other colors.
"""

import cv2
import numpy as np

from platestream.reading.geometry import Image

CAST = 0.8
"""Mean green by the mean of red and blue below which a picture has the cast. Of 272 pictures of ordinary
cameras 1 is below; of 70 of a dashcam at night 66 are."""


def sees_infrared(image: Image) -> bool:
    """Return whether a picture (height x width x 3, BGR) has the cast of infrared light."""
    blue, green, red, _ = cv2.mean(image)
    return green < CAST * (blue + red) / 2


def green_alone(image: Image) -> Image:
    """Return the green of a picture as gray, height x width x 3."""
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(image[..., 1]), cv2.COLOR_GRAY2BGR), np.uint8)
