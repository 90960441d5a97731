"""The reader that flows and commands are given: the text engine and the two looks, put together."""

import threading
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from connectors.ocr import KNOWN, Device, known_picture, open_engine
from operators.reading.reader import TwoLooks
from schemas.reading import PlateRead


class PlateReader(Protocol):
    """Reads the plates in one picture."""

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models used, detector first."""
        ...

    def read(self, image: npt.NDArray[np.uint8]) -> list[PlateRead]:
        """Plates in `image` (height x width x 3, BGR), most certain first; empty when there is none."""
        ...


class AtOnce:
    """The threads of a process share the reader, which reads so many pictures at once."""

    def __init__(self, reader: PlateReader, most: int) -> None:
        self._reader, self._places = reader, threading.BoundedSemaphore(most)

    @property
    def models(self) -> tuple[str, ...]:
        return self._reader.models

    def read(self, image: npt.NDArray[np.uint8]) -> list[PlateRead]:
        with self._places:
            return self._reader.read(image)


def sound(reader: PlateReader) -> bool:
    """Whether the reader reads the drawn plate that comes with the package: one that does not is broken."""
    try:
        return any(found.plate == KNOWN for found in reader.read(known_picture()))
    except Exception:  # an engine raises what it likes
        return False


def open_reader(
    model_dir: Path | None = None,
    threads: int = 2,
    region: str = "us",
    device: Device = "cpu",
    at_once: int = 1,
) -> PlateReader:
    """A reader for plates of `region`, a file of `operators.reading.regions`, that several threads may ask;
    `at_once` of their pictures are read at the same time, with `threads` each.

    Raises ModelError as `connectors.ocr.open_engine` does, and ValueError for a region that is not there.
    """
    return AtOnce(TwoLooks(open_engine(model_dir, threads, device), region), at_once)
