"""An alert hit: a detection that may be a listed vehicle (section C.3). A lead, never a ground for action."""

from hashlib import sha1
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from schemas.detection import NAMESPACE, Detection
from schemas.fields import Record, Share
from schemas.hotlist import HotListEntry

NOTICE = (
    "An alert hit alone is no ground for a stop. Before any action compare plate and state of issue with "
    "the vehicle's own, and verify the entry with NCIC or ACIC (order, section G.3 to G.5)."
)

MatchClass = Literal["exact", "look_alike", "alternative", "partial", "description"]
StateCheck = Literal["same", "unknown", "contradicts"]


class Difference(msgspec.Struct, frozen=True, gc=False):
    """One character in which read and entry differ; `position` counts from 0."""

    position: int
    read: str
    listed: str


class AlertHit(Record, tag="alert_hit/1", frozen=True, kw_only=True):
    """Detection and entry as they were when they met. It stays unverified until hit actions say more."""

    hit_id: UUID
    match: Annotated[
        MatchClass,
        Meta(
            description="exact (O and 0 are one); look_alike: `differences` may be misread; alternative: "
            "another reading of the plate is listed, `matched`; partial: unknown characters; "
            "description: the vehicle"
        ),
    ]
    rank: Annotated[int, Meta(ge=0, le=99, description="0 is best; a state that contradicts adds 10")] = 0
    likelihood: Annotated[
        Share | None,
        Meta(
            description="how often the listed plate is read so (look_alike), or how sure the reader is of "
            "that reading (alternative); 1 when exact; null when nobody can say"
        ),
    ] = None
    matched: Annotated[str, Meta(description="the reading that matched, where it is not the detection's")] = (
        ""
    )
    differences: tuple[Difference, ...] = ()
    state_check: Annotated[StateCheck, Meta(description="state read against the state listed")]
    historical: Annotated[
        bool, Meta(description="captured before the entry was listed: what was, never a fresh alert")
    ] = False
    detection: Detection
    entry: HotListEntry
    agency: Annotated[
        str,
        Meta(
            max_length=64,
            description="another agency, whose camera saw it; empty: this one. It stands before "
            "the camera's id, and its pictures are there",
        ),
    ] = ""
    status: Literal["unverified"] = "unverified"
    notice: str = NOTICE


_HITS = sha1(NAMESPACE.bytes + b"hit/", usedforsecurity=False)  # `uuid.uuid5`, which starts anew each time


def hit_id(detection: UUID, entry_id: str) -> UUID:
    """The same detection and entry make the same hit, however often they meet."""
    named = _HITS.copy()
    named.update(detection.bytes + entry_id.encode())
    return UUID(bytes=named.digest()[:16], version=5)
