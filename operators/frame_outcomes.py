"""De-duplication of frames: a frame that a gateway or camera sends twice has one outcome.

A gateway that is killed between the broker's acknowledgment and its own record of it sends its last batch
again, seconds or hours later. It sends in order, so repeated frames are among the last of their camera. It is
enough to remember a fixed number of ids for each camera, however long the gateway was down.
"""

from collections.abc import Callable

import msgspec
from bytewax.operators import StatefulBatchLogic

from platestream.operators.frame_reads import FrameReads
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.frame import frame_id_of

Outcome = FrameReads | DeadLetter
"""Outcome of a frame: read, with or without plates, or rejected."""

REMEMBERED_FRAMES = 128
"""Remembered frames of a camera; a gateway repeats 16 at most (`platestream.cameras.sender.BATCH`)."""


def camera_of(outcome: Outcome) -> str:
    """Return the camera of the frame, or an empty string if a refused frame does not name it."""
    if isinstance(outcome, FrameReads):
        return outcome.camera_id
    return outcome.headers.get("camera-id", "")


class FrameOutcomes(StatefulBatchLogic[Outcome, Outcome, bytes]):
    """The first outcomes of one camera's frames; `doubled` is called with each repeated one.

    A frame without an id counts as a new one.
    """

    def __init__(self, resume: bytes | None, doubled: Callable[[Outcome], None] = lambda _one: None) -> None:
        known = [] if resume is None else msgspec.msgpack.decode(resume, type=list[bytes])
        self._known = dict.fromkeys(known)
        self._doubled = doubled

    def on_batch(self, values: list[Outcome]) -> tuple[list[Outcome], bool]:
        # Frames without ids are not remembered, because refused ones may name any camera.
        return [one for one in values if self._first(one)], not self._known

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(list(self._known))

    def _first(self, outcome: Outcome) -> bool:
        name = outcome.frame_id if isinstance(outcome, FrameReads) else frame_id_of(outcome.headers)
        if name is None:
            return True
        if name.bytes in self._known:
            self._doubled(outcome)
            return False
        self._known[name.bytes] = None
        if len(self._known) > REMEMBERED_FRAMES:
            del self._known[next(iter(self._known))]
        return True
