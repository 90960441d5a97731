"""Plate reader, assembled from the text engine and the search plan."""

import threading
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from platestream.reading.geometry import Box
from platestream.reading.ocr import KNOWN_SERIAL, Device, known_picture, open_engine
from platestream.reading.plate_reader import TwoPassReader
from platestream.schemas.reading import PlateRead


class Reader(Protocol):
    """Reader of the plates in one picture, which can also find serials without reading them."""

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models, detector first."""
        ...

    def read(
        self, image: npt.NDArray[np.uint8], longest: int = 0, known: PlateRead | None = None
    ) -> list[PlateRead]:
        """Return the plates in `image` (height x width x 3, BGR), most confident first.

        The first search shrinks the longer side to `longest` pixels; 0: as the reader does by itself. A plate
        with the serial of `known`, the read of a frame shortly before, has its words, too.
        """
        ...

    def locate(self, image: npt.NDArray[np.uint8], longest: int) -> list[Box]:
        """Return the boxes of serials in `image`, whose longer side is shrunk to `longest` pixels."""
        ...


class LimitedReader:
    """Reader shared by the threads of a process, with a limit of concurrent pictures."""

    def __init__(self, reader: Reader, most: int) -> None:
        self._reader, self._places = reader, threading.BoundedSemaphore(most)

    @property
    def models(self) -> tuple[str, ...]:
        return self._reader.models

    def read(
        self, image: npt.NDArray[np.uint8], longest: int = 0, known: PlateRead | None = None
    ) -> list[PlateRead]:
        with self._places:
            return self._reader.read(image, longest, known)

    def locate(self, image: npt.NDArray[np.uint8], longest: int) -> list[Box]:
        with self._places:
            return self._reader.locate(image, longest)


def reads_known_plate(reader: Reader) -> bool:
    """Return whether the reader reads the drawn plate that comes with the package; if not, it is broken."""
    try:
        return any(found.plate == KNOWN_SERIAL for found in reader.read(known_picture()))
    except Exception:  # engines raise errors of any type
        return False


class PlateReader(LimitedReader):
    """Reader for plates of `region`, a file of `platestream.reading.regions`, for use by several threads.

    `at_once` of their pictures are read at the same time, with `threads` each. Without `model_dir` the models
    that come with the package are used.

    Raises ModelError as `platestream.reading.ocr.open_engine` does, and ValueError for an unknown region.
    """

    def __init__(
        self,
        model_dir: Path | None = None,
        threads: int = 2,
        region: str = "us",
        device: Device = "cpu",
        at_once: int = 1,
    ) -> None:
        super().__init__(TwoPassReader(open_engine(model_dir, threads, device), region), at_once)
