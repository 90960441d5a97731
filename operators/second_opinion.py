"""Second opinion: pairs of a camera's reads with the reader's, and how both compare."""

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from rapidfuzz.distance import Levenshtein

from platestream.schemas.camera_read import CameraRead, Opinion
from platestream.schemas.plates import equate, fold
from platestream.schemas.reading import PlateRead

LEAST_SIMILARITY = 0.5
"""Similarity from which two different texts may be the same plate, read differently."""
Pair = tuple[PlateRead | None, CameraRead | None]


def pair_reads(found: Sequence[PlateRead], reads: Sequence[CameraRead]) -> list[Pair]:
    """Pair the reader's plates of a picture with the camera's, the most similar first.

    Boxes are not used, because makers use different coordinates. If one plate is left on each side, these two
    are a pair, too.
    """
    alike = sorted(
        (-similarity(one.plate, other.plate), place, position)
        for place, one in enumerate(found)
        for position, other in enumerate(reads)
    )
    left, without = dict(enumerate(found)), dict(enumerate(reads))
    pairs: list[Pair] = []
    for unlike, place, position in alike:
        if place in left and position in without and -unlike >= LEAST_SIMILARITY:
            pairs.append((left.pop(place), without.pop(position)))
    if len(left) == len(without) == 1:
        return [*pairs, (left.popitem()[1], without.popitem()[1])]
    return [*pairs, *((one, None) for one in left.values()), *((None, one) for one in without.values())]


def compare(plate: str, camera: CameraRead | None, *, ours: bool, pushed: bool, unseen: bool) -> Opinion:
    """Return how the camera's read of a pass compares with `plate`, which the reader read if `ours`.

    `pushed`: the camera sends its reads. `unseen`: no picture of the pass came.
    """
    if camera is None:
        return "reader_only" if pushed else ""
    if ours:
        return "agree" if equate(camera.plate) == equate(plate) else "disagree"
    return "unseen" if unseen else "camera_only"


def read_of_camera(camera: CameraRead, box: tuple[int, int, int, int]) -> PlateRead:
    """Return a camera's read in the form of the reader's; its confidence is 0 where the camera gives none."""
    return PlateRead(camera.plate, camera.confidence or 0.0, camera.state, 0.0, box, (), camera.characters)


@cache
def missing_picture() -> bytes:
    """Return the JPEG that is stored where a camera sent a read without a picture; it says so."""
    pixels = np.full((160, 480, 3), 96, np.uint8)
    font, white = cv2.FONT_HERSHEY_SIMPLEX, (255, 255, 255)
    cv2.putText(pixels, "NO PICTURE WAS SENT", (20, 70), font, 1.0, white, 2, cv2.LINE_AA)
    cv2.putText(pixels, "Read by the camera, not seen by us", (20, 115), font, 0.7, white, 2, cv2.LINE_AA)
    done, data = cv2.imencode(".jpg", pixels)
    if not done:
        raise RuntimeError("the picture that replaces a missing one could not be encoded")
    return bytes(data.tobytes())


def similarity(a: str, b: str) -> float:
    """Return 1 - edit distance / length of two plates, with look-alikes as one."""
    return Levenshtein.normalized_similarity(fold(a), fold(b))
