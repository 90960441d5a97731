"""Delivery: the outcome of one hit for one receiver of notifications. It holds no plate."""

from typing import Annotated, Literal
from uuid import UUID, uuid5

from msgspec import Meta

from platestream.schemas.detection import NAMESPACE
from platestream.schemas.fields import Instant, Record

Outcome = Literal[
    "delivered",
    "failed",
    "quiet",
    "stale",
    "silenced",
    "not_shared",
    "not_entitled",
    "nobody",
    "disproved",
    "connected",
    "reads",
]


class Delivery(Record, tag="delivery/1", frozen=True, kw_only=True):
    """The outcome of one hit for one receiver, written once even when messages are replayed.

    `failed`: given up, with a dead letter. `quiet`: suppressed by a quiet rule. `stale`: captured too long
    ago. `silenced`: the entry does not alert this agency. `not_shared`: no MOU, or none for this camera.
    `not_entitled`: the person was not registered, active, trained and of this agency at that time. `nobody`:
    there is no receiver, or no entitled person was on shift. `disproved`: an officer found this pair of plate
    and entry wrong before. `connected`: a receiver for officers who are not connected, whose device showed
    the hit. `reads`: a batch of reads, sent as they came; `reason` has their number, and there is no hit.
    """

    delivery_id: UUID
    hit_id: UUID
    receiver: Annotated[str, Meta(max_length=64, description="its name in the rules; empty: nobody")]
    agency: Annotated[str, Meta(max_length=64, description="another agency's id; empty: this one")] = ""
    priority: Annotated[int, Meta(ge=1, le=5, description="1 is the top")]
    outcome: Outcome
    at: Instant
    captured_at: Instant
    attempts: Annotated[int, Meta(ge=0)] = 0
    seconds: Annotated[float, Meta(ge=0, description="from when the hit was taken up to the outcome")] = 0.0
    reason: Annotated[
        str, Meta(max_length=64, description="of what failed or was not sent: a code, never its words")
    ] = ""

    @property
    def key(self) -> str:
        """The topic's key."""
        return str(self.delivery_id)


def delivery_id(hit: UUID, receiver: str) -> UUID:
    """Return the id of a delivery.

    It depends on the hit and the receiver only, so replays produce the same id.
    """
    return uuid5(NAMESPACE, f"delivery/{hit}/{receiver}")
