"""Hit action: a step of an officer's work on an alert hit (sections G.3 to G.8)."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from platestream.schemas.fields import Instant, Name, Record, Text

ActionKind = Literal[
    "plate_and_state_confirmed",
    "misread",
    "wrong_state",
    "confirmed_current",
    "not_current",
    "action_taken",
    "no_action",
]
CheckedWith = Literal["", "ncic", "acic", "mvd"]
Result = Literal["", "arrest", "vehicle_recovered", "plate_recovered", "person_located", "citation", "other"]


class Confusion(msgspec.Struct, frozen=True):
    """One character of the vehicle's plate and the character that the reader read instead."""

    actual: Annotated[str, Meta(pattern=r"^[A-Z0-9]$")]
    read: Annotated[str, Meta(pattern=r"^[A-Z0-9]$")]


class HitAction(Record, tag="hit_action/1", frozen=True, kw_only=True):
    """One step of verification or disposition. It holds no plate, because it is stored for years."""

    action_id: UUID
    hit_id: UUID
    at: Instant
    by: Annotated[Name, Meta(description="the officer")]
    kind: ActionKind
    case_number: Text = ""
    mvd_result: Annotated[Text, Meta(description="what the MVD query said (G.5.b), where made")] = ""
    actionable: Annotated[bool, Meta(description="'Actionable ALPR Hit Related' in the report (G.8)")] = False
    note: Text = ""
    checked_with: Annotated[CheckedWith, Meta(description="who was asked whether the entry is current")] = ""
    result: Annotated[Result, Meta(description="what an action came to")] = ""
    confused: Annotated[
        tuple[Confusion, ...], Meta(max_length=3, description="characters that were misread, where known")
    ] = ()
    stopped: Annotated[bool, Meta(description="the vehicle was stopped")] = False

    def __post_init__(self) -> None:
        if self.actionable and not self.case_number.strip():
            raise ValueError("an actionable hit needs the report's `case_number` (order, section G.8)")
        if self.actionable and self.kind != "action_taken":
            raise ValueError("`actionable` is said of an action that was taken (order, section G.8)")
        if self.stopped and self.kind != "action_taken":
            raise ValueError("`stopped` is said of an action that was taken")
        if self.result and self.kind != "action_taken":
            raise ValueError("`result` is said of an action that was taken")
        if self.kind == "confirmed_current" and not self.checked_with:
            raise ValueError("`checked_with` is missing: NCIC, ACIC or MVD (order, section G.3)")
