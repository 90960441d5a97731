"""Alert hit: a detection that may be a listed vehicle (section C.3).

It is a lead, never grounds for action.
"""

from hashlib import sha1
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from platestream.schemas.detection import NAMESPACE, Detection
from platestream.schemas.fields import Record, Share
from platestream.schemas.hotlist import HotListEntry

NOTICE = (
    "An alert hit alone is no ground for a stop. Before any action compare plate and state of issue with "
    "the vehicle's own, and verify the entry with NCIC or ACIC (order, section G.3 to G.5)."
)

MatchClass = Literal["exact", "look_alike", "alternative", "partial", "description"]
StateCheck = Literal["same", "unknown", "contradicts"]
AlertedBy = Literal["", "reader", "camera", "both"]


class Difference(msgspec.Struct, frozen=True, gc=False):
    """One character in which the read and the entry differ, O and 0 included; `position` counts from 0."""

    position: int
    read: str
    listed: str


class AlertHit(Record, tag="alert_hit/1", frozen=True, kw_only=True):
    """A detection that matches a hot list entry, with both as at that time; unverified at first."""

    hit_id: UUID
    match: Annotated[
        MatchClass,
        Meta(
            description="exact (O and 0 match, and are in `differences`); look_alike: `differences` may be "
            "misread; alternative: "
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
        bool, Meta(description="last in view before the entry was listed: never a fresh alert")
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

    @property
    def alerted_by(self) -> AlertedBy:
        """System whose read matched; empty where the camera sends no reads."""
        read = self.detection
        match read.opinion:
            case "agree":
                return "both"
            case "camera_only" | "unseen":
                return "camera"
            case "reader_only":
                return "reader"
            case "disagree" if read.camera_read is not None:
                return "camera" if self.matched == read.camera_read.plate else "reader"
        return ""


_HITS = sha1(NAMESPACE.bytes + b"hit/", usedforsecurity=False)  # `uuid.uuid5` hashes it each time


def hit_id(detection: UUID, entry_id: str, *, in_view: bool = False) -> UUID:
    """Return the id of a hit.

    It depends on the detection and the entry only, so replays produce the same id. An alert on a vehicle
    `in_view`, listed after its detection, is another hit than the find of the entry's look-back.
    """
    named = _HITS.copy()
    named.update(detection.bytes + entry_id.encode() + (b"/in view" if in_view else b""))
    return UUID(bytes=named.digest()[:16], version=5)
