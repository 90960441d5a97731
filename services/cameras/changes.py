"""Whether a frame shows something that the last one sent did not."""

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
BLOCK, DIFFERENCE, SHARED = 16, 5.0, 4.0
"""As in `operators.reading.change_detector`: pixels of a block, its mean's difference in grey values, and how
much of a change the whole picture may share."""


class LastSent:
    """The picture that was sent last, as the mean grey of its blocks."""

    def __init__(self) -> None:
        self._blocks: npt.NDArray[np.float32] | None = None

    def differs(self, pixels: Pixels) -> bool:
        """Whether `pixels` (height x width x 3) shows something new; if so, it is remembered as sent."""
        shape = (max(pixels.shape[1] // BLOCK, 1), max(pixels.shape[0] // BLOCK, 1))
        grey = cv2.cvtColor(cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        blocks, known = np.asarray(grey, np.float32), self._blocks
        if known is not None and known.shape == blocks.shape:
            apart = blocks - known
            shared = float(np.clip(np.median(apart), -SHARED, SHARED))
            if not (np.abs(apart - shared) >= DIFFERENCE).any():
                return False
        self._blocks = blocks
        return True
