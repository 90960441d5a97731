"""An alert hit: a detection that may be a listed vehicle (section C.3). A lead, never a ground for action."""

from typing import Annotated, Literal
from uuid import UUID, uuid5

import msgspec
from msgspec import Meta

from schemas.detection import NAMESPACE, Detection
from schemas.fields import Record
from schemas.hotlist import HotListEntry

NOTICE = (
    "An alert hit alone is no ground for a stop. Before any action compare plate and state of issue with "
    "the vehicle's own, and verify the entry with NCIC or ACIC (order, section G.3 to G.5)."
)

MatchClass = Literal["exact", "look_alike"]
StateCheck = Literal["same", "unknown", "contradicts"]


class Difference(msgspec.Struct, frozen=True):
    """One character in which read and entry differ; `position` counts from 0."""

    position: int
    read: str
    listed: str


class AlertHit(Record, tag="alert_hit/1", frozen=True, kw_only=True):
    """Detection and entry as they were when they met. It stays unverified until hit actions say more."""

    hit_id: UUID
    match: MatchClass
    differences: tuple[Difference, ...] = ()
    state_check: Annotated[StateCheck, Meta(description="state read against the state listed")]
    detection: Detection
    entry: HotListEntry
    status: Literal["unverified"] = "unverified"
    notice: str = NOTICE


def hit_id(detection: UUID, entry_id: str) -> UUID:
    """The same detection and entry make the same hit, however often they meet."""
    return uuid5(NAMESPACE, f"hit/{detection}/{entry_id}")
