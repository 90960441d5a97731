"""A delivery: what became of one hit for one receiver of notifications. It holds no plate."""

from typing import Annotated, Literal
from uuid import UUID, uuid5

from msgspec import Meta

from schemas.detection import NAMESPACE
from schemas.fields import Instant, Record

Outcome = Literal["delivered", "failed", "quiet", "stale", "silenced", "not_shared", "not_entitled", "nobody"]


class Delivery(Record, tag="delivery/1", frozen=True, kw_only=True):
    """Once a hit and receiver, whatever is replayed: the topic `deliveries` is the ledger that says so.

    `failed`: given up, a dead letter; `quiet`: by a quiet rule; `stale`: captured too long ago; `silenced`:
    its entry does not alert this agency; `not_shared`: no MOU, or not for this camera;
    `not_entitled`: the person is not registered, active, trained and ours at that moment; `nobody`: no
    receiver, or nobody who may be told was on shift.
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
        str, Meta(max_length=64, description="of what failed or was not told: a code, never its words")
    ] = ""

    @property
    def key(self) -> str:
        """The topic's key."""
        return str(self.delivery_id)


def delivery_id(hit: UUID, receiver: str) -> UUID:
    """The same hit and receiver are the same delivery, however often they meet."""
    return uuid5(NAMESPACE, f"delivery/{hit}/{receiver}")
