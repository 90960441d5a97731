"""A hit action: what an officer found or did about an alert hit (sections G.3 to G.8)."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from schemas.fields import Instant, Name, Record, Text

ActionKind = Literal[
    "plate_and_state_confirmed",
    "misread",
    "wrong_state",
    "confirmed_current",
    "not_current",
    "action_taken",
    "no_action",
]


class HitAction(Record, tag="hit_action/1", frozen=True, kw_only=True):
    """One step of verification or disposition."""

    action_id: UUID
    hit_id: UUID
    at: Instant
    by: Annotated[Name, Meta(description="the officer")]
    kind: ActionKind
    case_number: Text = ""
    mvd_result: Annotated[Text, Meta(description="what the MVD query said (G.5.b), where made")] = ""
    actionable: Annotated[bool, Meta(description="'Actionable ALPR Hit Related' in the report (G.8)")] = False
    note: Text = ""

    def __post_init__(self) -> None:
        if self.actionable and not self.case_number.strip():
            raise ValueError("an actionable hit needs the report's `case_number` (order, section G.8)")
