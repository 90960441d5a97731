"""Changed parts of a picture, in groups of neighboring blocks."""

import cv2
import numpy as np
import numpy.typing as npt

from platestream.reading.geometry import Box

Blocks = npt.NDArray[np.bool_]
Part = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


class Changes:
    """Changed blocks of a picture of `shape` (height, width, …); `margin` pixels separate two groups."""

    def __init__(self, blocks: Blocks, shape: tuple[int, ...], margin: int) -> None:
        self._blocks, self._margin = blocks.copy(), margin
        self.shape = shape[0], shape[1]
        self._high, self._wide = shape[0] / blocks.shape[0], shape[1] / blocks.shape[1]
        self.count, self._labels = 0, np.zeros(blocks.shape, np.int32)
        if blocks.any():
            reach = 1 + 2 * round(margin / self._wide), 1 + 2 * round(margin / self._high)
            grown = cv2.dilate(blocks.astype(np.uint8), np.ones(reach[::-1], np.uint8))
            count, labels = cv2.connectedComponents(grown)
            self.count, self._labels = count - 1, np.asarray(labels, np.int32)

    def groups(self, box: Box) -> set[int]:
        """Return the numbers (from 1) of the groups at a box."""
        x, y, width, height = box
        return set(np.unique(self._labels[self.blocks_of((x, y, x + width, y + height))]).tolist()) - {0}

    def span(self, number: int) -> Part:
        """Return the part of the picture that a group changes."""
        part = self._bounds(self._blocks & (self._labels == number), 0)
        return part or (0, 0, 0, 0)

    def drop(self, number: int) -> None:
        """Leave out a group."""
        self._blocks &= self._labels != number

    def rest(self) -> Part | None:
        """Return the part of the picture that the remaining groups change, with the margin."""
        return self._bounds(self._blocks, self._margin)

    def blocks_of(self, part: Part) -> tuple[slice, slice]:
        """Return the rows and columns of the blocks that a part touches."""
        left, top, right, bottom = part
        return (
            slice(max(int(top / self._high), 0), max(int(-(-bottom // self._high)), 1)),
            slice(max(int(left / self._wide), 0), max(int(-(-right // self._wide)), 1)),
        )

    def _bounds(self, blocks: Blocks, margin: int) -> Part | None:
        rows, columns = np.nonzero(blocks)
        if rows.size == 0:
            return None
        return (
            max(int(columns.min() * self._wide) - margin, 0),
            max(int(rows.min() * self._high) - margin, 0),
            min(int((columns.max() + 1) * self._wide) + margin, self.shape[1]),
            min(int((rows.max() + 1) * self._high) + margin, self.shape[0]),
        )
