"""Deployment finding: a camera or special detail that works without approval, or in a sensitive place.

Sections D.5, E.1.f and G.6 of the order require the approval.
"""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID, uuid5

from msgspec import Meta

from platestream.schemas.detection import NAMESPACE
from platestream.schemas.fields import Instant, Record, Text

Rule = Literal[
    "unregistered",
    "ended",
    "unapproved",
    "period",
    "moved",
    "outside",
    "detail_unapproved",
    "sensitive_place",
]
SAID: dict[Rule, str] = {
    "unregistered": "the camera is not registered",
    "ended": "the camera's time has ended",
    "unapproved": "nobody approved this location (D.5)",
    "period": "outside of the period that was approved (D.5)",
    "moved": "far from the place that was approved (D.5)",
    "outside": "a camera that moves, outside of the agency's boundary and of a special detail (F.4, G.6)",
    "detail_unapproved": "a special detail that the Chief has not approved (G.6)",
    "sensitive_place": "in a place where the law allows no camera",
}


class DeploymentFinding(Record, tag="deployment_finding/1", frozen=True, kw_only=True):
    """A violation of one deployment rule, reported once for each camera, rule and day."""

    finding_id: UUID
    day: date
    at: Annotated[Instant, Meta(description="of a frame, or of the detail's record")]
    camera_id: str
    detail: Annotated[
        str, Meta(description="id of the special detail or sensitive place, where there is one")
    ] = ""
    rule: Rule
    said: Text

    @classmethod
    def of(cls, camera_id: str, rule: Rule, at: Instant, detail: str = "") -> "DeploymentFinding":
        """Return the finding of a rule. Its id depends on camera, detail, rule and day only."""
        day = at.date()
        return cls(
            finding_id=uuid5(NAMESPACE, f"deployment/{camera_id}/{detail}/{rule}/{day}"),
            day=day,
            at=at,
            camera_id=camera_id,
            detail=detail,
            rule=rule,
            said=SAID[rule],
        )
