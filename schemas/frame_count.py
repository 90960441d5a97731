"""Numbers of a camera's frames: the header that the gateway adds, and the row that counts a frame."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from platestream.schemas.fields import NOT_JSON

FRAME_COUNT = "frame-count"
READ, HELD = "read", "held"


class FrameCount(msgspec.Struct, frozen=True, omit_defaults=True):
    """The number of a frame. A camera's frames count from 1 without a gap as long as one spool lasts."""

    epoch: Annotated[
        str, Meta(pattern="^[0-9a-f]{16}$", description="random, of one spool; a new one counts from 1")
    ]
    number: Annotated[int, Meta(ge=1, le=2**53)]
    lost: Annotated[
        dict[Annotated[str, Meta(max_length=32)], Annotated[int, Meta(ge=1, le=2**53)]],
        Meta(max_length=8, description="lower numbers that were not sent, by reason"),
    ] = {}
    device: (
        Annotated[int, Meta(ge=0, le=2**53, description="the camera's own number, where it has one")] | None
    ) = None


class CountedFrame(msgspec.Struct, frozen=True, kw_only=True):
    """One frame that arrived at the recognition; a repetition has the same values.

    `epoch` is empty for a frame without a number of the gateway; then `number` is derived from its id. `mark`
    tells two frames of one number apart, and is 0 where the frame has no id.
    """

    camera_id: str
    outcome: str
    epoch: str = ""
    number: int = 0
    mark: int = 0
    lost: str = ""
    device: int = 0


_DECODER = msgspec.json.Decoder(FrameCount)


def count_of(headers: Mapping[str, str]) -> FrameCount | None:
    """Return the number in the headers of a message, or None if there is no valid one."""
    try:
        return _DECODER.decode(headers.get(FRAME_COUNT, ""))
    except NOT_JSON:
        return None
