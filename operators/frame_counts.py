"""Counts of arrived frames: a row for each frame, by its number, whatever became of it.

A repetition makes the same row, so a replay counts nothing twice.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from platestream.operators.frame_outcomes import Outcome
from platestream.operators.frame_reads import FrameReads
from platestream.schemas.frame import Frame, frame_id_of
from platestream.schemas.frame_count import HELD, READ, CountedFrame, FrameCount, count_of

MARK = 2**32 - 1
NUMBER = 2**63 - 1


def count_outcome(outcome: Outcome) -> CountedFrame | None:
    """Return the row of a frame that was read or refused; None of a refused one without camera or number."""
    if isinstance(outcome, FrameReads):
        return _row(outcome.camera_id, outcome.captured_at, READ, outcome.count, outcome.frame_id)
    count, camera = count_of(outcome.headers), outcome.headers.get("camera-id", "")
    if count is None or not 0 < len(camera) <= 64:
        return None
    return _numbered(camera, outcome.reason, count, frame_id_of(outcome.headers))


def count_held(frame: Frame) -> CountedFrame:
    """Return the row of a frame that waits in quarantine."""
    return _row(frame.camera_id, frame.captured_at, HELD, frame.count, frame.frame_id)


def _row(
    camera: str, at: datetime, outcome: str, count: FrameCount | None, name: UUID | None
) -> CountedFrame:
    if count is not None:
        return _numbered(camera, outcome, count, name)
    number = round(at.timestamp() * 1000) if name is None else name.int & NUMBER
    return CountedFrame(camera_id=camera, outcome=outcome, number=number)


def _numbered(camera: str, outcome: str, count: FrameCount, name: UUID | None) -> CountedFrame:
    return CountedFrame(
        camera_id=camera,
        outcome=outcome,
        epoch=count.epoch,
        number=count.number,
        mark=0 if name is None else name.int & MARK,
        lost=msgspec.json.encode(count.lost, order="sorted").decode() if count.lost else "",
        device=count.device or 0,
    )
