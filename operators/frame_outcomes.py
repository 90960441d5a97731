"""One outcome for each frame: what a gateway or a camera sends twice counts once.

A gateway that is killed between the broker's acknowledgement and its own record of it sends its last batch
again, seconds or hours later. It sends in order, so that whatever comes twice is among the last frames of its
camera: remembering so many ids for each camera is enough, however long the gateway was away.
"""

from collections.abc import Callable
from uuid import UUID

import msgspec
from bytewax.operators import StatefulBatchLogic

from operators.recognize import FrameReads
from schemas.dead_letter import DeadLetter
from schemas.frame import told_frame_id

Outcome = FrameReads | DeadLetter
"""What became of a frame: read, with plates or without, or refused."""

REMEMBERED = 128
"""Frames of a camera; a gateway sends 16 again at most (`services.cameras.sender.BATCH`)."""


def camera_of(outcome: Outcome) -> str:
    """The camera whose frame it was; empty where a refused frame does not say."""
    if isinstance(outcome, FrameReads):
        return outcome.camera_id
    return outcome.headers.get("camera-id", "")


class FrameOutcomes(StatefulBatchLogic[Outcome, Outcome, bytes]):
    """The outcomes of one camera's frames, the first of each; `doubled` hears of each that is left out.

    A frame without an id is taken for a new one.
    """

    def __init__(self, resume: bytes | None, doubled: Callable[[Outcome], None] = lambda _one: None) -> None:
        known = [] if resume is None else msgspec.msgpack.decode(resume, type=list[bytes])
        self._known = dict.fromkeys(known)
        self._doubled = doubled

    def on_batch(self, values: list[Outcome]) -> tuple[list[Outcome], bool]:
        # Of frames without ids nothing is kept: refused ones may name any camera.
        return [one for one in values if self._first(one)], not self._known

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(list(self._known))

    def _first(self, outcome: Outcome) -> bool:
        name = _frame_id(outcome)
        if name is None:
            return True
        if name.bytes in self._known:
            self._doubled(outcome)
            return False
        self._known[name.bytes] = None
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return True


def _frame_id(outcome: Outcome) -> UUID | None:
    return outcome.frame_id if isinstance(outcome, FrameReads) else told_frame_id(outcome.headers)
