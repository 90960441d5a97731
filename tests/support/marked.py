"""Pictures that say their plate by black and white fields, and the recognise flow with a reader of them.

So the whole flow runs in processes of its own, as an operator starts it, and what it costs is not the reader.
`python -m bytewax.run tests.support.marked:flow`; each process leaves a file with the cameras it read for.
"""

import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from bytewax.dataflow import Dataflow

from platestream import flow_process
from platestream.flows import recognize_flow
from platestream.reading.geometry import Box
from platestream.schemas.reading import PlateRead
from platestream.settings import load_settings, open_edge

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LONGEST, BITS, FIELD, HEIGHT = 8, 6, 10, 120
SEEN = "PLATESTREAM_TEST_SEEN"


def marked(plate: str) -> bytes:
    """A picture that `MarkReader` reads as `plate`: a field for each bit of its characters, lowest first."""
    bits = [
        CHARACTERS.index(char) >> bit & 1 for char in plate.ljust(LONGEST, "0") for bit in range(BITS)
    ] + [len(plate) >> bit & 1 for bit in range(BITS)]
    row = np.repeat(np.array(bits, np.uint8) * 255, FIELD)
    pixels = np.repeat(np.tile(row, (HEIGHT, 1))[:, :, None], 3, axis=2)
    done, jpeg = cv2.imencode(".jpg", pixels)
    assert done
    return jpeg.tobytes()


class MarkReader:
    """Reads marked pictures. Tells who read by a file named as this process in the folder of SEEN."""

    models = ("marks/1",)

    def read(
        self, image: npt.NDArray[np.uint8], longest: int = 0, known: PlateRead | None = None
    ) -> list[PlateRead]:
        """The one plate of the picture."""
        if folder := os.environ.get(SEEN):
            Path(folder, str(os.getpid())).touch()
        middle = image[HEIGHT // 2, FIELD // 2 :: FIELD, 0] > 127
        numbers = [
            sum(int(bit) << place for place, bit in enumerate(part)) for part in middle.reshape(-1, BITS)
        ]
        plate = "".join(CHARACTERS[number] for number in numbers[:LONGEST])[: numbers[LONGEST]]
        return [PlateRead(plate, 0.9, None, 0.0, (10, 40, 100, 50), (), (0.9,) * len(plate))]

    def locate(self, image: npt.NDArray[np.uint8], longest: int) -> list[Box]:
        return []


def flow() -> Dataflow:
    """The recognise flow on the edge that the settings name."""
    settings = load_settings()
    claim = flow_process.start_process(settings, "recognize")
    return recognize_flow.build(open_edge(settings, claim), MarkReader())
